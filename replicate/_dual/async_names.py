"""Version 1's names for asynchronous code: `async_get` is `get`, awaited, whatever the colour of its owner.

The call runs on the asynchronous twin of the owner's session. What it gives is bound to the owner's own session again:
a prediction that a blocking client's `async_create` gives has a blocking `reload` and an `async_reload`.
"""
# ruff: noqa: SLF001 - of what has a session, by the protocol `Coloured`

from __future__ import annotations

import functools
from types import MethodType
from typing import TYPE_CHECKING, Any, cast

from replicate._annotations import deferred
from replicate._dual.colours import Async, over
from replicate._dual.counterparts import Told
from replicate._dual.generators import nested, outermost
from replicate._dual.methods import Presenter, checked, dual_awaitable, dual_iter, dual_plain, shown_as
from replicate.exceptions import ReplicateException

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from replicate._dual.colours import ColouredSession, T


class AsyncNames:
    """A class whose methods have `async_` names too."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Add the names of the methods that the class defines, unless it has them of its own."""
        super().__init_subclass__(**options)
        for name, member in [*vars(cls).items()]:
            other = f"_async{name}" if name.startswith("_") else f"async_{name}"
            if isinstance(member, Presenter) and not name.startswith("__") and other not in vars(cls):
                setattr(cls, other, async_name(member, other, cls))
        deferred(cls)

    def __dir__(self) -> Iterable[str]:
        """Leave out the `async_` names where all methods are awaited anyway."""
        state: dict[str, Any] = vars(self)
        session = state.get("_session") or state.get("_bound")
        names = super().__dir__()
        return names if session is None or session.blocking else [name for name in names if name[:6] != "async_"]


class async_name(Presenter):  # noqa: N801 - as `dual`
    """Present a method as a coroutine function, or one that gives an asynchronous iterator, on owners of any colour."""

    def __init__(self, presenter: Presenter, name: str, owner: type) -> None:
        super().__init__(presenter.function)
        self._presenter = presenter
        self.__name__, self.__qualname__ = name, f"{owner.__qualname__}.{name}"

    def bind(self, owner: Any) -> Any:
        return MethodType(self.unbound, owner)

    @functools.cached_property
    def unbound(self) -> Callable[..., Any]:
        """The function itself: the same for all owners."""
        make = MAKERS.get(type(self._presenter), method_of)
        made: Any = shown_as(self.function, make(checked(self.function)))
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
        told = tell_in_both(owner, kwargs)
        try:
            result = await called(twin, *args, **kwargs)
        except ReplicateException as error:
            rebound_error(error, owner._session)
            raise
        finally:
            take_over(owner, twin)
        if result is twin:
            return owner
        if told and told.counterpart and told.counterpart.source is result:
            return told.counterpart.show()
        return rebound(result, owner._session)

    return method


def iterator_of(called: Callable[..., Any]) -> Callable[..., Any]:
    """Make the function for a method that gives an asynchronous iterator."""

    def iterator(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        twin = twin_of(owner)
        items = rebound_items(called(twin, *args, **kwargs), owner._session)
        return outermost(twin._session, nested(items))

    return iterator


def plain_of(called: Callable[..., Any]) -> Callable[..., Any]:
    """Make the function for one whose result does the waiting."""

    def plain(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        tell_in_both(owner, kwargs)
        return rebound(called(twin_of(owner), *args, **kwargs), owner._session)

    return plain


def started_of(called: Callable[..., Any]) -> Callable[..., Any]:
    """Make the coroutine function for one whose result is awaited."""

    async def started(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        tell_in_both(owner, kwargs)
        try:
            return rebound(await called(twin_of(owner), *args, **kwargs), owner._session)
        except ReplicateException as error:
            rebound_error(error, owner._session)
            raise

    return started


MAKERS: dict[Any, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    dual_iter: iterator_of,
    dual_plain: plain_of,
    dual_awaitable: started_of,
}


def twin_of(owner: Any) -> Any:
    """Give an owner that acts through the asynchronous session: itself, if it does."""
    session = owner._session
    return over(owner, session.of_colour(Async)) if session.blocking else owner


def take_over(owner: Any, twin: Any) -> None:
    """Do to an object what a call has done to its twin in place."""
    if "_bound" in vars(twin):
        session = owner._bound
        rebound(twin, session)
        owner.__dict__ = twin.__dict__


def tell_in_both(owner: Any, options: Any) -> Told | None:
    """Have an `on_update` among the options of a method get what it is told of in both colours."""
    callback = options.get("on_update")
    if not callable(callback) or not owner._session.blocking:
        return None
    told = options["on_update"] = Told(callback, owner._session, owner if "_bound" in vars(owner) else None)
    return told


def rebound_error(error: ReplicateException, session: ColouredSession[Any]) -> None:
    """Bind what an error of a call that has ended carries, and its causes carry, to another session."""
    cause: BaseException | None = error
    while isinstance(cause, ReplicateException):
        for value in vars(cause).values():
            rebound(value, session)
        cause = cause.__cause__


def rebound(value: T, session: ColouredSession[Any]) -> T:
    """Bind what a call gives to another session, and what it holds: each object tells how."""
    found: Any = value
    if rebind := getattr(type(value), "_rebind", None):
        rebind(value, session)
    elif isinstance(found, (list, tuple)):
        for item in cast("Iterable[Any]", found):
            rebound(item, session)
    elif isinstance(found, dict):
        for item in cast("dict[Any, Any]", found).values():  # type: ignore[redundant-cast]  # pyright needs it
            rebound(item, session)
    return value


async def rebound_items(source: AsyncGenerator[T, None], session: ColouredSession[Any]) -> AsyncGenerator[T, None]:
    """Yield what a generator yields, bound to another session."""
    async with nested(source) as items:
        try:
            async for item in items:
                yield rebound(item, session)
        except ReplicateException as error:
            rebound_error(error, session)
            raise
