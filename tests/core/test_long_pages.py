"""A very long page is kept as JSON text, and its items are parsed when they are read."""

from __future__ import annotations

import gc
import json
import pickle
import tracemalloc
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import replicate
from replicate import APIResponseValidationError
from replicate._objects import long_pages
from replicate._objects.long_pages import find_items, split

COUNT = 20_000
ITEMS = [{"id": f"p{number}", "status": "succeeded", "input": {"prompt": "a, b]"}} for number in range(COUNT)]
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(ITEMS[0]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("results"), inner, max_size=3),
    max_leaves=8,
)


def listed(content: bytes, **options: Any) -> Any:
    """List predictions. The response has this content."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=httpx.ByteStream(content))

    http = httpx.Client(transport=httpx.MockTransport(answer))
    return replicate.Replicate(bearer_token="r8_a", http_client=http).predictions.list(**options)


def page_of(items: Any, **others: Any) -> bytes:
    return json.dumps({"previous": None, "next": None, **others, "results": items}).encode()


def test_a_long_page_takes_about_the_memory_of_its_text() -> None:
    """A long page, and the iteration over it, takes little more memory than its text."""
    listed(page_of([]))  # which loads what it needs
    content = page_of(ITEMS)
    tracemalloc.start()
    try:
        page = listed(content)
        gc.collect()  # httpx's responses are in cycles
        held, peak = tracemalloc.get_traced_memory()
        assert held < 1.5 * len(content)
        assert peak < 3 * len(content)
        assert [item.id for item in page] == [item["id"] for item in ITEMS]
        _, peak = tracemalloc.get_traced_memory()
        assert peak < 4 * len(content)
    finally:
        tracemalloc.stop()


def test_a_long_page_is_a_page_like_any_other() -> None:
    """Length, index, items, their methods, limits and pickles are those of any page."""
    page = listed(page_of(ITEMS, next="https://api.replicate.com/v1/predictions?cursor=a"))
    assert (len(page), page.has_next_page(), repr(page)) == (COUNT, True, f"<Page of {COUNT}, and more>")
    assert next(iter(page)).id == page[0].id == "p0"
    assert page[-1].input == ITEMS[0]["input"]
    assert page.results[1] is page[1] is [*page.results][1]
    assert len(page) == COUNT
    assert pickle.loads(pickle.dumps(page)).results == page.results
    few = listed(page_of([*ITEMS, 7, None]), limit=3)
    assert ([item.id for item in few], len(few), few.next) == (["p0", "p1", "p2"], 3, None)
    assert [*listed(page_of([*ITEMS, 7, None]))][-2:] == [7, None]


def test_an_ordinary_page_is_parsed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page with few items is parsed once. So is one of ordinary size."""
    assert split(page_of(ITEMS[:100])) is None
    monkeypatch.setattr(long_pages, "find_items", lambda _: pytest.fail("it was searched"))
    assert split(page_of(ITEMS[:900])) is None
    assert split(page_of(["x" * 2**20])) is None


@pytest.mark.parametrize("content", [b"x", b"[%s]", b'{"results": %s', b'{"results": {"a": %s}}', b'{"results": %s} x'])
def test_a_long_content_that_is_no_page(content: bytes) -> None:
    """A long content that is no page is refused as ever."""
    with pytest.raises(APIResponseValidationError):
        listed(content.replace(b"%s", page_of(ITEMS)[:-1].partition(b'"results": ')[2]) + b" " * 2**20)


@given(
    members=st.dictionaries(st.text(), VALUES, max_size=4),
    items=st.lists(VALUES, min_size=1),
    indent=st.none() | st.just(2),
)
def test_items_are_found_in_any_json(members: dict[str, Any], items: list[Any], indent: int | None) -> None:
    """The items of any page are found, and the rest of the page stays as it is."""
    text = json.dumps({**members, "results": items, "last": 1}, indent=indent)
    begin, starts, end = find_items(text)
    assert [*long_pages.Items(text, starts).parsed()] == items
    assert json.loads(f"{text[:begin]}[]{text[end:]}") == {**members, "results": [], "last": 1}


def test_an_item_that_is_nested_too_deeply() -> None:
    """Depth is limited in a long page as in any other."""
    deep = "[" * 900 + "]" * 900
    for items in ([], ITEMS):
        content = page_of([*items, {"id": "deep", "output": "DEEP"}]).replace(b'"DEEP"', deep.encode())
        *_, last = listed(content)
        assert pickle.loads(pickle.dumps(last)) == last
