"""An iterator has one colour: blocking clients return iterators for `for`, asynchronous ones for `async for`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sse_starlette import EventSourceResponse
from starlette.responses import StreamingResponse
from support.colours import collect, got, leaves_streams
from support.sample_models import words

from replicate import OutputIterator
from replicate.local import Model
from replicate.local import server as local_server
from replicate.resources.predictions import EventStream

if TYPE_CHECKING:
    from replicate.local import Server

pytestmark = leaves_streams

BLOCKING = ("__iter__", "__next__", "__enter__", "__exit__")
AWAITED = ("__aiter__", "__anext__", "__aenter__", "__aexit__", "__await__", "aclose")


@pytest.mark.parametrize("way", ["run", "use", "stream", "watched"])
async def test_an_iterator_is_of_one_colour(client: Any, colour: str, way: str) -> None:
    """An iterator has only the methods of its client's colour, and Python refuses the other kind of loop."""
    if way == "run":
        version = (await got(client.models.get("me/numbers"))).latest_version
        given: Any = await got(client.run(f"me/numbers:{version.id}"))
    elif way == "use":
        given = await got(client.use("me/words", streaming=True)())
    elif way == "stream":
        given = client.stream("me/words")
    else:
        given = (await got(client.predictions.create(model="me/words", input={}))).stream()
    assert isinstance(given, OutputIterator if way in ("run", "use") else EventStream)
    has, lacks = (BLOCKING, AWAITED) if colour == "blocking" else (AWAITED, BLOCKING)
    for each_one in (given, type(given)):
        assert all(hasattr(each_one, name) for name in has)
        assert not any(hasattr(each_one, name) for name in lacks)
    assert isinstance(given, AsyncIterator if colour != "blocking" else Iterator)
    assert not isinstance(given, (AsyncIterable, Awaitable) if colour == "blocking" else Iterable)
    assert inspect.isawaitable(given) is (colour != "blocking")
    with pytest.raises(TypeError, match=r"async for' requires|object is not iterable"):
        await refused_loop(given, colour)
    await collect(given)


async def refused_loop(given: Any, colour: str) -> None:
    """Iterate with the kind of loop that does not fit the colour."""
    if colour == "blocking":
        async for _ in given:
            pass
    else:
        for _ in given:
            pass


async def test_generators_are_of_one_colour(client: Any, colour: str) -> None:
    """The logs and the items of a prediction have one colour, too."""
    prediction = await got(client.predictions.create(model="me/words", input={}))
    for given in (prediction.follow_logs(), prediction.output_iterator()):
        assert hasattr(given, "__iter__") is (colour == "blocking")
        assert hasattr(given, "__aiter__") is (colour != "blocking")
        await collect(given)


async def test_an_asynchronous_iterator_has_no_index(client: Any, colour: str) -> None:
    """An asynchronous iterator has no `__getitem__`, for with one `for` would take it for a list."""
    output = await got(client.use("me/words", streaming=True)())
    assert hasattr(output, "__getitem__") is (colour == "blocking")
    await collect(output)


def test_web_frameworks_iterate_in_the_right_way() -> None:
    """Starlette and sse-starlette accept both colours: they read a blocking iterator in threads and await the other."""

    async def sent(response: Any) -> bytes:
        """Return the body that a response sends."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(response), base_url="http://app.test") as browser:
            return (await browser.get("/")).content

    async def main(server: Server) -> None:
        blocking, awaited = server.client(), server.async_client()
        outputs = (blocking.use("me/words", streaming=True)(), await awaited.use("me/words", streaming=True)())
        for output in outputs:
            assert await sent(StreamingResponse(output)) == b"one two three "
        for client in (blocking, awaited):
            assert await sent(StreamingResponse(client.stream("me/words"))) == b"one two three "
            content = await sent(EventSourceResponse(client.stream("me/words")))
            assert content.split() == [b"data:", b"one", b"data:", b"two", b"data:", b"three", b"data:"]
        blocking.close()
        await awaited.close()

    with local_server({"me/words": Model(words, official=True)}) as server:
        asyncio.run(main(server))
