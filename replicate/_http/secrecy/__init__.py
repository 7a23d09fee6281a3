"""Keeping the token out of everything that displays, traverses or pickles objects."""
