"""Lists that come in pages, and the walk from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from replicate._core.dual import Async, C, Sync, drive_iter, dual, dual_iter
from replicate._core.plain import elements
from replicate._core.resource import session_of
from replicate.exceptions import ReplicateError
from replicate_api.types import Payload, Request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

    from replicate._core.session import Session
    from replicate_api.types import Endpoint

T = TypeVar("T")


class Page(Generic[C, T]):
    """One page of a list: `results`, and the URLs of the `next` and `previous` page or None.

    Length, index and `results` are of this page; iterating goes on to the pages after it, fetching them as needed:
    `for prediction in client.predictions.list()`, `async for prediction in await client.predictions.list()`.
    """

    def __init__(
        self,
        session: Session[C],
        payload: Any,
        bind: Callable[[Any], T],
        endpoint: Endpoint[..., Any],
        visited: frozenset[str] = frozenset(),
    ) -> None:
        """`session` is the one that fetched the page, and fetches those after it; `visited` are the URLs so far."""
        self.visited = visited
        self._session, self.bind, self.endpoint = session, bind, endpoint
        # Items that are no objects are kept as they came, as in all of an answer.
        results = elements(payload.results)
        self.results: list[T] = [bind(item) if isinstance(item, Payload) else item for item in results]
        self.next: str | None = payload.next or None
        self.previous: str | None = payload.previous or None

    def has_next_page(self) -> bool:
        """Tell whether there is a page after this one."""
        return self.next is not None

    @dual
    async def get_next_page(self) -> Page[C, T]:
        """Fetch the page after this one. Raises ReplicateError if there is none."""
        if self.next is None:
            raise ReplicateError("This is the last page: ask has_next_page() first.")
        return await turn(self, self.next)

    @dual_iter
    async def iter_pages(self) -> AsyncGenerator[Page[C, T], None]:
        """Yield this page and all after it."""
        page: Page[C, T] = self
        yield page
        while page.next is not None:
            page = await turn(page, page.next)
            yield page

    async def _items(self) -> AsyncGenerator[T, None]:
        page: Page[C, T] = self
        while True:
            for item in page.results:
                yield item
            if page.next is None:
                return
            page = await turn(page, page.next)

    def __iter__(self: Page[Sync, T]) -> Iterator[T]:
        if not self._session.blocking:
            raise TypeError("this page belongs to an asynchronous client: iterate it with `async for`")
        return drive_iter(self._items())

    def __aiter__(self: Page[Async, T]) -> AsyncIterator[T]:
        return self._items()

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


async def turn(page: Page[C, T], url: str) -> Page[C, T]:
    """Fetch another page, if the API's own answer named it at the API's own origin."""
    session = session_of(page)
    full = str(session.url(url))
    if not session.is_api(full):
        raise ReplicateError(f"The next page is said to be at {url}, which is not the API's: not followed.")
    if full in page.visited:
        raise ReplicateError(
            f"The next page is said to be at {url}, which came before: the list goes round in circles."
        )
    response = await session.send(Request("GET", url))
    payload = session.parse(page.endpoint, response)
    return Page(session, payload, page.bind, page.endpoint, page.visited | {full})
