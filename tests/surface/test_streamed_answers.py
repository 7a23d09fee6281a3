"""`with_streaming_response`: the response is available before its content, which is read on demand."""

from __future__ import annotations

import asyncio
import json
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import Clock, collect, connect, got, scripted
from support.operations import ARGUMENTS, METHODS, found
from support.slow import Slow

from replicate import (
    AmbiguousCreateError,
    APIConnectionError,
    APIResponseValidationError,
    FileOutput,
    NotFoundError,
)
from replicate._jobs import recovery
from replicate._jobs.ownership import open_blocks
from replicate.resources.predictions import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PREDICTION: dict[str, Any] = {
    "id": "p1",
    "status": "succeeded",
    "input": {},
    "output": "grün\nblau",
    "model": "o/n",
    "version": "v",
}
PREDICTION["created_at"] = "2999-01-01T00:00:00Z"  # recent whenever it is requested
BODY = json.dumps(PREDICTION, ensure_ascii=False, indent=0).encode()


class Left(BaseException):
    """The error by which a block is left."""


def leave(error: type[BaseException] | None) -> None:
    """Leave a block with an error, if there is one."""
    if error:
        raise error


def saying(body: bytes, status: str = "200 OK") -> Callable[[bytes], tuple[str, bytes]]:
    """Respond to every request in the same way."""
    return lambda _: (status, body)


def api(request: bytes) -> tuple[str, bytes]:
    """Respond to a create with its prediction, and to a list with that prediction."""
    if request.startswith((b"GET /v1/predictions?", b"GET /v1/predictions ")):
        return "200 OK", json.dumps({"results": [PREDICTION], "next": None, "previous": None}).encode()
    return "201 Created" if request.startswith(b"POST") else "200 OK", BODY


def operation(name: str) -> Callable[[bytes], tuple[str, bytes]]:
    """Respond to an operation with success."""
    if name.endswith(".delete"):
        return saying(b"", "204 No Content")
    return saying(json.dumps([] if name == "hardware.list" else {"id": "i", "results": [], "key": "whsec_a"}).encode())


class Entered:
    """Enters and leaves the context manager that a method returns, in its client's colour."""

    def __init__(self, manager: Any, colour: str) -> None:
        self._manager, self._blocking = manager, colour == "blocking"

    async def __aenter__(self) -> Any:
        return self._manager.__enter__() if self._blocking else await self._manager.__aenter__()

    async def __aexit__(self, *error: object) -> None:
        if self._blocking:
            self._manager.__exit__(*error)
        else:
            await self._manager.__aexit__(*error)


@pytest.fixture
def clients(colour: str) -> Iterator[Callable[..., Any]]:
    """Yield a function that makes clients of a server."""
    made: list[Any] = []

    def make(slow: Slow, **options: Any) -> Any:
        made.append(connect(colour, base_url=slow.base_url, timeout=5, **options))
        return made[-1]

    yield make
    if colour == "blocking":
        for client in made:
            client.close()


@pytest.mark.parametrize("name", METHODS)
async def test_every_operation(colour: str, clients: Any, name: str) -> None:
    """The response is available before its content; `parse` reads that, and returns the method's usual result."""
    own = {"signature": f"{colour} streamed"} if name == "files.download" else {}
    arguments = {**ARGUMENTS.get(name, {}), **own}
    with Slow(operation(name)) as slow:
        client = clients(slow)
        async with Entered(found(client.with_streaming_response, name)(**arguments), colour) as response:
            assert not response.is_closed
            assert response.status_code in (200, 204)
            slow.go.set()
            parsed = await got(response.parse())
            assert await got(response.parse()) is parsed
        assert response.is_closed
        assert len(slow.requests) == 1
        again = await got(found(client, name)(**arguments))
        assert (type(again), again) == (type(parsed), parsed)
        if hasattr(parsed, "_session"):
            assert parsed._session.blocking is (colour == "blocking")
        whole = await got(found(client.with_raw_response, name)(**arguments))
        assert (whole.is_closed, await got(whole.parse())) == (True, parsed)


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (lambda response: got(response.read()), BODY),
        (lambda response: got(response.text()), BODY.decode()),
        (lambda response: got(response.json()), PREDICTION),
        (lambda response: got(response.parse(to=dict)), PREDICTION),
        (lambda response: joined(response.iter_bytes(7)), BODY),
        (lambda response: joined(response.iter_text()), BODY.decode()),
        (lambda response: collect(response.iter_lines()), BODY.decode().split("\n")),
    ],
    ids=["read", "text", "json", "parse(to=)", "iter_bytes", "iter_text", "iter_lines"],
)
async def test_every_way_to_read(colour: str, clients: Any, read: Any, expected: Any) -> None:
    """Each way reads the remaining content; `parse` then works too, inside the block and after it."""
    with Slow(api) as slow:
        client = clients(slow)
        for within in (True, False):
            slow.go.clear()
            async with Entered(client.predictions.with_streaming_response.get("p1"), colour) as response:
                assert not response.is_closed
                slow.go.set()
                assert await read(response) == expected
                if within:
                    assert (await got(response.parse())).output == PREDICTION["output"]
            assert (await got(response.parse())).id == "p1"
        assert slow.asked == ["GET /v1/predictions/p1"] * 2
        assert slow.connections == 1


async def joined(items: Any) -> Any:
    """Return the pieces joined."""
    pieces = await collect(items)
    return pieces[0][:0].join(pieces)


async def test_content_is_yielded_as_it_arrives(colour: str) -> None:
    """A part that has arrived is yielded at once, before the end."""
    first = True

    def parts() -> Any:
        nonlocal first
        yield b"one\n"
        first = False
        yield b"two"

    class Parts(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self) -> Any:
            yield from parts()

        async def __aiter__(self) -> Any:
            for part in parts():
                yield part

    mock = httpx.MockTransport(lambda _: httpx.Response(200, stream=Parts()))
    http = httpx.Client(transport=mock) if colour == "blocking" else httpx.AsyncClient(transport=mock)
    manager = connect(colour, http_client=http).files.with_streaming_response.get("f")
    async with Entered(manager, colour) as response:
        pieces = response.iter_bytes()
        assert (next(pieces) if colour == "blocking" else await anext(pieces)) == b"one\n"
        assert first
        await closed(pieces)


async def closed(items: Any) -> None:
    """Close an iterator of either colour."""
    if hasattr(items, "aclose"):
        await items.aclose()
    else:
        items.close()


@pytest.mark.parametrize("error", [None, Left])
@pytest.mark.parametrize("half", ["half", None])
async def test_an_unread_response_is_closed(colour: str, error: Any, half: str | None) -> None:
    """However the block is left, the connection is released, and the content cannot be read any more."""
    limits, timeout = httpx.Limits(max_connections=1), httpx.Timeout(5, pool=0.5)
    with Slow(api) as slow:
        kind: Any = httpx.Client if colour == "blocking" else httpx.AsyncClient
        http = kind(limits=limits)
        client = connect(colour, http_client=http, base_url=slow.base_url, timeout=timeout, max_retries=0)
        response: Any = None
        with suppress(Left):
            async with Entered(client.predictions.with_streaming_response.get("p1"), colour) as response:
                if half:
                    slow.go.set()
                    pieces = response.iter_bytes(1)
                    await (got(next(pieces)) if colour == "blocking" else anext(pieces))
                    await closed(pieces)
                leave(error)
        assert response.is_closed
        slow.go.set()
        assert (await got(client.predictions.get("p1"))).id == "p1"
        for read in (response.read, response.parse, response.json):
            with pytest.raises(httpx.StreamError):
                await got(read())
        await got(client.close())


async def test_closing_it_by_hand(colour: str, clients: Any) -> None:
    """`close` releases the connection inside the block."""
    with Slow(api) as slow:
        async with Entered(clients(slow).predictions.with_streaming_response.get("p1"), colour) as response:
            await got(response.close())
            assert response.is_closed
            with pytest.raises(httpx.StreamError):
                await got(response.parse())


async def test_errors_are_raised_on_entering(colour: str, clients: Any) -> None:
    """An error status raises before the block, with its message, after the usual retries."""
    with Slow(saying(b'{"detail": "no such thing"}', "404 Not Found")) as slow:
        slow.go.set()
        with pytest.raises(NotFoundError, match="no such thing"):
            async with Entered(clients(slow).predictions.with_streaming_response.get("p1"), colour):
                raise AssertionError
    statuses = iter(["503 Service Unavailable", "500 Internal Server Error", "200 OK"])
    with Slow(lambda _: (next(statuses), BODY)) as slow:
        slow.go.set()
        client = clients(slow)
        Clock(client)
        async with Entered(client.predictions.with_streaming_response.get("p1"), colour) as response:
            assert response.retries_taken == 2
            assert (await got(response.parse())).id == "p1"


@pytest.mark.parametrize("way", ["read", "text", "json", "parse", "iter_bytes", "iter_text", "iter_lines"])
@pytest.mark.parametrize("name", ["predictions.get", "predictions.list", "files.download", "get"])
async def test_a_connection_that_breaks(colour: str, clients: Any, name: str, way: str) -> None:
    """It raises an APIConnectionError with `sent`, and nothing is sent again, since the response was visible."""
    own = {"signature": f"{colour} {way}"} if name == "files.download" else {}
    arguments = {"get": {"url": "/x"}}.get(name, {**ARGUMENTS.get(name, {}), **own})
    with Slow(api, breaking=1) as slow:
        client = clients(slow)
        async with Entered(found(client.with_streaming_response, name)(**arguments), colour) as response:
            slow.go.set()
            with pytest.raises(APIConnectionError) as raised:
                await (collect if way.startswith("iter") else got)(getattr(response, way)())
            assert raised.value.sent
            with pytest.raises(APIConnectionError):
                await got(response.parse())
        assert len(slow.requests) == 1


async def test_a_response_that_is_not_a_page_is_not_retried(colour: str, clients: Any) -> None:
    """The method itself retries a list whose response is not a page, but not after the response was visible."""
    with Slow(saying(b"<html>")) as slow:
        slow.go.set()
        async with Entered(clients(slow).predictions.with_streaming_response.list(), colour) as response:
            with pytest.raises(APIResponseValidationError):
                await got(response.parse())
        assert len(slow.requests) == 1


async def test_parsed_objects_are_usable(colour: str, clients: Any) -> None:
    """Objects and pages from `parse` send their own requests, which are not streamed."""
    with Slow(api) as slow:
        slow.go.set()
        client = clients(slow)
        async with Entered(client.predictions.with_streaming_response.list(), colour) as response:
            page = await got(response.parse())
        assert (await got(page[0].reload())).output == PREDICTION["output"]
        async with Entered(
            client.with_streaming_response.get("/predictions/p1", cast_to=Prediction), colour
        ) as response:
            prediction = await got(response.parse())
        assert (await got(prediction.reload())).id == "p1"
        assert (await got(client.predictions.get("p1"))).id == "p1"


# ---- what costs money


def creates(client: Any) -> list[Any]:
    """Return every way to start something with a streamed response."""
    shown = client.with_streaming_response
    return [
        lambda: shown.predictions.create("o/n:v", {}),
        lambda: shown.predictions.create("o/n", {}),
        lambda: shown.models.predictions.create("o/n", {}),
        lambda: shown.deployments.predictions.create("o/n", {}),
        lambda: shown.trainings.create("o/n:v", {}, destination="me/mine"),
    ]


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("error", [None, Left, KeyboardInterrupt, asyncio.CancelledError, ValueError])
async def test_a_started_prediction_continues(colour: str, clients: Any, number: int, error: Any) -> None:
    """A create that was responded to is not canceled, however the block is left and whether or not it was read."""
    with Slow(api) as slow:
        with pytest.raises(error) if error else nullcontext():
            async with Entered(creates(clients(slow))[number](), colour) as response:
                assert response.status_code == 201
                open_blocks.end()  # as at the exit of Python
                leave(error)
        assert [each.split(" ")[0] for each in slow.asked] == ["POST"]
        assert not recovery.create_registry.under_way


@pytest.mark.parametrize("way", ["parse", "json", "iter_lines"])
async def test_a_prediction_that_was_read_is_claimed(colour: str, clients: Any, way: str) -> None:
    """When the block is left, the prediction is registered as this create's, whichever way its id was read."""
    with Slow(api) as slow:
        slow.go.set()
        async with Entered(clients(slow).predictions.with_streaming_response.create("o/n:v", {}), colour) as response:
            await (collect if way.startswith("iter") else got)(getattr(response, way)())
        assert [run_id for _, run_id in recovery.create_registry._claims] == ["p1"]
        assert (await got(response.parse())).id == "p1"
        assert slow.asked == ["POST /v1/predictions"]


async def test_a_create_whose_response_breaks_off(colour: str, clients: Any) -> None:
    """`parse` searches for the prediction that was started and returns it, as the method does."""
    with Slow(api, breaking=1) as slow:
        client = clients(slow)
        Clock(client)
        async with Entered(client.predictions.with_streaming_response.create("o/n:v", {}), colour) as response:
            slow.go.set()
            prediction = await got(response.parse())
            assert (prediction.id, prediction.output) == ("p1", PREDICTION["output"])
        assert slow.asked == ["POST /v1/predictions", "GET /v1/predictions", "GET /v1/predictions/p1"]


@pytest.mark.parametrize("way", ["read", "text", "json", "iter_bytes", "iter_text", "iter_lines"])
async def test_a_create_whose_response_breaks_off_while_it_is_read(colour: str, clients: Any, way: str) -> None:
    """Other ways to read raise an AmbiguousCreateError that says that something was started; `parse` still works."""
    with Slow(api, breaking=1) as slow:
        client = clients(slow)
        Clock(client)
        async with Entered(client.predictions.with_streaming_response.create("o/n:v", {}), colour) as response:
            slow.go.set()
            with pytest.raises(AmbiguousCreateError, match="prediction was started, but the answer") as raised:
                await (collect if way.startswith("iter") else got)(getattr(response, way)())
            assert isinstance(raised.value.__cause__, APIConnectionError)
            assert slow.asked == ["POST /v1/predictions"]
            assert (await got(response.parse())).id == "p1"
        assert slow.asked == ["POST /v1/predictions", "GET /v1/predictions", "GET /v1/predictions/p1"]


async def test_a_create_that_cannot_be_found(colour: str, clients: Any) -> None:
    """`parse` raises AmbiguousCreateError with advice; calling it again raises it again, without another search."""

    def nothing_listed(request: bytes) -> tuple[str, bytes]:
        return api(request) if request.startswith(b"POST") else ("200 OK", b'{"results": [], "next": null}')

    with Slow(nothing_listed, breaking=1) as slow:
        client = clients(slow)
        Clock(client)
        async with Entered(client.predictions.with_streaming_response.create("o/n:v", {}), colour) as response:
            slow.go.set()
            for _ in range(2):
                with pytest.raises(AmbiguousCreateError, match="It was not sent again"):
                    await got(response.parse())
        assert slow.asked == ["POST /v1/predictions", *["GET /v1/predictions"] * 3]


async def test_a_create_without_a_response(colour: str, clients: Any) -> None:
    """A create whose response is lost before it begins is searched for on entering; the response is the one found."""

    def lost(request: bytes) -> tuple[str, bytes]:
        return ("500 Oh", b"") if request.startswith(b"POST") else api(request)

    with Slow(lost) as slow:
        slow.go.set()
        client = clients(slow)
        Clock(client)
        async with Entered(client.predictions.with_streaming_response.create("o/n:v", {}), colour) as response:
            assert (response.method, response.url.path) == ("GET", "/v1/predictions/p1")
            assert (await got(response.parse())).id == "p1"
        assert [each.split(" ")[0] for each in slow.asked] == ["POST", "GET", "GET"]


async def test_the_response_of_an_upload_is_not_shown(colour: str, clients: Any) -> None:
    """For a create that first uploads files, the response is that of the create."""
    stored = {"id": "f1", "urls": {"get": "https://api.replicate.com/v1/files/f1"}, "checksums": {}}

    def either(request: bytes) -> tuple[str, bytes]:
        return ("201 Created", json.dumps(stored).encode()) if b"/v1/files " in request[:40] else api(request)

    for attribute in ("with_raw_response", "with_streaming_response"):
        with Slow(either) as slow:
            slow.go.set()
            options: Any = {"file_encoding_strategy": "url"}
            made = getattr(clients(slow).predictions, attribute).create("o/n:v", {"f": b"abc"}, **options)
            if attribute == "with_raw_response":
                response = await got(made)
            else:
                async with Entered(made, colour) as response:
                    assert not response.is_closed
                    await got(response.read())
            assert (response.url.path, (await got(response.parse())).id) == ("/v1/predictions", "p1")
            assert slow.asked == ["POST /v1/files", "POST /v1/predictions"]


async def test_calls_with_several_requests_end_first(colour: str, clients: Any) -> None:
    """`run` and `wait` have ended when the block begins, and show the last response completely."""
    with Slow(api) as slow:
        slow.go.set()
        client = clients(slow)
        async with Entered(client.with_streaming_response.run("o/n", {}), colour) as response:
            assert (response.is_closed, await got(response.parse())) == (True, PREDICTION["output"])
            assert (await got(response.json()))["id"] == "p1"
        async with Entered(client.predictions.with_streaming_response.wait("p1"), colour) as response:
            assert (response.is_closed, (await got(response.parse())).id) == (True, "p1")


# ---- files


@pytest.mark.parametrize("attribute", ["with_raw_response", "with_streaming_response"])
async def test_the_content_of_a_file(colour: str, clients: Any, attribute: str) -> None:
    """The response of a download has the bytes; `parse` returns the file with the content of that response."""
    content = bytes(range(256)) * 1024
    arguments: dict[str, Any] = {"expiry": 2**33, "owner": "o", "signature": f"{colour} {attribute}"}
    with Slow(saying(content)) as slow:
        slow.go.set()
        files = clients(slow).files
        if attribute == "with_raw_response":
            response = await got(files.with_raw_response.download("f", **arguments))
            assert (response.is_closed, await got(response.read())) == (True, content)
            file = await got(response.parse())
        else:
            async with Entered(files.with_streaming_response.download("f", **arguments), colour) as response:
                assert await joined(response.iter_bytes()) == content
                with pytest.raises(httpx.StreamConsumed):  # it was not kept in memory
                    await got(response.parse())
            async with Entered(files.with_streaming_response.download("f", **arguments), colour) as response:
                file = await got(response.parse())
                with pytest.raises(httpx.StreamConsumed):
                    await got(response.read())
        asked = len(slow.requests)
        assert isinstance(file, FileOutput)
        assert (await got(file.read()), len(slow.requests)) == (content, asked)
        assert {b"accept: */*" in each.lower() for each in slow.requests} == {True}


async def test_a_download_that_is_refused(colour: str, clients: Any) -> None:
    """An invalid or expired link raises the same error as the method."""
    arguments: dict[str, Any] = {"expiry": 2**33, "owner": "o", "signature": "wrong"}
    with Slow(saying(b'{"detail": "not there"}', "404 Not Found")) as slow:
        slow.go.set()
        files = clients(slow).files
        with pytest.raises(NotFoundError):
            await got(files.with_raw_response.download("f", **arguments))
        with pytest.raises(NotFoundError):
            async with Entered(files.with_streaming_response.download("f", **arguments), colour):
                raise AssertionError


@pytest.mark.parametrize(("size", "chunk"), [(7, 1), (64, 1000), (1_000_000, 3)])
def test_parts_fit_together(size: int, chunk: int) -> None:
    """Bytes and lines are those of the content, whatever the sizes of its chunks and of what is asked for."""
    content = bytes(range(256)) * 40 + b"\nend"

    class Chunks(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            return (content[start : start + chunk] for start in range(0, len(content), chunk))

    client = scripted("blocking", lambda _: httpx.Response(200, stream=Chunks()))
    with client.with_streaming_response.get("/x") as response:
        parts = [*response.iter_bytes(size)]
    assert b"".join(parts) == content
    assert {len(part) for part in parts[:-1]} <= {size}
    with client.with_streaming_response.get("/x") as response:
        lines = [*response.iter_lines()]
    assert lines == [line.removesuffix(b"\r").decode("utf-8", "replace") for line in content.split(b"\n")]
