"""Coroutines that are called in the colour of their owner."""

from __future__ import annotations

import asyncio
import inspect
import pydoc
from contextlib import aclosing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from replicate._dual.drive import drive
from replicate._dual.generators import drive_iter
from replicate._dual.methods import dual, dual_iter
from replicate._http.connections.transport import AsyncTransport, BlockingTransport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Owner:
    def __init__(self, *, blocking: bool) -> None:
        transport = BlockingTransport() if blocking else AsyncTransport()
        self._session: Any = SimpleNamespace(blocking=blocking, transport=transport)
        self.log: list[str] = []

    @dual
    async def double(self, number: int, *, add: int = 0) -> int:
        """Double a number."""
        if number < 0:
            raise ValueError("negative")
        return number * 2 + add

    @dual
    async def wait_for_others(self) -> None:
        """Suspend."""
        try:
            await asyncio.sleep(0)
        finally:
            self.log.append("closed")

    @dual_iter
    async def count(self, stop: int) -> AsyncGenerator[int, None]:
        """Count."""
        try:
            async with aclosing(self._inner(stop)) as inner:
                async for number in inner:
                    yield number
        finally:
            self.log.append("outer closed")

    async def _inner(self, stop: int) -> AsyncGenerator[int, None]:
        try:
            for number in range(stop):
                yield number
        finally:
            self.log.append("inner closed")


BLOCKING, ASYNC = Owner(blocking=True), Owner(blocking=False)


def test_a_blocking_owner_gives_results() -> None:
    """On a blocking owner, a call returns the result, and raises what the coroutine raises."""
    assert BLOCKING.double(2, add=1) == 5
    with pytest.raises(ValueError, match="negative"):
        BLOCKING.double(-1)


def test_an_asynchronous_owner_gives_coroutines() -> None:
    """On an asynchronous owner, the method is the coroutine function as written."""
    assert inspect.iscoroutinefunction(ASYNC.double)
    assert asyncio.run(ASYNC.double(2, add=1)) == 5


@pytest.mark.parametrize("owner", [BLOCKING, ASYNC], ids=["blocking", "async"])
def test_a_method_keeps_its_name_docs_and_signature(owner: Owner) -> None:
    """A method shows its original name, docstring and signature, without `self`."""
    assert str(inspect.signature(owner.double)).startswith("(number: 'int', *, add: 'int' = 0)")
    assert str(inspect.signature(owner.count)).startswith("(stop: 'int')")
    assert owner.double.__name__ == "double"
    assert owner.double.__doc__ == "Double a number."


def test_help_shows_methods() -> None:
    """`help()` of a class lists its methods with their docstrings."""
    text = pydoc.plain(pydoc.render_doc(Owner))
    assert "Double a number." in text
    assert "Count." in text


def test_a_blocking_method_is_not_a_coroutine_function() -> None:
    """Frameworks that check whether a function is to be awaited get the right answer."""
    assert not inspect.iscoroutinefunction(BLOCKING.double)
    assert not inspect.isasyncgenfunction(BLOCKING.count)


def test_driving_a_coroutine_that_suspends_raises_and_closes_it() -> None:
    """A coroutine that suspends is a bug in a blocking session: it is closed, and RuntimeError is raised."""
    owner = Owner(blocking=True)
    coroutine = vars(Owner)["wait_for_others"].function(owner)
    with pytest.raises(RuntimeError, match="suspended in a blocking session"):
        drive(coroutine)
    assert owner.log == ["closed"]


def test_a_generator_that_suspends_is_reported() -> None:
    """A generator that suspends raises RuntimeError as well."""

    async def generator() -> AsyncGenerator[int, None]:
        yield 1
        await asyncio.sleep(0)

    items = drive_iter(generator())
    assert next(items) == 1
    with pytest.raises(RuntimeError, match="suspended in a blocking session"):
        next(items)


def test_iterating_in_both_colours() -> None:
    """The items are iterated with `for` or with `async for`."""

    async def collected() -> list[int]:
        return [number async for number in Owner(blocking=False).count(3)]

    assert list(BLOCKING.count(3)) == asyncio.run(collected()) == [0, 1, 2]


def leave_by_break(owner: Owner) -> None:
    for _ in owner.count(3):
        break


def leave_by_close(owner: Owner) -> None:
    items = owner.count(3)
    next(items)
    items.close()


def leave_by_exception(owner: Owner) -> None:
    def work() -> None:
        for _ in owner.count(3):
            raise KeyError

    with pytest.raises(KeyError):
        work()


def leave_by_end(owner: Owner) -> None:
    assert list(owner.count(1)) == [0]


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_close, leave_by_exception, leave_by_end])
@pytest.mark.parametrize("in_loop", [False, True], ids=["plain", "in a running loop"])
def test_leaving_a_loop_closes_all_generators_at_once(leave: Any, *, in_loop: bool) -> None:
    """However a loop is left, the inner generators are closed immediately, inside asynchronous code too."""
    owner = Owner(blocking=True)

    async def main() -> list[str]:
        leave(owner)
        return list(owner.log)

    closed = asyncio.run(main()) if in_loop else drive(main())
    assert closed == ["inner closed", "outer closed"]


def test_a_generator_that_is_never_started_needs_no_closing() -> None:
    """A generator that is closed before its first item runs no code."""
    owner = Owner(blocking=True)
    owner.count(3).close()
    assert owner.log == []
