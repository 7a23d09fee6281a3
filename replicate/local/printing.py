"""Sends the printed output of a model to the logs of its prediction, even if several models print at once."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_current: ContextVar[_Lines | None] = ContextVar("replicate_local_logs", default=None)
_switch = threading.Lock()
_users = 0
_printers: dict[int, _Printer] = {}
"""By the id of the stream that each replaces. Never deleted: CPython's print() goes on using the old `sys.stdout` after
another thread has replaced it, without holding a reference to it."""


class _Lines:
    """Collects text and passes it on line by line, or when it is flushed."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._text = ""
        self._lock = threading.Lock()

    def write(self, text: str) -> None:
        with self._lock:
            whole, newline, self._text = (self._text + text).rpartition("\n")
        if newline:
            self._log(whole + newline)

    def flush(self) -> None:
        with self._lock:
            text, self._text = self._text, ""
        if text:
            self._log(text)


class _Printer:
    """Replaces `sys.stdout` or `sys.stderr`: inside a model it writes to the logs, elsewhere to the original stream."""

    def __init__(self, original: TextIO) -> None:
        self.original = original

    def write(self, text: str) -> int:
        lines = _current.get()
        if lines is None:
            return self.original.write(text)
        lines.write(text)
        return len(text)

    def flush(self) -> None:
        (_current.get() or self.original).flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


@contextmanager
def captured(log: Callable[[str], None]) -> Generator[None]:
    """Send to `log` what this thread prints inside the block, and code that runs in a copy of its context."""
    lines = _Lines(log)
    _install()
    token = _current.set(lines)
    try:
        yield
    finally:
        _current.reset(token)
        lines.flush()
        _uninstall()


def _install() -> None:
    global _users  # noqa: PLW0603 - one process has one stdout
    with _switch:
        _users += 1
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if not isinstance(stream, _Printer):
                printer = _printers.setdefault(id(stream), _Printer(stream))
                setattr(sys, name, cast("TextIO", printer))


def _uninstall() -> None:
    global _users  # noqa: PLW0603
    with _switch:
        _users -= 1
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if not _users and isinstance(stream, _Printer):
                setattr(sys, name, stream.original)
