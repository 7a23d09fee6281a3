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
from replicate._core.dual import (
    Async,
    Presenter,
    checked,
    dual_awaitable,
    dual_iter,
    dual_plain,
    outermost,
    over,
    shown_as,
)
from replicate._core.nested import nested

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from replicate._core.dual import T
    from replicate._core.session import Session


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
        called = checked(self.function)

        async def method(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
            twin = twin_of(owner)
            if twin is owner:
                return await called(owner, *args, **kwargs)
            try:
                result = await called(twin, *args, **kwargs)
            finally:
                take_over(owner, twin)
            return owner if result is twin else rebound(result, owner._session)

        def iterator(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
            twin = twin_of(owner)
            items = rebound_items(called(twin, *args, **kwargs), owner._session)
            return outermost(twin._session, nested(items))

        def plain(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
            return rebound(called(twin_of(owner), *args, **kwargs), owner._session)

        async def started(owner: Any, /, *args: Any, **kwargs: Any) -> Any:
            return rebound(await called(twin_of(owner), *args, **kwargs), owner._session)

        kinds: Any = {dual_iter: iterator, dual_plain: plain, dual_awaitable: started}
        made: Any = shown_as(self.function, kinds.get(type(self._presenter), method))
        made.__name__, made.__qualname__ = self.__name__, self.__qualname__
        return cast("Callable[..., Any]", made)

    def __get__(self, owner: Any, kind: type) -> Any:
        return self.unbound if owner is None else self.bind(owner)


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


def rebound(value: T, session: Session[Any]) -> T:
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


async def rebound_items(source: AsyncGenerator[T, None], session: Session[Any]) -> AsyncGenerator[T, None]:
    """Yield what a generator yields, bound to another session."""
    async with nested(source) as items:
        async for item in items:
            yield rebound(item, session)
