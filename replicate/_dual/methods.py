"""Methods written once, as coroutines, and presented in the colour of their owner.

On an asynchronous owner a `@dual` method is the coroutine function it was written as. On a blocking owner, calling it
runs the coroutine to completion. That takes a single step: a coroutine gives up control only where something inside
it suspends, and a session over a blocking transport never does, so one `send(None)` runs it from start to return.

Three rules keep it that way:

1. Inside, never call a `@dual` method, for it has the owner's colour: call the session, or a module-level coroutine.
2. Iterate inner asynchronous generators under `nested`, so that they are closed where they are used, and only there.
3. Only `transport.py` blocks, or awaits I/O or the clock. `drive` raises if anything else suspends.

This file deliberately knows nothing about HTTP.
"""

from __future__ import annotations

import functools
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, cast, overload

from replicate._dual.colours import Async, Coloured, F, Owner, P, Sync, T
from replicate._dual.drive import drive
from replicate._dual.generators import drive_iter, nested, outermost
from replicate._dual.signatures import hints, taken, unbound

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
    from inspect import Signature
    from types import CodeType
    from typing import Never


class Presenter:
    """A descriptor that presents a function in the colour of its owner: as a method of it, made once for each colour.

    Of a class, it gives a plain function that takes the owner first. Autospec and `patch.object` look past that, into
    the class's `__dict__`, and must find a function there too, for they leave `self` out of a function only.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._methods: dict[bool, Callable[..., Any]] = {}
        functools.update_wrapper(self, function)  # type: ignore[arg-type]  # mypy#17166: a ParamSpec'd function
        vars(self)["__annotations__"] = hints(function)

    def make(self, called: Callable[..., Any], *, blocking: bool) -> Callable[..., Any]:
        """Make the function for a colour, of the one that was written."""
        raise NotImplementedError

    def bind(self, owner: Any) -> Any:
        """Bind the function for the owner's colour to it."""
        blocking = owner._session.blocking  # noqa: SLF001 - the protocol's own member
        method = self._methods.get(blocking)
        if method is None:
            made = shown_as(self.function, self.make(checked(self.function), blocking=blocking))
            if blocking:  # FastAPI would find the coroutine function there, and await the result
                del vars(made)["__wrapped__"]
            method = self._methods.setdefault(blocking, made)
        return MethodType(method, owner)

    if not TYPE_CHECKING:  # type checkers know the methods of a class by their colour only
        __class__ = FunctionType

        @property
        def __signature__(self) -> Signature:
            return unbound(self.function)

        @property
        def __code__(self) -> CodeType:
            return self.unbound.__code__

        def __call__(self, owner: Any, /, *args: Any, **kwargs: Any) -> Any:
            return self.bind(owner)(*args, **kwargs)

    @functools.cached_property
    def unbound(self) -> Callable[..., Any]:
        """The function that a class has: with its owner first, it is the owner's method."""

        def method(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
            return self.bind(owner)(*args, **kwargs)

        return shown_as(self.function, method)

    def of_class(self, kind: type) -> Callable[..., Any]:  # noqa: ARG002 - it is the same for most
        """Give the function of a class, which may be one whose instances have one colour only."""
        return self.unbound


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Have a function read its keywords by what the method takes. Calling it raises TypeError for what is wrong."""
    takes = taken(function)

    def called(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        return function(owner, *args, **takes.read(len(args), kwargs))

    return called


def shown_as(function: Callable[..., Any], method: Callable[..., Any]) -> Callable[..., Any]:
    """Have a function show the name, the documentation and all the parameters of another."""
    functools.update_wrapper(method, function)
    vars(method)["__signature__"], method.__annotations__ = unbound(function), hints(function)
    return method


class dual(Presenter, Generic[Owner, P, T]):  # noqa: N801 - reads as the decorator it is
    """Present a coroutine function as a method of its owner's colour."""

    def __init__(self, function: Callable[Concatenate[Owner, P], Coroutine[Any, Any, T]]) -> None:
        super().__init__(function)

    def make(self, called: Callable[..., Any], *, blocking: bool) -> Callable[..., Any]:
        def driven(*args: Any, **kwargs: Any) -> Any:
            return drive(called(*args, **kwargs))

        async def awaiting(*args: Any, **kwargs: Any) -> Any:
            return await called(*args, **kwargs)

        return driven if blocking else awaiting

    def of_class(self, kind: type) -> Callable[..., Any]:
        return self.unbound_async if getattr(kind, "_colour", None) is Async else self.unbound

    @functools.cached_property
    def unbound_async(self) -> Callable[..., Any]:
        """The function of a class whose instances are asynchronous: a coroutine function."""

        async def method(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
            return await self.bind(owner)(*args, **kwargs)

        return shown_as(self.function, method)

    @overload
    def __get__(self, owner: None, kind: type) -> dual[Owner, P, T]: ...
    @overload
    def __get__(self, owner: Coloured[Never], kind: type) -> Callable[P, Any]: ...
    @overload
    def __get__(self, owner: Coloured[Sync], kind: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, owner: Coloured[Async], kind: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, owner: Any, kind: type) -> Any:
        return self.of_class(kind) if owner is None else self.bind(owner)


class dual_iter(Presenter, Generic[Owner, P, T]):  # noqa: N801 - reads as the decorator it is
    """Present an asynchronous generator function as a method of its owner's colour, for `for` or `async for`."""

    def __init__(self, function: Callable[Concatenate[Owner, P], AsyncGenerator[T, None]]) -> None:
        super().__init__(function)

    def make(self, called: Callable[..., Any], *, blocking: bool) -> Callable[..., Any]:
        def driven(*args: Any, **kwargs: Any) -> Any:
            return drive_iter(called(*args, **kwargs))

        def iterating(owner: Any, /, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
            return outermost(owner._session, nested(called(owner, *args, **kwargs)))  # noqa: SLF001 - as above

        return driven if blocking else iterating

    @overload
    def __get__(self, owner: None, kind: type) -> dual_iter[Owner, P, T]: ...
    @overload
    def __get__(self, owner: Coloured[Never], kind: type) -> Callable[P, Any]: ...
    @overload
    def __get__(self, owner: Coloured[Sync], kind: type) -> Callable[P, Generator[T, None, None]]: ...
    @overload
    def __get__(self, owner: Coloured[Async], kind: type) -> Callable[P, AsyncGenerator[T, None]]: ...
    def __get__(self, owner: Any, kind: type) -> Any:
        return self.of_class(kind) if owner is None else self.bind(owner)


class dual_plain(Presenter):  # noqa: N801 - as `dual`
    """Present a plain function, whose result has its owner's colour and does the waiting, as it is."""

    def make(self, called: Callable[..., Any], *, blocking: bool) -> Callable[..., Any]:  # noqa: ARG002 - it is the same
        return called

    def __get__(self, owner: Any, kind: type) -> Any:
        return self.of_class(kind) if owner is None else self.bind(owner)


class dual_awaitable(dual_plain):  # noqa: N801 - as `dual`
    """Present a plain function as `dual_plain` does. Under its `async_` name, its result is awaited."""


def also_awaited(function: F) -> F:
    """Present a plain method as `also_async` does; its `async_` name is of a coroutine function."""
    return cast("F", dual_awaitable(function))


def also_async(function: F) -> F:
    """Present a plain method; it shows all that it takes, and has an `async_` name too."""
    return cast("F", dual_plain(function))
