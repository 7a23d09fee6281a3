"""Predictions and trainings, from the create to the result."""
