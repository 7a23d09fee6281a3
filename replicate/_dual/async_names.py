"""Version 1's names for asynchronous code: `async_get` is `get`, awaited, on owners of either colour.

The call runs on the asynchronous twin of the owner's session. Its result is then bound to the owner's own session: a
prediction from a blocking client's `async_create` has a blocking `reload` and an `async_reload`.
"""
# ruff: noqa: SLF001 - `_session` is part of the protocol `Coloured`

from __future__ import annotations

import functools
from types import MethodType
from typing import TYPE_CHECKING, Any, cast

from replicate._annotations import resolve_lazily
from replicate._dual.colours import Async, acting_through
from replicate._dual.counterparts import OnUpdate
from replicate._dual.generators import closing, tracked
from replicate._dual.methods import (
    Presenter,
    checking_keywords,
    dual_awaitable,
    dual_iter,
    dual_plain,
    with_signature_of,
)
from replicate.exceptions import ReplicateException

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from replicate._dual.colours import ColouredSession, T


class AsyncNames:
    """A class whose methods also have `async_` names."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Add the `async_` names of the methods that the class defines, unless it defines those names itself."""
        super().__init_subclass__(**options)
        for name, member in [*vars(cls).items()]:
            other = f"_async{name}" if name.startswith("_") else f"async_{name}"
            if isinstance(member, Presenter) and not name.startswith("__") and other not in vars(cls):
                setattr(cls, other, async_name(member, other, cls))
        resolve_lazily(cls)

    def __dir__(self) -> Iterable[str]:
        """Leave out the `async_` names on an asynchronous owner, whose methods are all awaited."""
        state: dict[str, Any] = vars(self)
        session = state.get("_session") or state.get("_bound")
        names = super().__dir__()
        return names if session is None or session.blocking else [name for name in names if name[:6] != "async_"]


class async_name(Presenter):  # noqa: N801 - as `dual`
    """Expose a method as a coroutine function, or as one that returns an async iterator, on owners of either colour."""

    def __init__(self, presenter: Presenter, name: str, owner: type) -> None:
        super().__init__(presenter.function)
        self._presenter = presenter
        self.__name__, self.__qualname__ = name, f"{owner.__qualname__}.{name}"

    def bind(self, owner: Any) -> Any:
        return MethodType(self.unbound, owner)

    @functools.cached_property
    def unbound(self) -> Callable[..., Any]:
        """The function itself, which is the same for all owners."""
        make = MAKERS.get(type(self._presenter), method_of)
        made: Any = with_signature_of(self.function, make(checking_keywords(self.function)))
        made.__name__, made.__qualname__ = self.__name__, self.__qualname__
        return cast("Callable[..., Any]", made)

    def __get__(self, owner: Any, kind: type) -> Any:
        return self.unbound if owner is None else self.bind(owner)


def method_of(called: Callable[..., Any]) -> Callable[..., Any]:
    """Make the coroutine function for a method that is awaited."""

    async def method(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        twin = twin_of(owner)
        if twin is owner:
            return await called(owner, *args, **kwargs)
        told = wrap_on_update(owner, kwargs)
        try:
            result = await called(twin, *args, **kwargs)
        except ReplicateException as error:
            rebind_error(error, owner._session)
            raise
        finally:
            update_from(owner, twin)
        if result is twin:
            return owner
        if told and told.counterpart and told.counterpart.source is result:
            return told.counterpart.show()
        return rebind_all(result, owner._session)

    return method


def iterator_of(called: Callable[..., Any]) -> Callable[..., Any]:
    """Make the function for a method that returns an asynchronous iterator."""

    def iterator(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        twin = twin_of(owner)
        items = rebind_items(called(twin, *args, **kwargs), owner._session)
        return tracked(twin._session, closing(items))

    return iterator


def plain_of(called: Callable[..., Any]) -> Callable[..., Any]:
    """Make the function for a method that does not wait; its result does."""

    def plain(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        wrap_on_update(owner, kwargs)
        return rebind_all(called(twin_of(owner), *args, **kwargs), owner._session)

    return plain


def started_of(called: Callable[..., Any]) -> Callable[..., Any]:
    """Make the coroutine function for a method whose result is awaited."""

    async def started(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        wrap_on_update(owner, kwargs)
        try:
            return rebind_all(await called(twin_of(owner), *args, **kwargs), owner._session)
        except ReplicateException as error:
            rebind_error(error, owner._session)
            raise

    return started


MAKERS: dict[Any, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    dual_iter: iterator_of,
    dual_plain: plain_of,
    dual_awaitable: started_of,
}


def twin_of(owner: Any) -> Any:
    """Return the owner with the asynchronous session: a copy, or the owner itself if it is asynchronous."""
    session = owner._session
    return acting_through(owner, session.of_colour(Async)) if session.blocking else owner


def update_from(owner: Any, twin: Any) -> None:
    """Apply to an object what a call has changed in its twin."""
    if "_bound" in vars(twin):
        session = owner._bound
        rebind_all(twin, session)
        owner.__dict__ = twin.__dict__


def wrap_on_update(owner: Any, options: Any) -> OnUpdate | None:
    """Wrap an `on_update` among the options of a method, so that the object it gets works in both colours."""
    callback = options.get("on_update")
    if not callable(callback) or not owner._session.blocking:
        return None
    told = options["on_update"] = OnUpdate(callback, owner._session, owner if "_bound" in vars(owner) else None)
    return told


def rebind_error(error: ReplicateException, session: ColouredSession[Any]) -> None:
    """Bind the objects in an error of a call that has ended, and in its causes, to another session."""
    cause: BaseException | None = error
    while isinstance(cause, ReplicateException):
        for value in vars(cause).values():
            rebind_all(value, session)
        cause = cause.__cause__


def rebind_all(value: T, session: ColouredSession[Any]) -> T:
    """Bind the result of a call, and the objects in it, to another session. An object's `_rebind` does it."""
    found: Any = value
    if rebind := getattr(type(value), "_rebind", None):
        rebind(value, session)
    elif isinstance(found, (list, tuple)):
        for item in cast("Iterable[Any]", found):
            rebind_all(item, session)
    elif isinstance(found, dict):
        for item in cast("dict[Any, Any]", found).values():  # type: ignore[redundant-cast]  # pyright needs it
            rebind_all(item, session)
    return value


async def rebind_items(source: AsyncGenerator[T, None], session: ColouredSession[Any]) -> AsyncGenerator[T, None]:
    """Yield the items of a generator, bound to another session."""
    async with closing(source) as items:
        try:
            async for item in items:
                yield rebind_all(item, session)
        except ReplicateException as error:
            rebind_error(error, session)
            raise
