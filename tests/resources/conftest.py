"""Each test in every colour."""

from support.colours import each_colour, pytest_pyfunc_call  # noqa: F401 - a fixture and a hook
