"""Asynchronous generators inside others: closed by who iterates them, and by nobody else.

An event loop notes each generator that begins. When it ends, asyncio's closes all of them at once, the inner ones
while the outer one is busy closing them, which it reports at length. It must know the outermost only.
"""

from __future__ import annotations

import sys
from functools import partial
from types import coroutine
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
    from typing import Self

T = TypeVar("T")


class nested(Generic[T]):  # noqa: N801 - reads as `aclosing`, which it takes the place of
    """Iterate a generator inside of another one, and close it at the end of this block. No event loop will know it."""

    def __init__(self, generator: AsyncGenerator[T, None]) -> None:
        self._generator = generator
        self._begun = self._closing = False

    @property
    def open(self) -> bool:
        """Whether the generator is to be closed yet, and nobody is about it."""
        return getattr(self._generator, "ag_frame", self) is not None and not self._closing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[T]:
        if self._begun:  # a loop is told at the first step, or never
            return self._generator.__anext__()
        self._begun = True
        return unknown(self._generator.__anext__)

    async def aclose(self) -> None:
        """Close the generator, unless somebody else is about it."""
        if not self.open:
            return
        self._closing = True
        try:
            await unknown(self._generator.aclose)
        finally:
            self._closing = False


@coroutine
def undisclosed(work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """Await some work. No event loop will know the generators that begin in it."""
    step: Callable[[Any], Any] = work.send
    value: Any = None
    while True:
        try:
            wanted = unknown(partial(step, value))
        except StopIteration as finished:
            return finished.value  # type: ignore[no-any-return]  # StopIteration.value is Any
        try:
            step, value = work.send, (yield wanted)
        except BaseException as error:  # noqa: BLE001 - it is for the work
            step, value = work.throw, error


def unknown(begin: Callable[[], T]) -> T:
    """Call something. A generator that takes its first step in it is not told to any event loop."""
    hooks = sys.get_asyncgen_hooks()
    # One that is dropped is left alone, as it would be after the end of its event loop.
    sys.set_asyncgen_hooks(None, ignore)
    try:
        return begin()
    finally:
        sys.set_asyncgen_hooks(*hooks)


def ignore(generator: AsyncGenerator[Any, None]) -> None:
    """Do nothing about a generator that is dropped before its end."""


async def following(content: AsyncGenerator[T, None]) -> T | None:
    """Give what a generator yields next, or None at its end."""
    return await anext(content, None)
