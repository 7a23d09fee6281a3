"""Lists that come in pages, and the walk from one to the next.

A method that lists is one line: `@dual_page`, and `return await fetch(self._session, Noun[C].bind, endpoint, cursor,
options, …)` with what `endpoint.build_request` takes. Its signature has `cursor: Cursor = UNSET` and
`**options: Unpack[ListOptions]`.
"""

from __future__ import annotations

import functools
from types import EllipsisType
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, NamedTuple, NoReturn, TypeAlias, overload

from replicate._core.dual import (
    Async,
    C,
    Coloured,
    Owner,
    P,
    Presenter,
    Sync,
    T,
    drive,
    drive_iter,
    dual,
    dual_iter,
    presented,
)
from replicate._core.markup import Tabular
from replicate._core.nested import nested
from replicate._core.options import check_count
from replicate._core.plain import elements, is_array
from replicate._core.problems import unreadable
from replicate._core.resource import Bound, session_of
from replicate.exceptions import APIError, ReplicateError
from replicate_api.types import UNSET, Payload, Request

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Callable,
        Collection,
        Coroutine,
        Generator,
        Iterator,
        Mapping,
    )
    from typing import Never

    import httpx

    from replicate._core.session import Session
    from replicate_api.types import Endpoint

Cursor: TypeAlias = str | EllipsisType
"""Which page of a list: the URL of one, as in `page.next`, or `...` for the first."""


NO_OPTIONS: Mapping[str, Any] = {}


class PageInfo(NamedTuple):
    """Where the next page is."""

    url: str


class Reader(NamedTuple):
    """What an endpoint is to its later pages; unlike a module, it can be pickled."""

    parse_response: Callable[[bytes], Any]


class Page(Tabular, Bound[C], Generic[C, T]):
    """One page of a list: `results`, and the URLs of the `next` and `previous` page or None.

    Length, index and `results` are of this page; iterating goes on to the pages after it, fetching them as needed:
    `for prediction in client.predictions.list()`, `async for prediction in client.predictions.list()`. A page that was
    asked for by its cursor iterates over itself only. Pages are equal if their results and neighbours are.
    """

    def __init__(
        self,
        session: Session[C],
        payload: Any,
        bind: Callable[[Any, Session[C]], T],
        endpoint: Endpoint[..., Any] | Reader,
        *,
        alone: bool = False,
        limit: int | None = None,
        visited: frozenset[str] = frozenset(),
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> None:
        """`options` are those of the requests for pages; `visited` are the URLs so far."""
        self._bound, self._options, self._visited = session, options, visited
        self._bind, self._reader = bind, Reader(endpoint.parse_response)
        self.alone = alone
        """Whether iterating ends with this page."""
        # Items that are no objects are kept as they came, as in all of an answer.
        results = elements(payload.results)[:limit]
        self.results: list[T] = [bind(item, session) if isinstance(item, Payload) else item for item in results]
        self.limit: int | None = None if limit is None else limit - len(results)
        self.next: str | None = None if self.limit == 0 else payload.next or None
        self.previous: str | None = payload.previous or None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Page):
            return NotImplemented
        theirs: Any = other  # pyright: ignore[reportUnknownVariableType]
        return bool((self.results, self.next, self.previous) == (theirs.results, theirs.next, theirs.previous))

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # mutable

    def has_next_page(self) -> bool:
        """Tell whether there is a page after this one."""
        return self.next is not None

    def next_page_info(self) -> PageInfo | None:
        """Tell where the page after this one is."""
        return None if self.next is None else PageInfo(self.next)

    @dual
    async def get_next_page(self) -> Page[C, T]:
        """Fetch the page after this one. Raises ReplicateError if there is none."""
        return await turn(self)

    @dual_iter
    async def iter_pages(self) -> AsyncGenerator[Page[C, T], None]:
        """Yield this page and all after it."""
        page: Page[C, T] = self
        yield page
        while page.next is not None:
            page = await turn(page)
            yield page

    async def _items(self) -> AsyncGenerator[T, None]:
        page: Page[C, T] = self
        while True:
            for item in page.results:
                yield item
            if page.next is None or page.alone:
                return
            page = await turn(page)

    def __iter__(self: Page[Sync, T]) -> Iterator[T]:
        if self.alone or self.next is None:
            return iter(self.results)
        if not self._session.blocking:
            raise TypeError("this page belongs to an asynchronous client: iterate it with `async for`")
        return drive_iter(self._items())

    def __aiter__(self: Page[Async, T]) -> AsyncIterator[T]:
        return self._items()

    def origin(self) -> tuple[Session[C], Reader, Callable[[Any, Session[C]], T], frozenset[str], Mapping[str, Any]]:
        """Give what it takes to go on: who asks, what, what is made of the answer, where it has been, and how."""
        return self._session, self._reader, self._bind, self._visited, self._options

    def __len__(self) -> int:
        return len(self.results)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        return self.results[index]

    def __repr__(self) -> str:
        more = ", and more" if self.has_next_page() else ""
        return f"<Page of {len(self)}{more}>"


class Listing(Generic[T]):
    """A list that an asynchronous client was asked for: await it for its first page, or iterate all of it."""

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, Page[Async, T]]]) -> None:
        self._ask = ask

    def __await__(self) -> Generator[Any, Any, Page[Async, T]]:
        return self._ask().__await__()

    if not TYPE_CHECKING:  # type checkers know that there is no such method

        def __iter__(self) -> NoReturn:
            """Say how."""
            raise TypeError("this list belongs to an asynchronous client: iterate it with `async for`, or await it")

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        page: Any = await self
        async with nested(aiter(page)) as items:
            async for item in items:
                yield item


class dual_page(Presenter, Generic[Owner, P, C, T]):  # noqa: N801 - reads as the decorator it is
    """Present a coroutine function that gives a page: to a blocking owner's callers the page, to others a Listing."""

    def __init__(self, function: Callable[Concatenate[Owner, P], Coroutine[Any, Any, Page[C, T]]]) -> None:
        self.function = function
        functools.update_wrapper(self, function)  # type: ignore[arg-type]  # as in `dual`

    @overload
    def __get__(self, owner: None, kind: type) -> dual_page[Owner, P, C, T]: ...
    @overload
    def __get__(self, owner: Coloured[Never], kind: type) -> Callable[P, Any]: ...
    @overload
    def __get__(self, owner: Coloured[Sync], kind: type) -> Callable[P, Page[Sync, T]]: ...
    @overload
    def __get__(self, owner: Coloured[Async], kind: type) -> Callable[P, Listing[T]]: ...
    def __get__(self, owner: Any, kind: type) -> Any:
        if owner is None:
            return self
        method = presented(self.function, owner, drive)
        if session_of(owner).blocking:
            return method

        @functools.wraps(method)
        def listing(*args: Any, **kwargs: Any) -> Listing[T]:
            return Listing(functools.partial(method, *args, **kwargs))

        return listing


async def fetch(
    session: Session[C],
    bind: Callable[[Any, Session[C]], T],
    endpoint: Endpoint[P, Any],
    cursor: Cursor,
    options: Mapping[str, Any],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Page[C, T]:
    """Fetch the first page of a list, or the one that `cursor` names. Raises APIError, TypeError, ValueError."""
    limit = options.get("limit")
    check_count("limit", limit)
    rest = {name: value for name, value in options.items() if name != "limit"}
    first = endpoint.build_request(*args, **kwargs)
    given = session.given(rest)
    request = first if cursor is UNSET or cursor is ... else at(given, checked(cursor, first))
    payload = await read(given, endpoint, request)
    begun = frozenset({str(session.url(request.path).copy_merge_params(dict(request.query)))})
    alone = cursor is not UNSET
    return Page(session, payload, bind, endpoint, alone=alone, limit=limit, visited=begun, options=rest)


async def turn(page: Page[C, T]) -> Page[C, T]:
    """Fetch the page after one. Raises ReplicateError if there is none, or it is not at the API's own origin."""
    if page.next is None:
        raise ReplicateError("This is the last page: ask has_next_page() first.")
    session, reader, bind, visited, options = page.origin()
    given = session.given(options)
    request = at(given, page.next)
    full = str(session.url(page.next))
    check_new(full, visited)
    payload = await read(given, reader, request)
    return Page(session, payload, bind, reader, limit=page.limit, visited=visited | {full}, options=options)


async def read(session: Session[Any], endpoint: Endpoint[..., Any] | Reader, request: Request) -> Any:
    """Fetch a page's content. The error of a request that failed tells where to go on."""
    reader: Any = endpoint

    def parsed(response: httpx.Response) -> Any:
        payload = session.parse(reader, response)
        if not is_array(payload.results):
            raise unreadable(response, "there is no list of results in it")
        return payload

    try:
        return await session.look_up(request, parsed)
    except APIError as error:
        if request.path.startswith("http"):  # it is the page of a cursor
            error.cursor = request.path
            advice = "All pages before this one have come; list(cursor=error.cursor).iter_pages() goes on from here."
            error.hint = " ".join(filter(None, (error.hint, advice)))
        raise


def check_new(url: str, visited: Collection[str]) -> None:
    """Raise ReplicateError for a page that came before."""
    if url in visited:
        raise ReplicateError(
            f"The next page is said to be at {url}, which came before: the list goes round in circles."
        )


def checked(cursor: Any, first: Request) -> str:
    """Raise ValueError for a cursor that is neither a URL nor a path with a query, as that of the first page."""
    if not isinstance(cursor, str) or not cursor.startswith(("http://", "https://", f"{first.path}?")):
        raise ValueError(f"cursor cannot be {cursor!r}: it is the URL of a page, such as page.next")
    return cursor


def at(session: Session[Any], cursor: str) -> Request:
    """Ask for the page that is at a URL, if that is the API's."""
    if not session.is_api(session.url(cursor)):
        raise ReplicateError(f"The next page is said to be at {cursor}, which is not the API's: not followed.")
    return Request("GET", cursor)
