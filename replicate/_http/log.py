"""The package's log, which never costs a prediction: what its handlers raise ends no call."""

from __future__ import annotations

import logging
from contextlib import suppress
from logging import DEBUG as DEBUG  # noqa: PLC0414 - for `shows`
from logging import INFO as INFO  # noqa: PLC0414

logger = logging.getLogger("replicate")


def shows(level: int) -> bool:
    """Tell whether somebody sees what is logged at a level."""
    return logger.isEnabledFor(level)


def debug(message: str, *values: object) -> None:
    _write(logging.DEBUG, message, values)


def info(message: str, *values: object) -> None:
    _write(logging.INFO, message, values)


def warning(message: str, *values: object) -> None:
    _write(logging.WARNING, message, values)


def _write(level: int, message: str, values: tuple[object, ...]) -> None:
    if logger.isEnabledFor(level):
        with suppress(Exception):  # a handler's, or that of stderr, which may be closed
            logger.log(level, message, *values, stacklevel=3)
