"""Asynchronous generators inside others: closed by who iterates them, and by nobody else.

An event loop notes each generator that begins. When it ends, asyncio's closes all of them at once, the inner ones
while the outer one is busy closing them, which it reports at length. It must know the outermost only.
"""

from __future__ import annotations

import gc
import sys
from collections import deque
from contextlib import suppress
from functools import partial
from threading import Thread
from types import coroutine
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from replicate._dual.drive import drive

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
    from types import FrameType
    from typing import Self

    from replicate._dual.colours import ColouredSession

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds that an iterator may take to close, where its event loop is ending."""


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


def drive_iter(generator: AsyncGenerator[T, None]) -> Generator[T, None, None]:
    """Iterate an asynchronous generator that never suspends; closing this one closes that one."""
    items = nested(generator)  # the event loop that this may block must not close it
    try:
        while True:
            try:
                item = drive(_next(items))
            except StopAsyncIteration:
                return
            yield item
    finally:
        if not getattr(generator, "ag_running", False):  # if it is, it has suspended, which is reported already
            apart(generator.aclose)


async def _next(items: nested[T]) -> T:
    return await anext(items)


async def outermost(session: ColouredSession[Any], source: nested[T]) -> AsyncGenerator[T, None]:
    """Yield all of a generator: the one that an event loop knows.

    A loop that ends may close this one while somebody else closes the source, and together with the connections, which
    wait for it. And the task by which asyncio closes what is dropped may be canceled before its first step. That can
    throw two errors into this, the second at the next suspension: so there must be a single one to the end.
    """
    transport = session.transport
    with await transport.in_use():
        try:
            async for item in source:
                yield item
        finally:
            if source.open:
                await transport.shielded(source.aclose, PATIENCE)


dropped: deque[Callable[[], Coroutine[Any, Any, None]]] = deque()
"""What is to be done when the garbage collector has ended."""


def apart(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do what must be done when something is dropped: at once, but if amid httpcore, in a thread of its own.

    The garbage collector comes at any moment, also where this thread has a lock of httpcore's. To want that again
    would be to wait for ever. The thread begins when the collector has ended, which still has to do with what is left.
    """
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - the fast way
    while frame is not None and not frame.f_globals.get("__name__", "").startswith("httpcore."):
        frame = frame.f_back
    if frame is None:
        drive(work())
        return
    dropped.append(work)
    if begin_dropped not in gc.callbacks:
        gc.callbacks.append(begin_dropped)


def begin_dropped(phase: str, _: object) -> None:
    """Do in threads what has been put off, when the garbage collector has ended."""
    while phase == "stop" and dropped:
        with suppress(RuntimeError):  # Python is ending, and then cancels what is owned
            Thread(target=apart, args=(dropped.popleft(),), name="replicate-closing").start()
