"""Tests of the surface of clients run in every colour, over scripted answers."""

from support.colours import each_colour, pytest_pyfunc_call  # noqa: F401 - a fixture and a hook
