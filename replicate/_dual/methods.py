"""Methods that are written once, as coroutines, and get the colour of their owner.

On an asynchronous owner, a `@dual` method is the coroutine function it was written as. On a blocking owner, calling it
runs the coroutine to completion. That takes a single step: a coroutine gives up control only where something inside
it suspends, and a session over a blocking transport never does, so one `send(None)` runs it from start to return.

Three rules keep it that way:

1. Inside, never call a `@dual` method, as it has the owner's colour: call the session, or a module-level coroutine.
2. Iterate inner asynchronous generators under `closing`, so that they are closed where they are used, and only there.
3. Only `transport.py` and what it calls block, or await I/O or the clock. `drive` raises if anything else suspends.

This file deliberately knows nothing about HTTP.
"""

from __future__ import annotations

import functools
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, cast, overload

from replicate._dual.colours import Async, Coloured, F, Owner, P, Sync, T
from replicate._dual.drive import drive
from replicate._dual.generators import closing, drive_iter, tracked
from replicate._dual.signatures import call_signature, lazy_hints, unbound_signature

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
    from inspect import Signature
    from types import CodeType
    from typing import Never


class Presenter:
    """A descriptor that exposes a function as a method in the colour of its owner. It is made once for each colour.

    On a class, it is a plain function that takes the owner first. Autospec and `patch.object` read the class's
    `__dict__` instead, and leave out `self` only for functions. So the descriptor itself passes for a function.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._methods: dict[bool, Callable[..., Any]] = {}
        functools.update_wrapper(self, function)  # type: ignore[arg-type]  # mypy#17166: a ParamSpec'd function
        vars(self)["__annotations__"] = lazy_hints(function)

    def make(self, called: Callable[..., Any], *, blocking: bool) -> Callable[..., Any]:
        """Make the function for a colour. It calls `called`."""
        raise NotImplementedError

    def bind(self, owner: Any) -> Any:
        """Return the function for the owner's colour, bound to the owner."""
        blocking = owner._session.blocking  # noqa: SLF001 - the protocol's own member
        method = self._methods.get(blocking)
        if method is None:
            made = with_signature_of(self.function, self.make(checking_keywords(self.function), blocking=blocking))
            if blocking:  # FastAPI would find the coroutine function there, and await the result
                del vars(made)["__wrapped__"]
            method = self._methods.setdefault(blocking, made)
        return MethodType(method, owner)

    if not TYPE_CHECKING:  # type checkers must use the overloads of `__get__`
        __class__ = FunctionType

        @property
        def __signature__(self) -> Signature:
            return unbound_signature(self.function)

        @property
        def __code__(self) -> CodeType:
            return self.unbound.__code__

        def __call__(self, owner: Any, /, *args: Any, **kwargs: Any) -> Any:
            return self.bind(owner)(*args, **kwargs)

    @functools.cached_property
    def unbound(self) -> Callable[..., Any]:
        """The function on a class. Called with an owner, it calls the owner's method."""

        def method(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
            return self.bind(owner)(*args, **kwargs)

        return with_signature_of(self.function, method)

    def of_class(self, kind: type) -> Callable[..., Any]:  # noqa: ARG002 - the same for most
        """Return the function on a class, whose instances may all have one colour."""
        return self.unbound


def checking_keywords(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function that checks its keywords against the method's signature. Calls raise TypeError for wrong ones."""
    takes = call_signature(function)

    def called(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        return function(owner, *args, **takes.read(len(args), kwargs))

    return called


def with_signature_of(function: Callable[..., Any], method: Callable[..., Any]) -> Callable[..., Any]:
    """Copy a function's name, documentation and complete signature to another one, and return that."""
    functools.update_wrapper(method, function)
    vars(method)["__signature__"], method.__annotations__ = unbound_signature(function), lazy_hints(function)
    return method


class dual(Presenter, Generic[Owner, P, T]):  # noqa: N801 - reads as the decorator it is
    """Expose a coroutine function as a method in its owner's colour."""

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
        """The function on a class whose instances are asynchronous: a coroutine function."""

        async def method(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
            return await self.bind(owner)(*args, **kwargs)

        return with_signature_of(self.function, method)

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
    """Expose an asynchronous generator function as a method in its owner's colour, for `for` or `async for`."""

    def __init__(self, function: Callable[Concatenate[Owner, P], AsyncGenerator[T, None]]) -> None:
        super().__init__(function)

    def make(self, called: Callable[..., Any], *, blocking: bool) -> Callable[..., Any]:
        def driven(*args: Any, **kwargs: Any) -> Any:
            return drive_iter(called(*args, **kwargs))

        def iterating(owner: Any, /, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
            return tracked(owner._session, closing(called(owner, *args, **kwargs)))  # noqa: SLF001 - as above

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
    """Expose a plain function unchanged. Its result has the owner's colour and does the waiting."""

    def make(self, called: Callable[..., Any], *, blocking: bool) -> Callable[..., Any]:  # noqa: ARG002 - the same
        return called

    def __get__(self, owner: Any, kind: type) -> Any:
        return self.of_class(kind) if owner is None else self.bind(owner)


class dual_awaitable(dual_plain):  # noqa: N801 - as `dual`
    """Expose a plain function as `dual_plain` does. Its `async_` name is a coroutine function."""


def also_awaited(function: F) -> F:
    """Decorate a plain method as `also_async` does, but its `async_` name is a coroutine function."""
    return cast("F", dual_awaitable(function))


def also_async(function: F) -> F:
    """Decorate a plain method. It shows all its keywords, and gets an `async_` name."""
    return cast("F", dual_plain(function))
