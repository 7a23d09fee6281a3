"""Threads, tasks and locks for both colours, and work that a cancellation must not stop. Part of the transport."""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import copy_context
from threading import RLock, Thread
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from replicate._dual.drive import drive
from replicate._http.connections.in_time import Helper
from replicate._http.connections.pool import running_loop
from replicate._http.connections.process import inheritors

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Hashable, Sequence

T = TypeVar("T")

GRACE = 2.0
"""Seconds that threads get to notice that they are no longer wanted."""


class SharedLock:
    """A lock that is dropped when nobody holds it or waits for it."""

    def __init__(self, lock: Any) -> None:
        self.lock: Any = lock


class SharedLocks:
    """The locks of a process, by key. All threads share a lock, and so do the tasks of an event loop."""

    def __init__(self) -> None:
        self.forget()
        inheritors.add(self)

    def forget(self) -> None:
        """Drop all locks in the child of a fork, where nobody is left to release them."""
        self._guard = RLock()
        self._turns: WeakValueDictionary[Hashable, SharedLock] = WeakValueDictionary()

    def of(self, key: Hashable, lock: Callable[[], Any]) -> SharedLock:
        """Return the lock that is in use for a key, or a new one."""
        with self._guard:
            turn = self._turns.get(key)
            if turn is None:
                turn = self._turns[key] = SharedLock(lock())
            return turn


locks = SharedLocks()


@contextmanager
def exclusive(key: Hashable) -> Generator[None, None, None]:
    """Hold the lock of a key, which all threads share. Waiting for it blocks."""
    turn = locks.of(key, RLock)
    with turn.lock:
        yield


@asynccontextmanager
async def thread_lock(key: Hashable) -> AsyncGenerator[None, None]:
    """Hold the lock of a key, which all threads share, for a blocking transport."""
    with exclusive(key):
        yield


@asynccontextmanager
async def task_lock(key: Hashable) -> AsyncGenerator[None, None]:
    """Hold the lock of a key, which the tasks of this event loop share."""
    from anyio import Lock

    turn = locks.of((running_loop(), key), Lock)
    async with turn.lock:
        yield


async def offload(work: Callable[[], T]) -> T:
    """Run work in a thread if it would block the event loop."""
    from anyio.to_thread import run_sync

    return await run_sync(work)


async def in_time_async(work: Callable[[], T], seconds: float) -> T:
    """Return the result of work that may hang, within so many seconds. Raises LateError when the time is up.

    If the task is canceled, the thread that does the work is left behind.
    """
    from anyio import Event, move_on_after

    loop: Any = running_loop()
    wake = loop.call_soon_threadsafe if hasattr(loop, "call_soon_threadsafe") else loop.run_sync_soon
    done = Event()

    def tell() -> None:
        """Report the end of the work to the task."""
        with suppress(RuntimeError):  # the loop has ended
            wake(done.set)

    helper = Helper(work, tell)
    if not helper.start():
        return work()
    with move_on_after(seconds):
        await done.wait()
    return helper.result()


class Batch:
    """Jobs for several workers. `results` has the result of each, or the exception that it raised."""

    def __init__(self, jobs: Sequence[Callable[[], Coroutine[Any, Any, Any]]]) -> None:
        self.results: list[Any] = [None] * len(jobs)
        self._waiting = deque(enumerate(jobs))

    async def work(self) -> None:
        """Run one job after another until none is left."""
        while self._waiting:
            try:
                index, job = self._waiting.popleft()
            except IndexError:  # another thread was quicker
                return
            try:
                self.results[index] = await job()
            except Exception as error:  # noqa: BLE001 - it is the result
                self.results[index] = error

    def cancel(self) -> None:
        """Start no more jobs."""
        self._waiting.clear()


def in_threads(
    work: Sequence[Callable[[], Coroutine[Any, Any, Any]]], workers: int, interrupted: Callable[[], None]
) -> list[Any]:
    """Run all jobs in so many threads, which see the caller's context variables. Return the results.

    On an interrupt, `interrupted` is called to notify the jobs. The threads do not keep the program from ending.
    """
    jobs = Batch(work)
    threads = [
        Thread(target=copy_context().run, args=(lambda: drive(jobs.work()),), name="replicate-worker", daemon=True)
        for _ in range(min(workers, len(work)))
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:
        jobs.cancel()
        interrupted()
        for thread in threads:
            if thread.ident is not None:
                thread.join(GRACE / len(threads))
        raise
    return jobs.results


async def in_tasks(work: Sequence[Callable[[], Coroutine[Any, Any, Any]]], workers: int) -> list[Any]:
    """Run all jobs in so many tasks, which are canceled with this one. Return the results."""
    from anyio import create_task_group

    jobs = Batch(work)
    async with create_task_group() as group:
        for _ in range(min(workers, len(work))):
            group.start_soon(jobs.work)
    return jobs.results


def run_in_thread(work: Callable[[], object], seconds: float) -> None:
    """Run work in its own thread, and wait for it for at most so many seconds, even if it is stuck."""
    from threading import Thread

    thread = Thread(target=work, name="replicate in time", daemon=True)
    with suppress(RuntimeError):  # Python is shutting down, and starts no more threads
        thread.start()
        thread.join(seconds)


async def shielded(work: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
    """Run work to its end, for at most so many seconds, even if the task is being canceled."""
    import asyncio

    from anyio import CancelScope, move_on_after

    try:
        asyncio.get_running_loop()
    except RuntimeError:  # the loop is trio's
        with move_on_after(seconds, shield=True):
            await work()
    else:
        with CancelScope(shield=True):
            await run_to_end(work, asyncio.get_running_loop().time() + seconds)


async def run_to_end(work: Callable[[], Coroutine[Any, Any, None]], end: float) -> None:
    """Run work in its own task, until it is done or the loop's time is `end`.

    If the caller is canceled, that is raised afterwards. If the task itself is canceled, as all tasks are when a loop
    ends, the work is started anew.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    canceled: asyncio.CancelledError | None = None
    task = asyncio.ensure_future(work())
    timer = loop.call_at(end, lambda: task.cancel())  # noqa: PLW0108 - `task` may change
    try:
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError as error:
                canceled = error
            if task.done() and task.cancelled() and loop.time() < end:
                task = asyncio.ensure_future(work())
    finally:
        timer.cancel()
    if canceled is not None:
        raise canceled
    if not task.cancelled():
        task.result()
