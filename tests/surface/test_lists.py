"""The clients' lists: awaited or iterated, by cursor, limited, and resumed."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import collect, got, scripted

from replicate import InternalServerError, ReplicateError
from replicate._objects.page import PageInfo
from replicate._objects.paginate import async_paginate, paginate

if TYPE_CHECKING:
    from collections.abc import Callable

API = "https://api.replicate.com/v1"
NEXT = f"{API}/predictions?cursor="


def pages(requests: list[httpx.Request], broken: str = "") -> Callable[[httpx.Request], httpx.Response]:
    """Respond with three pages of two items; one page can be an error."""

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        number = request.url.params.get("cursor", "1")
        if number == broken:
            return httpx.Response(500, json={"detail": "oh no"})
        results = [{"id": f"{number}a"}, {"id": f"{number}b"}]
        following = f"{NEXT}{int(number) + 1}" if number != "3" else None
        return httpx.Response(200, json={"results": results, "next": following, "previous": None})

    return answer


def ids(items: Any) -> list[str]:
    return [item.id for item in items]


async def test_a_list_can_be_iterated_without_awaiting(colour: str) -> None:
    """`for` and `async for` go through all pages, without an await first."""
    requests: list[httpx.Request] = []
    client = scripted(colour, pages(requests))
    assert ids(await collect(client.predictions.list())) == ["1a", "1b", "2a", "2b", "3a", "3b"]
    assert len(requests) == 3


async def test_a_list_gives_its_first_page(colour: str) -> None:
    """The first page has a length and an index, and knows the next page."""
    client = scripted(colour, pages([]))
    page = await got(client.predictions.list())
    assert (len(page), page[1].id, page.previous) == (2, "1b", None)
    assert page.has_next_page()
    assert page.next_page_info() == PageInfo(f"{NEXT}2")
    assert page.next_page_info().url == page.next
    last = await got((await got(page.get_next_page())).get_next_page())
    assert (last.next_page_info(), ids(last.results)) == (None, ["3a", "3b"])


async def test_a_list_is_of_one_colour(colour: str) -> None:
    """A blocking client's list has no asynchronous methods, and vice versa."""
    listing = scripted(colour, pages([])).predictions.list()
    if colour == "blocking":
        assert not isinstance(listing, (AsyncIterable, Awaitable))
        assert not any(hasattr(listing, name) for name in ("__aiter__", "__await__"))
        return
    assert isinstance(listing, (AsyncIterable, Awaitable))
    assert not any(hasattr(listing, name) for name in ("__iter__", "__len__", "__getitem__"))
    with pytest.raises(TypeError, match="object is not iterable"):
        list(listing)


async def test_an_asynchronous_list_can_be_used_again(colour: str) -> None:
    """The result of `list` can be used more than once; each use sends new requests."""
    requests: list[httpx.Request] = []
    listing = scripted(colour, pages(requests)).predictions.list()
    assert ids(await collect(listing)) == ids(await collect(listing))


@pytest.mark.parametrize("cursor", [f"{NEXT}2", "/predictions?cursor=2"])
async def test_a_page_by_its_cursor_is_that_page_only(colour: str, cursor: str) -> None:
    """A page that is fetched by the URL in `page.next`, as in version 1, iterates only itself."""
    requests: list[httpx.Request] = []
    client = scripted(colour, pages(requests))
    page = await got(client.predictions.list(cursor))
    assert ids(page) == ["2a", "2b"]  # needs no request, so no `async for`
    assert ids(await collect(page)) == ["2a", "2b"]
    assert [str(request.url) for request in requests] == [f"{NEXT}2"]
    assert ids(await got(client.predictions.list(...))) == ["1a", "1b"]


async def test_a_cursor_is_not_none(colour: str) -> None:
    """None is refused, since it may be the `next` of the last page."""
    requests: list[httpx.Request] = []
    client = scripted(colour, pages(requests))
    with pytest.raises(ValueError, match="cursor cannot be None"):
        await got(client.predictions.list(None))
    with pytest.raises(ReplicateError, match="not followed"):
        await got(client.predictions.list("https://evil.test/v1/predictions"))
    assert requests == []


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
async def test_a_list_can_be_limited(colour: str, limit: int) -> None:
    """`limit` is the maximum number of items, and no page is fetched in vain."""
    requests: list[httpx.Request] = []
    client = scripted(colour, pages(requests))
    assert ids(await collect(client.predictions.list(limit=limit))) == ["1a", "1b", "2a", "2b", "3a", "3b"][:limit]
    assert len(requests) == min(3, (limit + 1) // 2)
    with pytest.raises(ValueError, match="limit must be 1 or more"):
        await got(client.predictions.list(limit=0))
    with pytest.raises(TypeError, match="did you mean 'limit'"):
        await got(client.predictions.list(limits=1))


async def test_options_apply_to_every_page(colour: str) -> None:
    """The options of a list apply to all its pages."""
    requests: list[httpx.Request] = []
    client = scripted(colour, pages(requests))
    await collect(client.predictions.list(extra_headers={"X-One": "1"}, timeout=7))
    assert [request.headers["x-one"] for request in requests] == ["1"] * 3
    assert [request.extensions["timeout"]["read"] for request in requests] == [7] * 3


async def test_a_failing_page_gives_the_cursor(colour: str) -> None:
    """The items before the failing page are yielded; the error has the cursor at which to continue."""
    client = scripted(colour, pages([], broken="2"), max_retries=0)
    found: list[Any] = []
    with pytest.raises(InternalServerError, match=r"list\(cursor=error.cursor\).iter_pages\(\)") as raised:
        await collect(client.predictions.list(), found)
    assert ids(found) == ["1a", "1b"]
    assert raised.value.cursor == f"{NEXT}2"
    again = scripted(colour, pages([]))
    page = await got(again.predictions.list(cursor=raised.value.cursor))
    rest = await collect(page.iter_pages())
    assert [ids(each.results) for each in rest] == [["2a", "2b"], ["3a", "3b"]]


async def test_version_1_paginates(colour: str) -> None:
    """`paginate` and `async_paginate` yield pages that iterate only themselves."""
    client = scripted(colour, pages([]))
    walk: Any = paginate if colour == "blocking" else async_paginate
    found = await collect(walk(client.predictions.list))
    assert [ids(page) for page in found] == [["1a", "1b"], ["2a", "2b"], ["3a", "3b"]]
