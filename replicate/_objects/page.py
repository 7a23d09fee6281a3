"""Paginated lists, and iteration over their pages.

A method that lists is decorated with `@dual_page`, and is one line: `return await fetch(self._session, Noun[C].bind,
endpoint, cursor, options, …)`, which ends in the arguments of `endpoint.build_request`. Its signature has
`cursor: Cursor = UNSET` and `**options: Unpack[ListOptions]`.
"""

from __future__ import annotations

import functools
from types import EllipsisType
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, NamedTuple, TypeAlias, cast, overload

from replicate._annotations import resolve_lazily
from replicate._dual.async_names import rebind_items
from replicate._dual.colours import Async, C, Coloured, Owner, P, Sync, T, acting_through
from replicate._dual.drive import drive
from replicate._dual.generators import closing, drive_iter
from replicate._dual.methods import Presenter, dual, dual_iter
from replicate._http.options import check_count
from replicate._json import elements, is_mapping, is_object
from replicate._objects.cursors import Reader, Trail, at, checked, read
from replicate._objects.html import Tabular
from replicate._objects.long_pages import Items
from replicate._objects.resource import Bound
from replicate._wording import safe_repr
from replicate.exceptions import ReplicateError
from replicate_api.types import UNSET, Payload, PlainData, PydanticSerializer, Request, as_sent, plain, pydantic_schema

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Callable,
        Coroutine,
        Generator,
        Iterator,
        Mapping,
    )
    from typing import Never, Self

    from replicate._http.session import Session
    from replicate_api.types import Data, Endpoint

Cursor: TypeAlias = str | EllipsisType
"""A page of a list: its URL, as in `page.next`, or `...` for the first page."""

NO_OPTIONS: Mapping[str, Any] = {}
OF_INSTANCES = ("alone", "limit")
"""Public attributes that only instances of Page have, not the class."""
START = Trail()


def or_by_hand(init: Callable[..., None]) -> Callable[..., None]:
    """Also accept the fields alone, as in version 1: `Page(results=[…], next=None, previous=None)`."""

    @functools.wraps(resolve_lazily(init))
    def made(self: Any, *args: Any, **fields: Any) -> None:
        if args or not fields or "session" in fields:
            init(self, *args, **fields)
        else:
            self.fill(**fields)

    return made


class PageInfo(NamedTuple):
    """The URL of the next page."""

    url: str


class Page(Tabular, Bound[C], PlainData, Generic[C, T]):
    """One page of a list: `results`, and the URLs of the `next` and `previous` page or None.

    Length, index and `results` apply to this page. `results` holds all items of it; iteration
    over a page of many thousands does not. Iteration continues with the pages after it, and requests them as
    needed: `for prediction in client.predictions.list()`, `async for prediction in client.predictions.list()`. A page
    that was requested by its cursor iterates over its own items only, without a request, so `for` works with either
    client. Pages are equal if their `results`, `next` and `previous` are.

    Each page is of a subclass that can be iterated in the colour of its client. For type checkers, this class itself
    can be iterated in the colour of its annotation.
    """

    if not TYPE_CHECKING:  # type checkers use `__init__`, and two type arguments

        def __class_getitem__(cls, of: Any) -> Any:
            """Also accept the class of the items alone, as earlier versions do: `Page[Prediction]`."""
            alone = len(cls.__parameters__) == 2 and not isinstance(of, tuple)
            return super().__class_getitem__((Any, of) if alone else of)

        def __new__(cls, session: Session[C] | None = None, *_args: Any, alone: bool = False, **fields: Any) -> Self:
            """Make a page of the subclass for the session. Without a session, make one for `fill`."""
            if session is None:
                return object.__new__(EitherPage if fields and cls is Page else cls)
            return object.__new__(iterated(session, alone=alone))

    next: str | None = None
    previous: str | None = None
    _sent: tuple[Any, ...] | list[Any] | Items = ()
    _made: list[T] | None = None

    def __init__(
        self,
        session: Session[C],
        payload: Any,
        bind: Callable[[Any, Session[C]], T],
        endpoint: Endpoint[..., Any] | Reader,
        *,
        alone: bool = False,
        limit: int | None = None,
        trail: Trail | Request = START,
        options: Mapping[str, Any] = NO_OPTIONS,
        items: Items | None = None,
    ) -> None:
        """`options` apply to the request for each page. `trail` is the trail so far, or the only request so far.

        `items` are the items of a very long page, which `payload` lacks.
        """
        self._bound, self._options, self._trail = session, options, trail
        self._bind = bind
        self._reader: Reader | None = Reader(endpoint.parse_response)
        self.alone: bool = alone
        """Whether iteration ends with this page."""
        self._sent = items.first(limit) if items else elements(as_sent(payload, "results"))[:limit]
        self.limit: int | None = None if limit is None else limit - len(self)
        self.next = None if self.limit == 0 else payload.next or None
        self.previous = payload.previous or None

    if not TYPE_CHECKING:  # for type checkers, a page is always made from a response
        __init__ = or_by_hand(__init__)

    def fill(self, *, results: list[T] | None = None, next: str | None = None, previous: str | None = None) -> None:
        """Fill a page that was made by hand. It iterates over its own items only."""
        self._options, self._trail, self._reader = NO_OPTIONS, START, None
        self._sent, self._made = [], [*(results or ())]
        self.alone, self.limit, self.next, self.previous = True, None, next, previous

    @property
    def results(self) -> list[T]:
        """The items of this page, created on first access."""
        if (made := self._made) is None:
            made = self._made = self._bound_items() if self._sent else []
        return made

    @results.setter
    def results(self, results: list[T]) -> None:
        """Replace the items."""
        self._made = results

    def _bound_items(self) -> list[T]:
        """Create the items. Those that are not objects stay as they arrived, as in any response."""
        bind, session = self._bind, self._session
        return [
            bind(item, session) if isinstance(item, dict) or isinstance(item, Payload) else item  # noqa: SIM101 - faster
            for item in (self._sent.parsed() if isinstance(self._sent, Items) else self._sent)
        ]

    def _own(self) -> Iterator[T]:
        """Iterate over the items of this page. Those of a very long page are made anew until `results` is read."""
        if self._made is not None or not isinstance(self._sent, Items):
            return iter(self.results)
        bind, session = self._bind, self._session
        return (bind(item, session) if isinstance(item, dict) else item for item in self._sent.parsed())

    def _complete(self) -> None:
        _ = self.results

    def _rebind(self, session: Session[Any]) -> None:
        super()._rebind(session)
        if session.blocking:
            self.__class__ = cast("Any", EitherPage)

    def __getstate__(self) -> Mapping[str, Any]:
        self._complete()
        return {**super().__getstate__(), "_sent": []}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Page):
            return NotImplemented
        theirs: Any = other  # pyright: ignore[reportUnknownVariableType]
        return bool((self.results, self.next, self.previous) == (theirs.results, theirs.next, theirs.previous))

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # mutable

    def has_next_page(self) -> bool:
        """Return whether there is a next page."""
        return self.next is not None

    def next_page_info(self) -> PageInfo | None:
        """Return the URL of the next page, or None."""
        return None if self.next is None else PageInfo(self.next)

    @dual
    async def get_next_page(self) -> Page[C, T]:
        """Request the next page. Raises ReplicateError if there is none; APIError."""
        return await turn(self)

    @dual_iter
    async def iter_pages(self) -> AsyncGenerator[Page[C, T], None]:
        """Yield this page and all pages after it. Raises ReplicateError."""
        page: Page[C, T] = self
        yield page
        while page.next is not None:
            page = await turn(page)
            yield page

    async def _items(self) -> AsyncGenerator[T, None]:
        page: Page[C, T] = self
        while True:
            for item in page._own():
                yield item
            if page.next is None or page.alone:
                return
            page = await turn(page)

    if TYPE_CHECKING:  # at run time, the subclasses have the methods of their colour

        def __iter__(self: Page[Sync, T]) -> Iterator[T]: ...
        def __aiter__(self: Page[Async, T]) -> AsyncIterator[T]: ...

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as a page of a blocking client. The unpickled page uses the default client."""
        from replicate._http.secrecy.secrets import NO_TOKENS, without_secrets

        state = self.__getstate__()
        tokens = NO_TOKENS if self._bound is None else self._bound.config.credentials.known()
        return object.__new__, (SyncPage,), {**state, "_options": without_secrets(state["_options"], tokens)}

    def origin(self) -> tuple[Session[C], Reader, Callable[[Any, Session[C]], T], Trail, Mapping[str, Any]]:
        """Return what the next page needs: session, reader, bind function, trail and options. Raises ReplicateError."""
        if self._reader is None:
            raise ReplicateError("This page was made by hand: it cannot tell what the one after it holds.")
        trail, session = self._trail, self._session
        if isinstance(trail, Request):
            url = session.url(trail.path).copy_merge_params(dict(trail.query))
            trail = self._trail = START.after(str(url))
        return session, self._reader, self._bind, trail, self._options

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Describe it to pydantic: validated from its members, serialized with its items."""
        of: Any = [None, *getattr(source, "__args__", ())][-1]
        read = getattr(getattr(of, "__origin__", of), "model_validate", None)
        return pydantic_schema(cls, lambda value: page_of(value, read), lambda page, _info: dict(page))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        url = {"anyOf": [{"type": "string", "format": "uri"}, {"type": "null"}]}
        properties = {"next": url, "previous": url, "results": {"type": "array"}}
        return {"title": "Page", "type": "object", "properties": properties}

    __pydantic_serializer__: ClassVar[Any] = PydanticSerializer()

    def keys(self) -> list[str]:
        """List the keys for `dict(page)`, which some encoders call."""
        return ["next", "previous", "results"]

    def as_plain(self, *, unset: bool = False, none: bool = True) -> Data:
        """Return plain data. With `unset`, absent fields of items are None; without `none`, fields that are None go."""
        items: list[Any] = [
            item.as_plain(unset=unset, none=none) if isinstance(item, PlainData) else plain(item)
            for item in self.results
        ]
        data = {"next": self.next, "previous": self.previous, "results": items}
        return {name: value for name, value in data.items() if none or value is not None}

    def __len__(self) -> int:
        if self._made is not None:
            return len(self._made)
        return len(self._sent.starts if isinstance(self._sent, Items) else self._sent)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    @overload
    def __getitem__(self, index: str) -> Any: ...
    def __getitem__(self, index: int | slice | str) -> Any:
        if not isinstance(index, str):
            return self.results[index]
        if index not in self.keys():
            raise KeyError(index)
        return getattr(self, index)

    @safe_repr
    def __repr__(self) -> str:
        more = ", and more" if self.has_next_page() else ""
        return f"<Page of {len(self)}{more}>"


def page_of(value: Any, read: Callable[[Any], Any] | None) -> Page[Any, Any]:
    """Make a page from a mapping of its members. A function reads its items. Raises TypeError for other values."""
    if not is_mapping(value):
        raise TypeError(f"expected a Page, got {type(value).__name__}")
    items = [read(item) if read and is_object(item) else item for item in elements(value.get("results"))]
    fields: dict[str, Any] = {**value, "results": items}
    return Page(**fields)


class SyncPage(Page[Sync, T]):
    """A page of a blocking client."""

    def __iter__(self) -> Iterator[T]:
        return self._own() if self.alone or self.next is None else drive_iter(self._items())


class AsyncPage(Page[Async, T]):
    """A page of an asynchronous client."""

    def __aiter__(self) -> AsyncIterator[T]:
        return self._items()

    if not TYPE_CHECKING:
        __iter__ = None  # otherwise `for` would use `__getitem__`, and stop at the end of the page


class EitherPage(Page[C, T]):
    """A page for `for` and `async for`: requested by cursor, or by an `async_` method of a blocking client."""

    if not TYPE_CHECKING:

        def __iter__(self) -> Iterator[T]:
            if self.alone or self.next is None:
                return self._own()
            return drive_iter(acting_through(self, self._session.of_colour(Sync))._items())  # noqa: SLF001 - its own twin

        def __aiter__(self) -> AsyncIterator[T]:
            session = self._session
            if not session.blocking:
                return self._items()
            twin = acting_through(self, session.of_colour(Async))
            return rebind_items(twin._items(), session)  # noqa: SLF001 - as above


def iterated(session: Session[Any], *, alone: bool) -> type[Page[Any, Any]]:
    """Return the class of a page, which decides how it is iterated."""
    if session.blocking:
        return SyncPage
    return EitherPage if alone else AsyncPage


class Listing(Generic[T]):
    """A list requested from an asynchronous client: `await` it for the first page, or iterate over all its items."""

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, Page[Async, T]]], page: type[Page[Any, Any]]) -> None:
        self._ask, self._page = ask, page

    def __await__(self) -> Generator[Any, Any, Page[Async, T]]:
        return self._ask().__await__()

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        page: Any = await self
        async with closing(aiter(page)) as items:
            async for item in items:
                yield item

    if not TYPE_CHECKING:  # type checkers must report such attributes

        def __getattr__(self, name: str) -> Any:
            """Raise AttributeError. For an attribute of the page, it says to await the list first."""
            said = f"{type(self).__name__!r} object has no attribute {name!r}"
            if not name.startswith("_") and (name in OF_INSTANCES or hasattr(self._page, name)):
                said += f": await it first. `page = await client.predictions.list()` gives a page, which has `{name}`"
            raise AttributeError(said, name=name, obj=self)


class dual_page(Presenter, Generic[Owner, P, C, T]):  # noqa: N801 - reads as the decorator it is
    """Expose a coroutine function that returns a page: on a blocking owner it returns the page, else a Listing."""

    def __init__(self, function: Callable[Concatenate[Owner, P], Coroutine[Any, Any, Page[C, T]]]) -> None:
        super().__init__(function)

    def make(self, called: Callable[..., Any], *, blocking: bool) -> Callable[..., Any]:
        def driven(*args: Any, **kwargs: Any) -> Page[C, T]:
            page: Page[C, T] = drive(called(*args, **kwargs))
            return page

        def listing(*args: Any, **kwargs: Any) -> Listing[T]:
            return Listing(functools.partial(called, *args, **kwargs), Page)

        return driven if blocking else listing

    @overload
    def __get__(self, owner: None, kind: type) -> dual_page[Owner, P, C, T]: ...
    @overload
    def __get__(self, owner: Coloured[Never], kind: type) -> Callable[P, Any]: ...
    @overload
    def __get__(self, owner: Coloured[Sync], kind: type) -> Callable[P, Page[Sync, T]]: ...
    @overload
    def __get__(self, owner: Coloured[Async], kind: type) -> Callable[P, Listing[T]]: ...
    def __get__(self, owner: Any, kind: type) -> Any:
        return self.unbound if owner is None else self.bind(owner)


async def fetch(
    session: Session[C],
    bind: Callable[[Any, Session[C]], T],
    endpoint: Endpoint[P, Any],
    cursor: Cursor,
    options: Mapping[str, Any],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Page[C, T]:
    """Request the first page of a list, or the one that `cursor` names. Raises APIError, TypeError, ValueError."""
    limit = options.get("limit")
    check_count("limit", limit)
    rest = {name: value for name, value in options.items() if name != "limit"}
    first = endpoint.build_request(*args, **kwargs)
    given = session.given(rest)
    request = first if cursor is UNSET or cursor is ... else at(given, checked(cursor, first))
    payload, items = await read(given, endpoint, request)
    alone = cursor is not UNSET
    return Page(session, payload, bind, endpoint, alone=alone, limit=limit, trail=request, options=rest, items=items)


async def turn(page: Page[C, T]) -> Page[C, T]:
    """Request the next page. Raises ReplicateError if there is none or its URL is not the API's; APIError."""
    if page.next is None:
        raise ReplicateError("This is the last page: ask has_next_page() first.")
    session, reader, bind, trail, options = page.origin()
    given = session.given(options)
    request = at(given, page.next)
    trail = trail.after(str(session.url(page.next)), items=len(page) > 0)
    payload, items = await read(given, reader, request)
    return Page(session, payload, bind, reader, limit=page.limit, trail=trail, options=options, items=items)
