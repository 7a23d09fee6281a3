"""The package's log. Errors of log handlers never end a call."""

from __future__ import annotations

import logging
from contextlib import suppress
from logging import DEBUG as DEBUG  # noqa: PLC0414 - for `shows`
from logging import INFO as INFO  # noqa: PLC0414

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
            logger.log(level, message, *values, stacklevel=3)
