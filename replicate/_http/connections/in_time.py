"""Work that may hang: a look-up of a name, or a pipe that is read. A thread that hangs is left behind in the end."""

from __future__ import annotations

import os
import select
import time
from contextvars import copy_context
from io import BufferedReader, FileIO
from threading import TIMEOUT_MAX, Event, Thread
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from replicate._http.connections.interface import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class LateError(Exception):
    """The time was up before the work was done. It is no TimeoutError, which a signal handler may have raised."""


class Helper(Generic[T]):
    """A daemon thread that does some work and then calls `tell`. The program may end while the work still hangs."""

    def __init__(self, work: Callable[[], T], tell: Callable[[], object]) -> None:
        self._work, self._tell = work, tell
        self._outcome: tuple[Any, BaseException | None] | None = None

    def start(self) -> bool:
        """Start the thread. False if that fails: while Python shuts down, it starts no threads."""
        thread = Thread(target=copy_context().run, args=(self._run,), name="replicate-helper", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        return True

    def result(self) -> T:
        """Return the result of the work, or raise its error. Raises LateError if it is not done."""
        if self._outcome is None:
            raise LateError
        value, error = self._outcome
        if error is not None:
            raise error
        result: T = value
        return result

    def _run(self) -> None:
        try:
            self._outcome = self._work(), None
        except BaseException as error:  # noqa: BLE001 - it is raised by `result`
            self._outcome = None, error
        self._tell()


def in_time(work: Callable[[], T], seconds: float, otherwise: Callable[[], T] | None = None) -> T:
    """Return the result of some work within so many seconds. Raises LateError when the time is up.

    The work must hold nothing that others need, as it may go on afterwards. If no thread can be started, `otherwise` is
    called instead, or else the work itself, without a limit.
    """
    done = Event()
    helper = Helper(work, done.set)
    if not helper.start():
        return (otherwise or work)()
    done.wait(min(seconds, TIMEOUT_MAX))
    return helper.result()


class Pipe:
    """An open file to read from, for so many seconds in total.

    While it has nothing to read, a pipe of the system is waited for outside of its reader. A reader in a thread that is
    left behind would hold its lock, and Python aborts at its end if that is the reader of stdin.
    """

    def __init__(self, file: Any, seconds: float = ALWAYS) -> None:
        self._file, self._end = file, time.monotonic() + seconds
        self._poll = poll_of(file)

    def wait(self) -> None:
        """Wait until there is something to read, or the end. Raises LateError."""
        if self._poll is None:
            return
        left = self._end - time.monotonic()
        if not self._poll.poll(None if left == ALWAYS else max(0.0, left) * 1000):
            raise LateError

    def read(self, size: int) -> Any:
        """Read at most so many bytes, as many as there are if they were waited for. Raises what the file raises."""
        return self._file.read(size) if self._poll is None else getattr(self._file, "read1", self._file.read)(size)


def poll_of(file: Any) -> Any:
    """Return an object of the system that waits for an open pipe, or None if there is none for this file."""
    raw = file.raw if type(file) is BufferedReader else file
    if type(raw) is not FileIO or not hasattr(select, "poll") or not os.get_blocking(raw.fileno()):
        return None
    poll = select.poll()
    poll.register(raw.fileno(), select.POLLIN)
    return poll
