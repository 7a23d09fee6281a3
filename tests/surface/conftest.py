"""Tests of the clients' surface run in every colour, with scripted responses."""

from support.colours import each_colour, pytest_pyfunc_call  # noqa: F401 - a fixture and a hook
