"""Responses and events are limited in size, and a packed response is never unpacked beyond the limit."""

from __future__ import annotations

import copy
import gzip
import json
import pickle
import tracemalloc
import zlib
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest
from support.colours import collect, connect, got, leaves_streams
from support.faults import Faults, answer

import replicate
from replicate import APIConnectionError, NotFoundError, RunError
from replicate._http import sse
from replicate._http.connections.unpacking import TooLargeError, chunks
from replicate._http.sse import Decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

pytestmark = leaves_streams

MOST = 2_000_000
ROOM = 30_000_000
"""Bytes that a limited read may take: the limit, some copies, and one slice of gzip."""
ZEROS = b"0" * 2**20


def bomb(megabytes: int = 100, kind: int = 31) -> bytes:
    """Return some packed megabytes: gzip is 31, deflate 15, deflate without a header -15."""
    packer = zlib.compressobj(9, zlib.DEFLATED, kind)
    return b"".join([*(packer.compress(ZEROS) for _ in range(megabytes)), packer.flush()])


BOMB = bomb()
PACKED = {
    "gzip": BOMB,
    "deflate": bomb(kind=15),
    " DEFLATE": bomb(kind=-15),
    "gzip, gzip, gzip": gzip.compress(gzip.compress(BOMB)),
    "unknown, gzip": BOMB,
    "gzip, gzip": gzip.compress(bomb(300)[:-20] + BOMB),  # the outer one is large enough, and the inner one broken
}
SAID = r"127.0.0.1:\d+ answered {} with an {} of more than {} bytes, which is the limit. max_response_bytes= of the "


def endless(start: bytes, part: bytes, status: str = "200 OK", kind: str = "application/json") -> Callable[..., bytes]:
    """Return a behaviour that answers with far more than the limit. The connection is closed by the client."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode()
    return lambda _: head + start + part * (5 * MOST // len(part))


@contextmanager
def little_memory(most: int = ROOM) -> Generator[None]:
    """Fail if the block takes more memory at any time."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most


def client_of(colour: str, server: Faults, **options: Any) -> Any:
    return connect(colour, base_url=server.base_url, **{"max_response_bytes": MOST, **options})


def given(colour: str, library: Any) -> Any:
    """Return a caller's HTTP client."""
    return (library.Client if colour == "blocking" else library.AsyncClient)()


# ---- responses


@pytest.mark.parametrize("encoding", PACKED)
async def test_a_bomb_is_not_unpacked(colour: str, encoding: str) -> None:
    """A packed response is unpacked up to the limit only, however often it is packed. It is not requested again."""
    with Faults(answer("200 OK", PACKED[encoding], f"Content-Encoding: {encoding}")) as server:
        with little_memory(), pytest.raises(APIConnectionError) as caught:
            await got(client_of(colour, server).predictions.get("p1"))
        caught.match(SAID.format("GET /v1/predictions/p1", "answer", "2,000,000"))
        assert len(server.requests) == 1


@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_the_limit_holds_for_a_callers_client(colour: str, library: Any) -> None:
    """The limit holds over a caller's HTTP client too."""
    if colour == "trio" and library is httpx2:
        pytest.skip("each library is tried once in this colour")
    with Faults(answer("200 OK", BOMB, "Content-Encoding: gzip")) as server:
        client = client_of(colour, server, http_client=given(colour, library))
        with little_memory(), pytest.raises(APIConnectionError, match="more than 2,000,000 bytes"):
            await got(client.models.get("a/b"))


CALLS: dict[str, Callable[[Any], Any]] = {
    "an object": lambda client: client.predictions.get("p1"),
    "a page": lambda client: client.models.list(),
    "an upload": lambda client: client.files.create(b"1"),
    "a change": lambda client: client.models.update("a", "b", description="c"),
    "a raw request": lambda client: client.get("/anything", cast_to=object),
    "a raw form": lambda client: client.post("/anything", body={}, cast_to=httpx.Response),
    "a raw response": lambda client: client.account.with_raw_response.get(),
    "a search": lambda client: client.search("a"),
}


@pytest.mark.parametrize("call", CALLS)
async def test_an_answer_that_never_ends(colour: str, call: str) -> None:
    """Every kind of request is limited."""
    with Faults(endless(b'{"id": "', b"x" * 1000)) as server:
        with little_memory(), pytest.raises(APIConnectionError, match="more than 2,000,000 bytes"):
            await got(CALLS[call](client_of(colour, server)))
        assert len(server.requests) == 1


async def test_a_streamed_answer(colour: str) -> None:
    """A streamed response is limited if it is read at once. What the caller iterates over is not limited."""
    with Faults(endless(b"", b"x" * 1000)) as server:
        client = client_of(colour, server)
        response = await got(client.get("/anything", stream=True))
        with pytest.raises(APIConnectionError, match="more than 2,000,000 bytes"):
            await got(response.read())
        response = await got(client.get("/anything", stream=True))
        assert sum(map(len, await collect(response.iter_bytes()))) == 5 * MOST


@pytest.mark.parametrize("status", ["404 Not Found", "302 Found"])
async def test_only_the_beginning_of_an_error_is_kept(colour: str, status: str) -> None:
    """Of an error response that is too large, only the beginning is kept. Its status decides, as always."""
    with Faults(endless(b"oh no: ", b"x" * 1000, status)) as server:
        with little_memory(), pytest.raises(replicate.APIStatusError) as caught:
            await got(client_of(colour, server).predictions.get("p1"))
        assert caught.value.status_code == int(status[:3])
        assert caught.value.body == ("oh no: " + "x" * 65536)[:65536]
    packed = answer("404 Not Found", BOMB, "Content-Encoding: gzip")
    with Faults(packed) as server, little_memory(), pytest.raises(NotFoundError):
        await got(client_of(colour, server).predictions.get("p1"))


async def test_a_redirect_is_followed(colour: str) -> None:
    """A redirect with too long a content is followed: nobody reads that."""
    redirect = endless(b"", b"x" * 1000, "302 Found\r\nLocation: /v1/predictions/p2")
    with Faults(redirect, answer("200 OK", b'{"id": "p2"}')) as server:
        assert (await got(client_of(colour, server).predictions.get("p1"))).id == "p2"


async def test_what_follows_the_end_of_a_packed_content(colour: str) -> None:
    """What follows a packed content is ignored, as ever, and not collected."""
    content = gzip.compress(b'{"id": "p1"}') + b"x" * 1_000_000
    with Faults(answer("200 OK", content, "Content-Encoding: gzip")) as server, little_memory(8_000_000):
        assert (await got(client_of(colour, server).predictions.get("p1"))).id == "p1"


def test_too_many_encodings() -> None:
    """A content that is packed more than five times is refused before anything is unpacked."""
    response = httpx.Response(200, headers={"content-encoding": ", ".join(["gzip"] * 6)}, stream=httpx.ByteStream(b""))
    with pytest.raises(httpx.DecodingError, match="more than 5 encodings"):
        list(chunks(response))


class BrotliDecoder:
    """A decoder whose output is much longer than its input, as that of a library that is not installed."""

    def __init__(self) -> None:
        self.longest = 0

    def decode(self, data: bytes) -> bytes:
        self.longest = max(self.longest, len(data))
        return data * 100_000

    def flush(self) -> bytes:
        return b""


@pytest.mark.parametrize(("name", "most"), [("BrotliDecoder", 16), ("ZStandardDecoder", 512), ("GZipDecoder", 1024)])
def test_decoders_get_small_slices(name: str, most: int) -> None:
    """A decoder that cannot limit its output gets a slice at a time. The next one waits until that is consumed."""
    decoder: Any = type(name, (BrotliDecoder,), {})()
    response = httpx.Response(200, headers={"content-encoding": "x"}, stream=Parts(b"x" * 60_000))
    response._decoder = decoder
    parts = chunks(response)
    assert len(next(parts)) == most * 100_000
    assert decoder.longest == most
    with pytest.raises(TooLargeError):
        list(chunks(copied(response, decoder), 5_000_000, whole=False))


def copied(response: httpx.Response, decoder: Any) -> httpx.Response:
    made = httpx.Response(200, headers=response.headers, stream=Parts(b"x" * 60_000))
    made._decoder = decoder
    return made


class Parts(httpx.SyncByteStream):
    def __init__(self, *parts: bytes) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts)


def test_a_frame_of_zstandard_that_ends_with_a_slice() -> None:
    """A new decoder reads the next frame: an old one fails if it begins with a slice."""

    class ZStandardDecoder:
        def __init__(self) -> None:
            self.eof = False
            self.decompressor = self

        def decode(self, data: bytes) -> bytes:
            assert not self.eof
            self.eof = True
            return data

        def flush(self) -> bytes:
            return b""

    response = httpx.Response(200, headers={"content-encoding": "zstd"}, stream=Parts(b"1" * 512 + b"2" * 512))
    response._decoder = ZStandardDecoder()
    assert [len(part) for part in chunks(response)] == [512, 512]


async def test_a_large_answer_within_the_default(colour: str) -> None:
    """By default, a text of 30 MB can come."""
    with Faults(answer("200 OK", b'{"id": "p1", "output": "%s"}' % (b"x" * 30_000_000))) as server:
        client = connect(colour, base_url=server.base_url)
        assert len((await got(client.predictions.get("p1"))).output) == 30_000_000


# ---- predictions


async def test_the_answer_to_a_create(colour: str) -> None:
    """A create whose response is too large is not sent again. Its prediction is looked for, and found."""

    def react(request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        if head.startswith(b"POST"):
            made.append({"id": "p1", "version": "v", "created_at": "2999-01-01T00:00:00Z", **json.loads(body)})
            return endless(b'{"id": "', b"x" * 1000)(request)
        listed = {"next": None, "previous": None, "results": made}
        return answer("200 OK", json.dumps(made[0] if head.startswith(b"GET /v1/predictions/p1") else listed).encode())

    made: list[dict[str, Any]] = []
    with Faults(react) as server:
        created = await got(client_of(colour, server).predictions.create(version="v", input={"a": "b"}))
    assert (created.id, len(made)) == ("p1", 1)
    assert sum(request.startswith(b"POST") for request in server.requests) == 1


async def test_an_output_that_is_too_large(colour: str) -> None:
    """A poll whose response is too large ends the wait at once. The error has the prediction, and names the limit."""

    def react(request: bytes) -> bytes:
        if request.startswith(b"POST"):
            return answer("201 Created", b'{"id": "p1", "status": "processing", "input": {}, "urls": {}}')
        return endless(b'{"id": "p1", "status": "succeeded", "output": "', b"x" * 1000)(request)

    with Faults(react) as server:
        client = client_of(colour, server, poll_interval=0.001)
        with pytest.raises(RunError, match="max_response_bytes= of the client allows more") as caught:
            await got(client.run("a/b:" + "0" * 64, {}))
        assert caught.value.prediction.id == "p1"
        assert sum(request.startswith(b"GET /v1/predictions/") for request in server.requests) == 1


# ---- events

EVENT = b"event: output\nid: 1\ndata: a\n\n"
LINES = {"a line": b"x" * 1000, "lines of data": b"\ndata: x" * 100, "comments": b"\n:" * 500}


@pytest.mark.parametrize("lines", LINES)
async def test_an_event_that_never_ends(colour: str, lines: str) -> None:
    """An event that is too large ends the stream, and polling takes over: it is not requested again."""
    job = {"id": "p1", "status": "processing", "output": ["a"], "input": {}}

    def react(request: bytes) -> bytes:
        if request.startswith(b"GET /stream"):
            return endless(EVENT + b"data: ", LINES[lines], kind="text/event-stream")(request)
        if request.startswith(b"GET"):
            job.update(status="succeeded", output=["a", "b"])
        return answer("200 OK", json.dumps({**job, "urls": {"stream": f"{server.origin}/stream"}}).encode())

    with Faults(react) as server:
        client = client_of(colour, server, poll_interval=0.001)
        with little_memory():
            found = await collect(client.stream("a/b:" + "0" * 64, {}))
        assert [str(event) for event in found] == ["a", "b", ""]
        assert sum(request.startswith(b"GET /stream") for request in server.requests) == 1


async def test_events_of_a_raw_request(colour: str) -> None:
    """Events of a raw request are limited: an event may have half of the limit."""

    async def read(client: Any) -> None:
        if colour == "blocking":
            with client.get("/events", stream=True, stream_cls=replicate.Stream) as stream:
                for event in stream:
                    found.append(event)  # noqa: PERF402 - it ends with an error
        else:
            async with await client.get("/events", stream=True, stream_cls=replicate.AsyncStream) as stream:
                async for event in stream:
                    found.append(event)  # noqa: PERF401 - it ends with an error

    found: list[Any] = []
    said = r"an event of more than 1,000,000 bytes.* one event may have"
    lines = endless(EVENT, b"data: " + b"x" * 9994, kind="text/event-stream")
    with Faults(lines) as server, little_memory(), pytest.raises(APIConnectionError, match=said):
        await read(client_of(colour, server))
    assert [str(event) for event in found] == ["a"]


def test_small_chunks_take_little_memory() -> None:
    """The text of an incomplete event takes about its size, even if it arrives byte by byte."""
    decoder = Decoder()
    decoder.feed(b"data: ")
    with little_memory(1_000_000):
        for _ in range(50_000):
            decoder.feed(b"x")
    with little_memory(3_000_000):
        [event] = decoder.feed(b"\ndata: yy" * 20_000 + b"\n\n")
    assert len(event.data) == 50_000 + 3 * 20_000


def test_an_event_is_joined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of an event is joined when it is complete, not with each chunk."""
    joined = 0

    class Counted(StringIO):
        def getvalue(self) -> str:
            nonlocal joined
            joined += 1
            return super().getvalue()

    monkeypatch.setattr(sse, "StringIO", Counted)
    decoder = Decoder()
    assert [event for _ in range(100) for event in decoder.feed(b"data: x")] == []
    assert joined == 0
    assert len(decoder.feed(b"\n\ndata: a\n\n")) == 2
    assert joined <= 3


# ---- the setting


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "9", None])
def test_invalid_limits(wrong: Any) -> None:
    """The limit is a positive number of bytes."""
    with pytest.raises((TypeError, ValueError), match="max_response_bytes"):
        replicate.Replicate(bearer_token="r8_a", max_response_bytes=wrong)


def test_the_limit_can_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit can be read and changed, for a client, a copy and the package. Copies and pickles keep it."""
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_a")
    client: Any = replicate.Replicate(max_response_bytes=7)
    client.max_response_bytes = 8
    assert client.with_options(max_response_bytes=9).max_response_bytes == 9
    for other in (client, copy.copy(client), copy.deepcopy(client), pickle.loads(pickle.dumps(client))):
        assert other.max_response_bytes == 8
    monkeypatch.setattr(replicate, "max_response_bytes", 10)
    assert replicate.predictions._session.config.max_response_bytes == 10
