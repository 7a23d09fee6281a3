"""Requests for pages of a list by cursor: which URLs are followed, and what a response must hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from replicate._http.error_responses import unreadable
from replicate._json import is_array
from replicate._objects.long_pages import split
from replicate.exceptions import APIError, InputError, ReplicateError
from replicate_api.types import Request, as_sent

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from replicate._http.session import Session
    from replicate_api.types import Endpoint


EMPTY = 100
"""Maximum number of pages without items, in a row, after which a list is not followed any further."""
RECENT = 100
"""Maximum number of earlier pages whose URLs a page remembers."""


class Reader(NamedTuple):
    """The part of an endpoint that later pages need. Unlike a module, it can be pickled."""

    parse_response: Callable[[bytes], Any]


async def read(session: Session[Any], endpoint: Endpoint[..., Any] | Reader, request: Request) -> tuple[Any, Any]:
    """Fetch the content of a page, and, apart from it, the items of a very long one.

    If the request fails, the error says where to continue.
    """
    reader: Any = endpoint

    def parsed(response: httpx.Response) -> tuple[Any, Any]:
        if (parts := split(response.content)) is not None:
            content, items = parts

            def parse(_: bytes) -> Any:
                return reader.parse_response(content)

            rest: Any = Reader(parse)
            return session.parse(rest, response), items
        payload = session.parse(reader, response)
        if not is_array(as_sent(payload, "results")):
            raise unreadable(response, "there is no list of results in it")
        return payload, None

    try:
        return await session.look_up(request, parsed)
    except APIError as error:
        if request.path.startswith("http"):  # the page of a cursor
            error.cursor = request.path
            advice = "All pages before this one have come; list(cursor=error.cursor).iter_pages() goes on from here."
            error.advise(" ".join(filter(None, (error.hint, advice))))
        raise


class Trail(NamedTuple):
    """The way through a list up to one of its pages, as far as it takes to notice that it goes round in circles.

    A circle of up to RECENT pages is noticed as soon as it closes, and a longer one at the milestone: the page of the
    last step whose number is a power of two (Brent's algorithm).
    """

    recent: tuple[str, ...] = ()
    """The URLs of the last pages."""
    steps: int = 0
    milestone: str | None = None
    empty: int = 0
    """The number of pages in a row, up to this one, that had no items."""

    def after(self, url: str, *, items: bool = True) -> Trail:
        """Go on to the page at a URL, from one that has `items` or has none.

        Raises ReplicateError for a URL that came before, and after too many pages without items.
        """
        empty = 0 if items else self.empty + 1
        if empty >= EMPTY:
            raise ReplicateError(
                f"{EMPTY} pages in a row had no items: the list is not followed any further.",
                hint="list(cursor=error.cursor).iter_pages() goes on from here.",
                cursor=url,
            )
        if url in self.recent or url == self.milestone:
            raise ReplicateError(
                f"The next page is said to be at {url}, which came before: the list goes round in circles."
            )
        steps = self.steps + 1
        passed = steps & (steps - 1) == 0
        return Trail((*self.recent, url)[-RECENT:], steps, url if passed else self.milestone, empty)


def checked(cursor: Any, first: Request) -> str:
    """Return a cursor. Raises InputError, a ValueError, if it is neither a URL nor the first page's path with a query.

    It may be the `next` of a page, which may be anything.
    """
    if not isinstance(cursor, str) or not cursor.startswith(("http://", "https://", f"{first.path}?")):
        raise InputError(f"cursor cannot be {cursor!r}: it is the URL of a page, such as page.next")
    return cursor


def at(session: Session[Any], cursor: Any) -> Request:
    """Return the request for the page at a URL, or at a path below the base URL.

    Raises ReplicateError if it is neither, or if the URL is not the API's.
    """
    if session.link(cursor) is None and not (isinstance(cursor, str) and cursor.startswith("/")):
        raise ReplicateError(f"The next page is said to be at {cursor!r}, which is no URL: not followed.")
    if not session.is_api(session.url(cursor)):
        raise ReplicateError(f"The next page is said to be at {cursor}, which is not the API's: not followed.")
    return Request("GET", cursor)
