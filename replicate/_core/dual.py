"""Methods written once, as coroutines, and presented in the colour of their owner.

On an asynchronous owner a `@dual` method is the coroutine function it was written as. On a blocking owner, calling it
runs the coroutine to completion. That takes a single step: a coroutine gives up control only where something inside
it suspends, and a session over a blocking transport never does, so one `send(None)` runs it from start to return.

Three rules keep it that way:

1. Inside, never call a `@dual` method, for it has the owner's colour: call the session, or a module-level coroutine.
2. Iterate inner asynchronous generators under `contextlib.aclosing`, so that they are closed where they are used.
3. Only `transport.py` blocks, or awaits I/O or the clock. `drive` raises if anything else suspends.

This file deliberately knows nothing about HTTP.
"""

from __future__ import annotations

import functools
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator

    from replicate._core.session import Session


class Colour:
    """How a call gives its result."""


class Sync(Colour):
    """By blocking until it is there."""


class Async(Colour):
    """By being awaited."""


P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=Colour)
Owner = TypeVar("Owner")


class Coloured(Protocol[C]):
    """What has a session, and with it a colour."""

    @property
    def _session(self) -> Session[C]: ...


class dual(Generic[Owner, P, T]):  # noqa: N801 - reads as the decorator it is
    """Present a coroutine function as a method of its owner's colour."""

    def __init__(self, function: Callable[Concatenate[Owner, P], Coroutine[Any, Any, T]]) -> None:
        self.function = function
        functools.update_wrapper(self, function)  # type: ignore[arg-type]  # mypy#17166: a ParamSpec'd function

    @overload
    def __get__(self, owner: None, kind: type) -> dual[Owner, P, T]: ...
    @overload
    def __get__(self, owner: Coloured[Sync], kind: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, owner: Coloured[Async], kind: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, owner: Any, kind: type) -> Any:
        return self if owner is None else presented(self.function, owner, drive)


class dual_iter(Generic[Owner, P, T]):  # noqa: N801 - reads as the decorator it is
    """Present an asynchronous generator function as a method of its owner's colour, for `for` or `async for`."""

    def __init__(self, function: Callable[Concatenate[Owner, P], AsyncGenerator[T, None]]) -> None:
        self.function = function
        functools.update_wrapper(self, function)  # type: ignore[arg-type]  # as in `dual`

    @overload
    def __get__(self, owner: None, kind: type) -> dual_iter[Owner, P, T]: ...
    @overload
    def __get__(self, owner: Coloured[Sync], kind: type) -> Callable[P, Generator[T, None, None]]: ...
    @overload
    def __get__(self, owner: Coloured[Async], kind: type) -> Callable[P, AsyncGenerator[T, None]]: ...
    def __get__(self, owner: Any, kind: type) -> Any:
        return self if owner is None else presented(self.function, owner, drive_iter)


def presented(function: Callable[..., Any], owner: Coloured[Any], run: Callable[[Any], Any]) -> Callable[..., Any]:
    """Bind a function to its owner; on a blocking one, run what it gives."""
    method = MethodType(function, owner)
    if not owner._session.blocking:  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - the protocol's own member
        return method

    @functools.wraps(method)
    def blocking(*args: Any, **kwargs: Any) -> Any:
        return run(method(*args, **kwargs))

    return blocking


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, and return its result."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return finished.value  # type: ignore[no-any-return]  # StopIteration.value is Any
    coroutine.close()
    raise RuntimeError(f"{coroutine!r} suspended in a blocking session")


def drive_iter(generator: AsyncGenerator[T, None]) -> Generator[T, None, None]:
    """Iterate an asynchronous generator that never suspends; closing this one closes that one."""
    try:
        while True:
            try:
                item = drive(_next(generator))
            except StopAsyncIteration:
                return
            yield item
    finally:
        if not getattr(generator, "ag_running", False):  # if it is, it has suspended, which is reported already
            drive(generator.aclose())


async def _next(generator: AsyncGenerator[T, None]) -> T:
    return await generator.__anext__()
