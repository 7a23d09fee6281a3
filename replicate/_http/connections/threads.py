"""Threads for work that would block an event loop. They are our own: all of another library's may wait for this client.

They are daemon threads, so Python exits although some of their work never ends.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from contextvars import ContextVar, copy_context
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from sniffio import current_async_library_cvar

from replicate._http.connections.pool import running_loop
from replicate._http.connections.process import inheritors

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MOST = 8
"""Maximum number of threads for work on the disk, and of idle threads."""
IDLE = 1.0
"""Seconds for which an idle thread is kept: it takes no time to start another."""


class AbandonedError(Exception):
    """Ends work that nobody waits for any more."""


class Job(Generic[T]):
    """Some work for a thread, for the running task to await. It sees the task's context variables."""

    def __init__(self, work: Callable[[], T]) -> None:
        from anyio import Event

        loop: Any = running_loop()
        self.abandoned: bool = False
        self.end: Event = Event()
        self._wake: Callable[[Callable[[], object]], object] = (
            getattr(loop, "call_soon_threadsafe", None) or loop.run_sync_soon
        )
        self._context, self._work = copy_context(), work
        self._value: Any = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do the work, and wake up the task."""
        try:
            self._value = self._context.run(self._in_context)
        except BaseException as error:  # noqa: BLE001 - it is the task's
            self._error = error
        del self._context, self._work
        with suppress(RuntimeError):  # the event loop has been closed
            self._wake(self.end.set)

    def _in_context(self) -> T:
        current.set(self)
        current_async_library_cvar.set(None)  # no event loop runs in this thread
        return self._work()

    async def finish(self) -> None:
        """Wait until the work has ended, even if the task is being canceled."""
        from asyncio import CancelledError

        from anyio import CancelScope

        with CancelScope(shield=True):
            while not self.end.is_set():
                with suppress(CancelledError):
                    await self.end.wait()

    def result(self) -> T:
        """Return the result, or raise the exception of the work."""
        if (error := self._error) is not None:
            self._error = None
            try:
                raise error
            finally:
                del error  # its traceback contains this frame
        return self._value  # type: ignore[no-any-return]  # it is what the work has returned


class Abandonable(Protocol):
    """Work that may be abandoned."""

    abandoned: bool


current: ContextVar[Abandonable | None] = ContextVar("replicate_job", default=None)
"""The job that the running code belongs to."""


def check_wanted() -> None:
    """Raise AbandonedError in work that has been abandoned."""
    if (job := current.get()) is not None and job.abandoned:
        raise AbandonedError


class Workers:
    """Threads that are started when they are needed, up to a number, and end when they have been idle for a while."""

    def __init__(self, most: float) -> None:
        self._most = most
        self.forget()
        inheritors.add(self)

    def forget(self) -> None:
        """Begin anew in the child of a fork, where these threads do not exist."""
        self._changed = Condition()
        self._waiting: deque[Job[Any]] = deque()
        self._threads = self._idle = 0

    def submit(self, job: Job[Any]) -> None:
        """Have a job done. Raises RuntimeError if that takes another thread and there are too many in the process."""
        with self._changed:
            self._waiting.append(job)
            if len(self._waiting) <= self._idle:
                self._changed.notify()
                return
            if self._threads >= self._most:
                return
            self._threads += 1
        try:
            Thread(target=self._serve, name="replicate-offload", daemon=True).start()
        except RuntimeError as error:
            with self._changed:
                self._threads -= 1
            if not self.withdraw(job):
                return
            if "shutdown" not in str(error):
                raise
            job.run()  # Python is exiting, and starts no more threads

    def withdraw(self, job: Job[Any]) -> bool:
        """Take back a job. False if it has begun."""
        with self._changed, suppress(ValueError):
            self._waiting.remove(job)
            return True
        return False

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            job.run()
            del job  # while this thread waits, it must not keep the result

    def _next(self) -> Job[Any] | None:
        """Wait for a job; None if there is none for a while."""
        with self._changed:
            if self._idle < MOST:
                self._idle += 1
                self._changed.wait_for(lambda: self._waiting, IDLE)
                self._idle -= 1
            if self._waiting:
                return self._waiting.popleft()
            self._threads -= 1
            return None


disk = Workers(MOST)
"""For work that ends soon."""
outside = Workers(float("inf"))
"""For work that may wait for somebody else, such as the writer of a pipe. Each job has a thread."""


async def offload(work: Callable[[], T], *, stalls: bool = False) -> T:
    """Run work in a thread if it would block the event loop, and return its result. Raises what it raises.

    If the task is canceled, work that has begun is awaited, so that nobody removes or closes what it uses. Work that
    `stalls`, which may never end, is abandoned instead. It also takes no thread from other work.
    """
    job, workers = Job(work), outside if stalls else disk
    workers.submit(job)
    try:
        await job.end.wait()
    except BaseException as error:
        if not workers.withdraw(job):
            job.abandoned = stalls or isinstance(error, GeneratorExit)  # that ends a task whose loop is gone
            if not job.abandoned:
                await job.finish()
        raise
    return job.result()
