"""Work that may hang, such as a look-up of a name: it is done in a thread, which is left behind if it hangs."""

from __future__ import annotations

from contextvars import copy_context
from threading import TIMEOUT_MAX, Event, Thread
from typing import TYPE_CHECKING, Any, Generic, TypeVar

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
