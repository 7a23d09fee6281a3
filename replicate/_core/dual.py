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
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator

    import typing_extensions
    from typing_extensions import Never

    from replicate._core.session import Session


class Colour:
    """How a call gives its result."""


class Sync(Colour):
    """By blocking until it is there."""


class Async(Colour):
    """By being awaited."""


if TYPE_CHECKING:  # defaults (PEP 696), so that `Prediction` alone is a type too; loading what has them costs time
    P = typing_extensions.ParamSpec("P", default=...)
    T = typing_extensions.TypeVar("T", default=Any)
    C = typing_extensions.TypeVar("C", bound=Colour, default=Any)
else:
    P = ParamSpec("P")
    T = TypeVar("T")
    C = TypeVar("C", bound=Colour)
Owner = TypeVar("Owner")


class Coloured(Protocol[C]):
    """What has a session, and with it a colour."""

    @property
    def _session(self) -> Session[C]: ...


class Presenter:
    """A descriptor that presents a function in the colour of its owner."""

    function: Callable[..., Any]


class dual(Presenter, Generic[Owner, P, T]):  # noqa: N801 - reads as the decorator it is
    """Present a coroutine function as a method of its owner's colour."""

    def __init__(self, function: Callable[Concatenate[Owner, P], Coroutine[Any, Any, T]]) -> None:
        self.function = function
        functools.update_wrapper(self, function)  # type: ignore[arg-type]  # mypy#17166: a ParamSpec'd function

    @overload
    def __get__(self, owner: None, kind: type) -> dual[Owner, P, T]: ...
    @overload
    def __get__(self, owner: Coloured[Never], kind: type) -> Callable[P, Any]: ...
    @overload
    def __get__(self, owner: Coloured[Sync], kind: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, owner: Coloured[Async], kind: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, owner: Any, kind: type) -> Any:
        return self if owner is None else presented(self.function, owner, drive)


class dual_iter(Presenter, Generic[Owner, P, T]):  # noqa: N801 - reads as the decorator it is
    """Present an asynchronous generator function as a method of its owner's colour, for `for` or `async for`."""

    def __init__(self, function: Callable[Concatenate[Owner, P], AsyncGenerator[T, None]]) -> None:
        self.function = function
        functools.update_wrapper(self, function)  # type: ignore[arg-type]  # as in `dual`

    @overload
    def __get__(self, owner: None, kind: type) -> dual_iter[Owner, P, T]: ...
    @overload
    def __get__(self, owner: Coloured[Never], kind: type) -> Callable[P, Any]: ...
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


def over(owner: Any, session: Session[Any]) -> Any:
    """Give a copy of a client, a namespace or an object that acts through another session."""
    other: Any = object.__new__(owner.__class__)
    other.__dict__.update(owner.__dict__)
    other.__dict__["_session" if "_session" in owner.__dict__ else "_bound"] = session
    return other


class AsyncNames:
    """What has its methods under version 1's names for asynchronous code too: `async_get` is an awaited `get`.

    They are the same methods, on the asynchronous twin of the session.
    """

    if not TYPE_CHECKING:  # or any name would pass

        def __getattr__(self, name: str) -> Any:
            """Give the method that `async_name` is."""
            method = getattr(type(self), name.replace("async_", "", 1), None)
            if name.startswith(("async_", "_async_")) and isinstance(method, Presenter):
                return awaited(self, method)
            if above := getattr(super(), "__getattr__", None):
                return above(name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)


def awaited(owner: Any, method: Any) -> Callable[..., Any]:
    """Bind a method to the asynchronous twin of its owner. What it does to an object in place, it does to the owner."""
    twin = over(owner, owner._session.of_colour(Async))  # noqa: SLF001 - as in `presented`
    bound = method.__get__(twin, type(twin))
    if isinstance(method, dual_iter):
        return functools.wraps(bound)(lambda *args, **kwargs: Started(bound(*args, **kwargs)))
    if not isinstance(method, dual) or "_bound" not in vars(twin):
        return bound  # type: ignore[no-any-return]

    @functools.wraps(bound)
    async def in_place(*args: Any, **kwargs: Any) -> Any:
        try:
            result = await bound(*args, **kwargs)
        finally:
            bound_to = owner._bound  # noqa: SLF001 - what makes it an object
            owner.__dict__.update(twin.__dict__, _bound=bound_to)
        return owner if result is twin else result

    return in_place


class Started(Generic[T]):
    """An asynchronous iterator that may be awaited first: `async for item in await client.async_stream(…)`."""

    def __init__(self, generator: AsyncGenerator[T, None]) -> None:
        self._generator = generator

    def __await__(self) -> Generator[Any, Any, Started[T]]:
        return self
        yield  # makes it a generator

    def __aiter__(self) -> AsyncIterator[T]:
        return self._generator

    async def aclose(self) -> None:
        await self._generator.aclose()
