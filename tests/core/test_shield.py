"""Work that continues in a task that is being canceled."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from support.sessions import Hasty

from replicate._dual.drive import drive
from replicate._http.connections.concurrency import shielded

BACKENDS = ["asyncio", "trio"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_work_in_a_canceled_scope_finishes(backend: str) -> None:
    """Work in a canceled scope finishes, and then the cancellation takes effect."""
    done: list[str] = []

    async def work() -> None:
        await anyio.lowlevel.checkpoint()
        done.append("work")

    async def main() -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await shielded(work, 20)
            await anyio.lowlevel.checkpoint()
            done.append("more")

    anyio.run(main, backend=backend)
    assert done == ["work"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_work_that_takes_too_long_is_given_up(backend: str) -> None:
    """After its time limit the work is canceled, and no error is raised."""
    ended: list[str] = []

    async def work() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("work")

    anyio.run(shielded, work, 0.01, backend=backend)
    assert ended == ["work"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_errors_of_the_work_are_raised(backend: str) -> None:
    """An error of the work is raised."""

    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        anyio.run(shielded, work, 20, backend=backend)


def test_a_task_that_is_canceled_during_the_work() -> None:
    """An asyncio task that is canceled during the work finishes the work first."""

    async def main() -> None:
        begun, go = asyncio.Event(), asyncio.Event()

        async def work() -> None:
            begun.set()
            await go.wait()
            done.append("work")

        task = asyncio.ensure_future(shielded(work, 20))
        await begun.wait()
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    done: list[str] = []
    asyncio.run(main())
    assert done == ["work"]


def test_work_is_restarted_when_the_loop_ends() -> None:
    """A loop that ends cancels all tasks, also the one that works: the work starts again, and the loop waits for it."""
    begun: list[Any] = []
    done: list[Any] = []

    async def work() -> None:
        begun.append(1)
        started.set()
        for _ in range(3):
            await asyncio.sleep(0)
        done.append(1)

    async def main() -> None:
        tasks.append(asyncio.ensure_future(shielded(work, 20)))
        await started.wait()

    tasks: list[asyncio.Task[None]] = []
    started = asyncio.Event()
    asyncio.run(main())
    assert (len(begun), len(done)) == (2, 1)


def test_the_blocking_transport_runs_the_work() -> None:
    """Without tasks, the work is simply run."""
    done: list[int] = []

    async def work() -> None:
        done.append(1)

    drive(Hasty().shielded(work, 20))
    assert done == [1]
