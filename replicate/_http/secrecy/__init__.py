"""Keeping the token out of everything that shows, walks or pickles objects."""
