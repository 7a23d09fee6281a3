"""Asynchronous generators that are hidden from the event loop."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from replicate._dual.generators import closing, without_asyncgen_hooks

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


async def count(log: list[str]) -> AsyncGenerator[int, None]:
    """Count, and suspend while closing."""
    try:
        for number in range(9):
            yield number
    finally:
        await asyncio.sleep(0)
        log.append("closed")


def in_loop(work: Any) -> list[Any]:
    """Run some work, and return the generators that the loop's hook has seen."""
    told: list[Any] = []

    async def main() -> None:
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=told.append)
        await work()
        assert sys.get_asyncgen_hooks().firstiter == told.append
        sys.set_asyncgen_hooks(*hooks)

    asyncio.run(main())
    return told


def test_a_nested_generator_is_closed_by_its_block_alone() -> None:
    """Leaving the block closes the generator; the loop's hook never sees it."""
    log: list[str] = []

    async def work() -> None:
        async with closing(count(log)) as numbers:
            async for number in numbers:
                if number == 2:
                    break
        log.append("left")

    assert in_loop(work) == []
    assert log == ["closed", "left"]


def test_two_tasks_may_close_it_at_once() -> None:
    """A second `aclose` during the first one does nothing."""
    log: list[str] = []

    async def work() -> None:
        numbers = closing(count(log))
        await anext(numbers)
        assert numbers.open
        await asyncio.gather(numbers.aclose(), numbers.aclose())
        assert not numbers.open

    in_loop(work)
    assert log == ["closed"]


def test_undisclosed_work_gives_its_result() -> None:
    """Generators are hidden during all its steps; its result, its errors and cancellation pass through."""
    log: list[str] = []

    async def inner(error: type[BaseException] | None = None) -> int:
        await asyncio.sleep(0)
        numbers = count(log)
        await anext(numbers)
        await numbers.aclose()
        if error:
            raise error
        return 3

    async def work() -> None:
        assert await without_asyncgen_hooks(inner()) == 3
        with pytest.raises(KeyError):
            await without_asyncgen_hooks(inner(KeyError))
        task = asyncio.ensure_future(asyncio.wait_for(without_asyncgen_hooks(asyncio.Event().wait()), 20))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert in_loop(work) == []
    assert log == ["closed"] * 2
