"""Lists that come in pages."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import AsyncIterable, Callable, Iterable
from typing import Any
from unittest.mock import MagicMock

import httpx
import pytest
from support.sessions import API, Scripted, scripted

from replicate import AsyncReplicate, FileOutput
from replicate._dual.colours import acting_through
from replicate._dual.drive import drive
from replicate._objects.cursors import RECENT
from replicate._objects.page import Page, fetch
from replicate._objects.paginate import paginate
from replicate._objects.resource import session_of
from replicate.exceptions import APIResponseValidationError, APIStatusError, InternalServerError, ReplicateError
from replicate.resources.predictions import Prediction
from replicate.resources.webhooks import WebhookSigningSecret
from replicate_api.api.predictions import predictions_list
from replicate_api.types import UNSET


def body(*ids: Any, following: Any = None, previous: Any = None) -> httpx.Response:
    results = [{"id": each} if isinstance(each, str) else each for each in ids]
    return httpx.Response(200, json={"results": results, "next": following, "previous": previous})


def listed(*answers: Any, blocking: bool = True) -> tuple[Page[Any, Any], Scripted]:
    session, transport = scripted(*answers, blocking=blocking, max_retries=0)
    payload = drive(session.call(predictions_list))
    return Page(session, payload, Prediction.bind, predictions_list), transport


THREE = (
    body("a", "b", following=f"{API}/predictions?cursor=2"),
    body("c", following=f"{API}/predictions?cursor=3", previous=f"{API}/predictions?cursor=1"),
    body("d"),
)


def test_iterating_walks_all_pages() -> None:
    """`for` yields the items of this page and of all later ones, and fetches each page only when it is reached."""
    page, transport = listed(*THREE)
    found = iter(page)
    assert [next(found).id, next(found).id] == ["a", "b"]
    assert len(transport.requests) == 1
    assert [item.id for item in found] == ["c", "d"]
    assert [request.url.params.get("cursor") for request in transport.requests] == [None, "2", "3"]


def test_iterating_asynchronously() -> None:
    """`async for` does the same for an asynchronous client."""

    async def main() -> list[str]:
        page, _ = listed(*THREE, blocking=False)
        return [item.id async for item in page]

    assert asyncio.run(main()) == ["a", "b", "c", "d"]


def test_length_index_and_results_are_of_one_page() -> None:
    """`len`, indexing and `results` apply to the fetched page only, and fetch nothing."""
    page, transport = listed(*THREE)
    assert len(page) == 2
    assert [item.id for item in page.results] == ["a", "b"]
    assert (page[0].id, page[-1].id) == ("a", "b")
    assert [item.id for item in page[:1]] == ["a"]
    assert page.has_next_page()
    assert repr(page) == "<Page of 2, and more>"
    assert len(transport.requests) == 1


def test_page_by_page() -> None:
    """The next page can be fetched, and all pages can be iterated."""
    page, _ = listed(*THREE)
    following = page.get_next_page()
    assert ([item.id for item in following.results], following.previous) == (["c"], f"{API}/predictions?cursor=1")
    page, _ = listed(*THREE)
    assert [len(each) for each in page.iter_pages()] == [2, 1, 1]


def test_the_last_page() -> None:
    """After the last page, `get_next_page` raises an error."""
    page, _ = listed(body())
    assert (len(page), list(page), page.has_next_page(), repr(page)) == (0, [], False, "<Page of 0>")
    with pytest.raises(ReplicateError, match="last page"):
        page.get_next_page()


@pytest.mark.parametrize("following", ["", None])
def test_an_empty_next_means_the_last_page(following: Any) -> None:
    """Both None and an empty `next` mean that there is no further page."""
    page, _ = listed(body("a", following=following))
    assert [item.id for item in page] == ["a"]


@pytest.mark.parametrize(
    "url", ["https://evil.test/v1/predictions", "http://api.example.test/v1", "https://api.example.test:8443/v1"]
)
def test_a_next_page_elsewhere_is_refused(url: str) -> None:
    """A `next` at another origin is not followed."""
    page, transport = listed(body("a", following=url))
    with pytest.raises(ReplicateError, match="not followed") as caught:
        list(page)
    assert url in str(caught.value)
    assert len(transport.requests) == 1


def test_a_relative_next_page() -> None:
    """A `next` that is a path is relative to the base URL."""
    page, transport = listed(body("a", following="/predictions?cursor=2"), body("b"))
    assert [item.id for item in page] == ["a", "b"]
    assert transport.requests[1].url == f"{API}/predictions?cursor=2"


def test_an_error_on_a_later_page_comes_after_the_items() -> None:
    """If a later page fails, the items before it have been yielded, and the error names the request."""
    page, _ = listed(THREE[0], 500)
    found: list[str] = []
    with pytest.raises(InternalServerError, match="500 Internal Server Error from GET /v1/predictions"):
        found.extend(item.id for item in page)
    assert found == ["a", "b"]


@pytest.mark.parametrize("odd", [7, None, "text", [1]])
def test_a_malformed_item_is_kept(odd: Any) -> None:
    """An item that is not an object is kept as it came, and the others are read."""
    page, _ = listed(httpx.Response(200, json={"results": [{"id": "a"}, odd, {"id": "b"}]}))
    assert [page[0].id, page[1], page[2].id] == ["a", odd, "b"]


@pytest.mark.parametrize("results", [None, {"a": 1}, "text"])
def test_malformed_results_are_an_empty_page(results: Any) -> None:
    """A page whose results are not a list has no items."""
    page, _ = listed(httpx.Response(200, json={"results": results}))
    assert list(page) == []


def test_a_page_is_of_one_colour() -> None:
    """A page is iterated in the colour of its client only; Python refuses the other kind of loop."""
    page, _ = listed(*THREE)
    assert isinstance(page, Iterable)
    assert not isinstance(page, AsyncIterable)
    assert not hasattr(page, "__aiter__")
    page, _ = listed(*THREE, blocking=False)
    assert isinstance(page, AsyncIterable)
    assert not isinstance(page, Iterable)
    with pytest.raises(TypeError, match="object is not iterable"):
        iter(page)
    assert (len(page), page[0].id) == (2, "a")


def test_a_copy_of_a_page_keeps_its_colour_and_a_pickle_blocks() -> None:
    """A copy keeps its colour; a page loaded from a pickle uses the default client, which blocks."""
    page, _ = listed(*THREE, blocking=False)
    for same in (copy.copy(page), copy.deepcopy(page)):
        assert type(same) is type(page)
        assert same == page
    loaded = pickle.loads(pickle.dumps(page))
    assert loaded == page
    assert not isinstance(loaded, AsyncIterable)
    assert next(iter(loaded)).id == "a"


def test_leaving_early_fetches_nothing_more() -> None:
    """Breaking out of the loop fetches no further page."""
    page, transport = listed(*THREE)
    for item in page:
        if item.id == "c":
            break
    assert len(transport.requests) == 2


def test_a_circular_list_ends() -> None:
    """A page that leads back to an earlier one is an error, whether items or pages are iterated."""
    circle = (body("a", following=f"{API}/predictions?cursor=2"), body("b", following=f"{API}/predictions?cursor=2"))
    page, transport = listed(*circle)
    found: list[str] = []
    with pytest.raises(ReplicateError, match="circles"):
        found.extend(item.id for item in page)
    assert (found, len(transport.requests)) == (["a", "b"], 2)
    page, _ = listed(*circle)
    with pytest.raises(ReplicateError, match="circles"):
        page.get_next_page().get_next_page()


@pytest.mark.parametrize("name", ["results", "next", "alone", "limit", "has_next_page", "iter_pages", "get_next_page"])
def test_a_list_that_was_not_awaited(name: str) -> None:
    """A list that has not been awaited has no attributes of a page; the error says to await it."""
    listing: Any = AsyncReplicate(bearer_token="r8_x").predictions.list()
    with pytest.raises(AttributeError, match=f"'Listing' object has no attribute '{name}': await it first") as caught:
        getattr(listing, name)
    assert caught.value.name == name
    for other in ("resultz", "_session", "__len__"):
        with pytest.raises(AttributeError, match=f"no attribute '{other}'$"):
            getattr(listing, other)
    assert not hasattr(copy.copy(listing), name)


def test_a_page_can_be_iterated_again() -> None:
    """Pages that one iteration has seen are not a circle for the next."""
    page, _ = listed(*THREE, *THREE[1:])
    assert [item.id for item in page] == [item.id for item in page]


def test_later_pages_use_the_options_of_the_first() -> None:
    """Later pages are fetched with the options of the first."""
    session, transport = scripted(*THREE)
    options = {"extra_headers": {"X-A": "1"}, "timeout": 7}
    page: Page[Any, Any] = drive(fetch(session, Prediction.bind, predictions_list, UNSET, options))
    assert len([*page]) == 4
    assert [each.headers.get("x-a") for each in transport.requests] == ["1"] * 3
    assert [each.extensions["timeout"] for each in transport.requests] == [7] * 3


@pytest.mark.parametrize("content", [{}, {"detail": "overloaded"}, {"results": None}, {"results": {"a": 1}}])
def test_a_response_that_is_not_a_page(content: Any) -> None:
    """A response without a list of results does not end the list: the error gives the cursor at which to continue."""
    page, _ = listed(THREE[0], httpx.Response(200, json=content))
    seen = []
    with pytest.raises(APIResponseValidationError, match="no list of results") as caught:
        seen.extend(item.id for item in page)
    assert caught.value.cursor == f"{API}/predictions?cursor=2"
    with pytest.raises(APIResponseValidationError, match="no list of results"):
        drive(fetch(scripted(httpx.Response(200, json=content))[0], Prediction.bind, predictions_list, UNSET, {}))


def test_paginate_ends_at_a_circle() -> None:
    """`paginate` raises an error if a page leads back to an earlier one, as iterating items does."""
    round_about = body("a", following=f"{API}/predictions?cursor=2")
    session, transport = scripted(round_about)

    def method(cursor: Any) -> Page[Any, Any]:
        return drive(fetch(session, Prediction.bind, predictions_list, cursor, {}))

    with pytest.raises(ReplicateError, match="round in circles"):
        list(paginate(method))
    assert len(transport.requests) == 2


def test_a_list_that_leads_to_its_first_page() -> None:
    """The first page counts as seen."""
    session, transport = scripted(body("a", following=f"{API}/predictions"))
    page: Page[Any, Any] = drive(fetch(session, Prediction.bind, predictions_list, UNSET, {}))
    with pytest.raises(ReplicateError, match="round in circles"):
        list(page)
    assert len(transport.requests) == 1


def test_an_error_at_a_cursor_has_the_cursor() -> None:
    """The error has the cursor, with which the page can be requested again."""
    session, _ = scripted(httpx.Response(404, json={}), max_retries=0)
    cursor = f"{API}/predictions?cursor=2"
    with pytest.raises(APIStatusError) as caught:
        drive(fetch(session, Prediction.bind, predictions_list, cursor, {}))
    assert caught.value.cursor == cursor


def test_pages_are_values() -> None:
    """Pages can be copied, compared and pickled; pickles hold no session."""
    page, transport = listed(*THREE)
    for same in (copy.copy(page), copy.deepcopy(page), pickle.loads(pickle.dumps(page))):
        assert same == page
        assert [item.id for item in same.results] == ["a", "b"]
        assert same.next == page.next
    assert page != listed(THREE[1])[0]
    assert b"r8_" not in pickle.dumps(page)
    assert [item.id for item in copy.deepcopy(page)] == ["a", "b", "c", "d"]
    assert len(transport.requests) == 3


def test_items_are_made_on_first_access() -> None:
    """A page makes its objects when they are first accessed, each once, and returns the same ones afterwards."""
    made = []

    def bind(item: Any, session: Any) -> Any:
        made.append(item)
        return Prediction.bind(item, session)

    session, _ = scripted(body("a", "b", 3, following=f"{API}/predictions?cursor=2"))
    page: Page[Any, Any] = drive(fetch(session, bind, predictions_list, UNSET, {"limit": 3}))
    assert (page.next, page.limit, made) == (None, 0, [])
    assert page[0] is page.results[0] is next(iter(page))
    assert (len(made), page[2]) == (2, 3)
    assert copy.copy(page)[0] is page[0]
    page.results = [1]
    assert ([*page], len(page)) == ([1], 1)


def test_items_of_a_payload_that_was_read_before() -> None:
    """A page made of a payload whose results were read before has the same items."""
    session, _ = scripted(body("a", 3), max_retries=0)
    payload = drive(session.call(predictions_list))
    assert payload.results is not None
    assert payload.results[0].id == "a"
    page: Page[Any, Any] = Page(session, payload, Prediction.bind, predictions_list)
    assert (page[0].id, type(page[0]), page[1]) == ("a", Prediction, 3)


def test_items_keep_the_client_of_their_page() -> None:
    """If a session of the other colour takes over a page, its items keep their own session."""
    page, _ = listed(*THREE)
    session, _ = scripted(blocking=False)
    assert acting_through(page, session).results is page.results
    assert session_of(page[0]) is session_of(page)


def test_a_page_made_by_hand() -> None:
    """`Page(previous=None, next=None, results=[…])`, as in version 1, iterates these items in both kinds of loop."""
    make: Any = Page

    async def awaited(page: Any) -> list[Any]:
        return [item async for item in page]

    page = make(previous=None, next="https://api.replicate.com/v1/predictions?cursor=x", results=[Prediction(id="p1")])
    assert isinstance(page, Page)
    assert ([*page], asyncio.run(awaited(page)), len(page)) == (page.results, page.results, 1)
    assert page.dict(include={"results": {0: {"id"}}}) == {"results": [{"id": "p1"}]}
    assert pickle.loads(pickle.dumps(page)) == copy.copy(page) == copy.deepcopy(page) == page
    assert (page.has_next_page(), make(results=[]).has_next_page()) == (True, False)
    with pytest.raises(ReplicateError, match="made by hand"):
        page.get_next_page()
    with pytest.raises(TypeError, match="nonsense"):
        make(results=[], nonsense=1)


def test_mocks_know_the_fields_of_a_page_and_of_files() -> None:
    """`MagicMock(spec=…)` has the fields of the objects, which are not attributes of the class otherwise."""
    assert MagicMock(spec=Page).previous is not MagicMock(spec=Page).next
    assert MagicMock(spec=FileOutput).url
    assert MagicMock(spec=WebhookSigningSecret).key


def numbered(following: Callable[[int], int | None]) -> Any:
    """Answer with the page of a number, which leads to another one."""

    def answer(request: httpx.Request) -> httpx.Response:
        number = following(int(request.url.params.get("cursor", 0)))
        return body("a", following=None if number is None else f"{API}/predictions?cursor={number}")

    return answer


def test_a_page_remembers_a_bounded_way() -> None:
    """The thousandth page holds no more of the way than the hundredth does."""
    page, transport = listed(numbered(lambda number: number + 1 if number < 1000 else None))
    sizes = [len(pickle.dumps(each._trail)) for each in page.iter_pages()]
    assert len(transport.requests) == 1001
    assert max(sizes[200:]) < sizes[RECENT] + 200


@pytest.mark.parametrize("tail", [0, 5, 300])
@pytest.mark.parametrize("circle", [1, 2, RECENT, RECENT + 1, 1000])
def test_circles_of_any_length_are_noticed(tail: int, circle: int) -> None:
    """A short one is noticed as soon as it closes, a long one some time later, wherever it begins."""
    last = tail + circle - 1
    page, transport = listed(numbered(lambda number: tail if number == last else number + 1))
    with pytest.raises(ReplicateError, match="round in circles"):
        list(page.iter_pages())
    assert len(transport.requests) <= (tail + circle if circle <= RECENT else 2 * max(tail, circle) + circle) + 1
