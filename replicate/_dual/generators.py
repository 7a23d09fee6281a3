"""Asynchronous generators inside other generators: each is closed only by the code that iterates it.

An event loop keeps track of each generator that starts. At its end, asyncio closes all of them at the same time: the
inner ones while the outer one is closing them, which logs errors. So it must know only the outermost one.
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
"""Seconds that an iterator may take to close while its event loop shuts down."""


class closing(Generic[T]):  # noqa: N801 - named like `aclosing`, which it replaces
    """Iterate a generator inside another one, and close it at the end of the block. It is hidden from event loops."""

    def __init__(self, generator: AsyncGenerator[T, None]) -> None:
        self._generator = generator
        self._begun = self._closing = False

    @property
    def open(self) -> bool:
        """Whether the generator still has to be closed, and nobody is closing it."""
        return getattr(self._generator, "ag_frame", self) is not None and not self._closing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[T]:
        if self._begun:  # the hooks are called at the first step only
            return self._generator.__anext__()
        self._begun = True
        return unhooked(self._generator.__anext__)

    async def aclose(self) -> None:
        """Close the generator, unless it is being closed."""
        if not self.open:
            return
        self._closing = True
        try:
            await unhooked(self._generator.aclose)
        finally:
            self._closing = False


@coroutine
def without_asyncgen_hooks(work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """Await a coroutine. Generators that start in it are hidden from event loops."""
    step: Callable[[Any], Any] = work.send
    value: Any = None
    while True:
        try:
            wanted = unhooked(partial(step, value))
        except StopIteration as finished:
            return finished.value  # type: ignore[no-any-return]  # StopIteration.value is Any
        try:
            step, value = work.send, (yield wanted)
        except BaseException as error:  # noqa: BLE001 - passed to the coroutine
            step, value = work.throw, error


def unhooked(begin: Callable[[], T]) -> T:
    """Call a function. A generator that takes its first step in it is hidden from event loops."""
    hooks = sys.get_asyncgen_hooks()
    # A generator that is dropped is left alone, as it would be after the end of its event loop.
    sys.set_asyncgen_hooks(None, ignore)
    try:
        return begin()
    finally:
        sys.set_asyncgen_hooks(*hooks)


def ignore(generator: AsyncGenerator[Any, None]) -> None:
    """Do nothing about a generator that is dropped before its end."""


async def following(content: AsyncGenerator[T, None]) -> T | None:
    """Return the next item of a generator, or None at its end."""
    return await anext(content, None)


def drive_iter(generator: AsyncGenerator[T, None]) -> Generator[T, None, None]:
    """Iterate an asynchronous generator that never suspends. Closing this generator closes that one."""
    items = closing(generator)  # an event loop that this runs in must not close it
    try:
        while True:
            try:
                item = drive(_next(items))
            except StopAsyncIteration:
                return
            yield item
    finally:
        if not getattr(generator, "ag_running", False):  # if it is running, it has suspended, which has been reported
            close_in_thread(generator.aclose)


async def _next(items: closing[T]) -> T:
    return await anext(items)


async def tracked(session: ColouredSession[Any], source: closing[T]) -> AsyncGenerator[T, None]:
    """Yield all items of a generator. This is the generator that the event loop knows.

    At its shutdown, a loop may close this generator while other code closes the source, and together with the
    connections, which wait for it. Also, the task in which asyncio closes a dropped generator may be canceled before
    its first step. In both cases, two errors can be thrown into this generator, the second one at the next suspension.
    So there must be only one suspension until the end.
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
"""Closing work to do when the garbage collection has ended."""


def close_in_thread(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Close something that was dropped: at once, or in a thread of its own if httpcore is on the call stack.

    The garbage collector can run at any moment, even while this thread holds a lock of httpcore. Acquiring the lock
    again would block forever. The thread starts after the collection, as the collector still uses the dropped objects.
    """
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - the fast way
    while frame is not None and not frame.f_globals.get("__name__", "").startswith("httpcore."):
        frame = frame.f_back
    if frame is None:
        drive(work())
        return
    dropped.append(work)
    if close_dropped not in gc.callbacks:
        gc.callbacks.append(close_dropped)


def close_dropped(phase: str, _: object) -> None:
    """Start a thread for each postponed closing when the garbage collection has ended."""
    while phase == "stop" and dropped:
        with suppress(RuntimeError):  # Python is exiting, and cancels owned predictions then
            Thread(target=close_in_thread, args=(dropped.popleft(),), name="replicate-closing").start()
