"""The package's log and warnings. Errors in showing them never end a call, unless warnings are made errors."""

from __future__ import annotations

import logging
import warnings
from contextlib import suppress
from logging import DEBUG as DEBUG  # noqa: PLC0414 - for `shows`
from logging import INFO as INFO  # noqa: PLC0414

from replicate._wording import harmless, one_line

logger = logging.getLogger("replicate")


def shows(level: int) -> bool:
    """Return whether messages of a level are logged."""
    return logger.isEnabledFor(level)


def debug(message: str, *values: object) -> None:
    _write(logging.DEBUG, message, values)


def info(message: str, *values: object) -> None:
    _write(logging.INFO, message, values)


def warning(message: str, *values: object) -> None:
    _write(logging.WARNING, message, values)


def _write(level: int, message: str, values: tuple[object, ...]) -> None:
    if logger.isEnabledFor(level):
        with suppress(Exception):  # a handler may raise, and stderr may be closed
            logger.log(level, message, *map(shown, values), stacklevel=3)


def shown(value: object) -> object:
    """Return an argument of a log record, which cannot end the line, or control the terminal that shows it."""
    if isinstance(value, str):
        return one_line(value)
    return value if isinstance(value, (int, float)) else Line(value)


class Line:
    """An object in a log record. It is made into text late, so that the log handles errors in that."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __str__(self) -> str:
        return one_line(str(self._value))

    def __repr__(self) -> str:
        return one_line(repr(self._value))


def warn(message: str, category: type[Warning] = UserWarning, stacklevel: int = 1) -> None:
    """Issue a warning, as `warnings.warn` does. It is lost if stderr is closed."""
    with suppress(OSError, ValueError):
        warnings.warn(harmless(message), category, stacklevel=stacklevel + 1)
