"""Work that may hang, such as a look-up of a name: it is done in a thread, which is left behind if it hangs."""

from __future__ import annotations

from contextvars import copy_context
from threading import TIMEOUT_MAX, Event, Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class LateError(Exception):
    """The time was up before the work was done. It is no TimeoutError, which a signal handler may have raised."""


def in_time(work: Callable[[], T], seconds: float, otherwise: Callable[[], T] | None = None) -> T:
    """Return the result of some work within so many seconds, or raise its error. Raises LateError when the time is up.

    The work must hold nothing that others need, as it may go on afterwards. If no thread can be started, as while
    Python shuts down, `otherwise` is called instead, or else the work itself, without a limit.
    """
    results, errors, done = list[T](), list[BaseException](), Event()

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised below
            errors.append(error)
        done.set()

    # A daemon thread: the program may end while the work still hangs.
    thread = Thread(target=copy_context().run, args=(run,), name="replicate-helper", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return (otherwise or work)()
    done.wait(min(seconds, TIMEOUT_MAX))
    if errors:
        raise errors.pop()
    if not results:
        raise LateError
    return results[0]
