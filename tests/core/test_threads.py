"""Threads for work that would block an event loop: bounded, our own, and left behind if their work never ends."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import weakref
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import sniffio
from support.colours import RUN

from replicate._dual.drive import drive
from replicate._http.connections import threads
from replicate._http.connections.threads import AbandonedError, Workers, check_wanted, offload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Run = Callable[[Any], Any]

FORKED = """
import asyncio, os, threading, warnings
from replicate._http.connections.threads import offload

async def main():
    await asyncio.gather(*(offload(int) for _ in range(20)))
    stop = threading.Event()
    held = [asyncio.ensure_future(offload(stop.wait)) for _ in range(20)]
    await asyncio.sleep(0)
    warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of threads
    if (child := os.fork()) == 0:
        os._exit(asyncio.run(offload(int)))
    stop.set()
    await asyncio.gather(*held)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

asyncio.run(main())
"""
NESTED = """
import asyncio, threading
from replicate._http.connections.threads import offload

def run(loop, coroutine):
    # Run a coroutine in a loop that may already be running, as nest_asyncio does.
    task, outer = loop.create_task(coroutine), asyncio.current_task(loop)
    if outer is not None:
        asyncio.tasks._leave_task(loop, outer)
    while not task.done():
        loop._run_once()
    if outer is not None:
        asyncio.tasks._enter_task(loop, outer)
    return task.result()

async def outer():
    return await offload(lambda: 20) + run(loop, offload(lambda: 22))

loop = asyncio.new_event_loop()
asyncio._set_running_loop(loop)
print(run(loop, outer()), threading.active_count())
asyncio._set_running_loop(None)
loop.close()
"""


@pytest.fixture(params=[name for name in RUN if name != "blocking"])
def run(request: pytest.FixtureRequest) -> Run:
    return RUN[request.param]


class Work:
    """Work that runs until it is let go."""

    def __init__(self) -> None:
        self.begun, self.let, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.thread: threading.Thread | None = None
        self.error: BaseException | None = None

    def __call__(self) -> str:
        self.thread = threading.current_thread()
        self.begun.set()
        self.let.wait()
        try:
            check_wanted()
        except AbandonedError as error:
            self.error = error
        finally:
            self.ended.set()
        return "done"


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that a thread does."""
    with anyio.fail_after(20):
        while not condition():  # noqa: ASYNC110 - it comes true in another thread
            await anyio.sleep(0.001)


@pytest.fixture(autouse=True)
def _own_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test its own threads, which end with it."""
    pools = {"disk": Workers(threads.MOST), "outside": Workers(float("inf"))}
    for name, workers in pools.items():
        monkeypatch.setattr(threads, name, workers)
    yield
    monkeypatch.setattr(threads, "IDLE", 0)
    for workers in pools.values():
        with workers._changed:
            workers._changed.notify_all()


def test_results_and_errors(run: Run) -> None:
    """The result of the work is returned; its exception, of any kind, is raised with its traceback."""

    def fail(error: BaseException) -> None:
        raise error

    async def main() -> None:
        for stalls in (False, True):
            assert await offload(lambda: 42, stalls=stalls) == 42
            assert await offload(threading.get_ident, stalls=stalls) != threading.get_ident()
            for kind in (ValueError, SystemExit, KeyboardInterrupt):
                with pytest.raises(kind, match="no") as caught:
                    await offload(partial(fail, kind("no")), stalls=stalls)
                assert caught.traceback[-1].name == "fail"

    run(main())


def test_errors_are_in_no_circle(run: Run) -> None:
    """An exception of the work, and what its frames hold, is freed as soon as it has been handled."""

    class Held(Exception):  # noqa: N818 - it is what is held
        pass

    async def main() -> Any:
        try:
            await offload(lambda: drive(fail()))
        except Held as error:
            return weakref.ref(error)

    async def fail() -> None:
        raise Held

    gc.disable()
    try:
        assert run(main())() is None
    finally:
        gc.enable()


def test_results_are_not_kept(run: Run) -> None:
    """An idle thread does not keep the last result."""

    class Result:
        pass

    async def main() -> Any:
        result = weakref.ref(await offload(Result))
        await until(lambda: threads.disk._idle == 1)
        return result

    assert run(main())() is None


def test_context(run: Run) -> None:
    """The work sees the caller's context variables, but not its event loop. What it sets is not seen outside."""
    variable = ContextVar("variable", default="unset")

    def work() -> str:
        with pytest.raises(sniffio.AsyncLibraryNotFoundError):
            sniffio.current_async_library()
        seen = variable.get()
        variable.set("inside")
        return seen

    async def main() -> None:
        variable.set("outside")
        assert await offload(work) == "outside"
        assert variable.get() == "outside"

    run(main())


def test_the_threads_are_bounded_and_used_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work on the disk takes a few threads, however much there is. They are daemons, and end when they are idle."""
    seen: set[threading.Thread] = set()

    async def main() -> None:
        first = await offload(threading.current_thread)
        assert first.daemon
        await until(lambda: threads.disk._idle == 1)
        assert await offload(threading.current_thread) is first
        async with anyio.create_task_group() as group:
            for _ in range(200):
                group.start_soon(offload, lambda: seen.add(threading.current_thread()))
        monkeypatch.setattr(threads, "IDLE", 0)
        async with anyio.create_task_group() as group:  # each thread notices the new time after some work
            barrier = threading.Barrier(threads.MOST)
            for _ in range(threads.MOST):
                group.start_soon(offload, partial(barrier.wait, 10))
        for each in {first, *seen}:
            each.join(10)
            assert not each.is_alive()
        assert await offload(threading.current_thread) not in {first, *seen}

    run(main())
    assert 1 <= len(seen) <= threads.MOST


def test_work_that_stalls_takes_no_place(run: Run) -> None:
    """However much work never ends, other work goes on, of both kinds. It ends at once if its task is canceled."""
    stalled = [Work() for _ in range(45)]

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for each in stalled:
                group.start_soon(partial(offload, each, stalls=True))
            for each in stalled:
                await until(each.begun.is_set)
            assert await offload(lambda: 1) == 1
            assert await offload(lambda: 2, stalls=True) == 2
            group.cancel_scope.cancel()

    run(main())
    for each in stalled:
        each.let.set()
        assert each.ended.wait(10)
        assert isinstance(each.error, AbandonedError), "the work was not told that nobody waits for it"


def test_a_full_pool(run: Run) -> None:
    """Work that may stall needs no place of the pool. Other work waits for one, and no longer than it may."""
    full, later = [Work() for _ in range(threads.MOST)], Work()

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for each in full:
                group.start_soon(offload, each)
            for each in full:
                await until(each.begun.is_set)
            with anyio.move_on_after(0.01) as scope:
                await offload(later)
            assert scope.cancelled_caught
            assert await offload(lambda: 2, stalls=True) == 2
            for each in full:
                each.let.set()
            assert await offload(lambda: 3) == 3

    run(main())
    assert not later.begun.is_set(), "work was done for which nobody waits"


def test_work_on_the_disk_is_not_abandoned(run: Run) -> None:
    """If a task is canceled, its work on the disk ends first, so that what it uses can be removed."""
    work = Work()

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(offload, work)
            await until(work.begun.is_set)
            group.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.01)
            work.let.set()
        assert work.ended.is_set()

    run(main())
    assert work.error is None


def test_tasks_that_are_canceled_by_asyncio() -> None:
    """The same holds for a task of asyncio that is canceled again and again."""
    disk, stalled = Work(), Work()

    async def main() -> None:
        tasks = [asyncio.ensure_future(offload(disk)), asyncio.ensure_future(offload(stalled, stalls=True))]
        for each in (disk, stalled):
            await until(each.begun.is_set)
        for _ in range(3):
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0.001)
        assert [task.done() for task in tasks] == [False, True]
        disk.let.set()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)

    asyncio.run(main())
    assert disk.error is None
    stalled.let.set()
    assert stalled.ended.wait(10)
    assert stalled.error is not None


@pytest.mark.filterwarnings("error")
def test_a_loop_that_is_closed_early(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work may end after its loop. A task that is dropped with its loop can be closed."""
    complaints: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", complaints.append)
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    monkeypatch.setattr(threads, "IDLE", 0)
    stalled, dropped = Work(), Work()

    async def main() -> Any:
        with anyio.move_on_after(0.01):
            await offload(stalled, stalls=True)
        work = offload(dropped)
        work.send(None)
        await until(dropped.begun.is_set)
        return work

    run(main()).close()
    for each in (stalled, dropped):
        each.let.set()
        assert each.thread
        each.thread.join(10)
    gc.collect()
    assert complaints == []


def test_several_loops_at_once() -> None:
    """Loops of several threads, of both kinds, share the threads."""
    results: list[int] = []
    barrier = threading.Barrier(4)

    async def main() -> None:
        barrier.wait(10)
        results.extend([await offload(partial(abs, number)) for number in range(50)])

    loops = [threading.Thread(target=RUN[name], args=(main(),)) for name in ("asyncio", "trio") * 2]
    for each in loops:
        each.start()
    for each in loops:
        each.join(20)
    assert sorted(results) == sorted([*range(50)] * 4)


def test_no_more_threads(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """While Python exits, it starts no threads: work runs in the event loop. If there are too many, this is raised."""
    reason = "can't create new thread at interpreter shutdown"

    def start(_: Any) -> None:
        raise RuntimeError(reason)

    async def main() -> None:
        nonlocal reason
        monkeypatch.setattr(threading.Thread, "start", start)
        for stalls in (False, True):
            reason = "can't create new thread at interpreter shutdown"
            assert await offload(threading.current_thread, stalls=stalls) is threading.current_thread()
            reason = "can't start new thread"
            with pytest.raises(RuntimeError, match=reason):
                await offload(int, stalls=stalls)
        monkeypatch.undo()

    run(main())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks of Unix")
def test_the_child_of_a_fork() -> None:
    """The child of a fork starts its own threads: it has none of its parent's, idle or not."""
    assert output_of(FORKED) == "0"


def test_nested_loops() -> None:
    """Loops that are run inside themselves can be used, and the program exits."""
    assert output_of(NESTED) == "42 2"


def output_of(program: str) -> str:
    """Run a program, which must end by itself and complain about nothing."""
    quick = "import logging; logging.getLogger('asyncio').setLevel('ERROR')"  # not a word of what is merely slow
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", f"{quick}\n{program}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()
