"""Uploads: each content is sent once and whole, is read off the event loop, and reports its progress."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import random
import re
import sys
import tempfile
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from support.colours import connect, got, scripted

from replicate import APIConnectionError, AsyncReplicate, BadRequestError, Replicate
from replicate._files import uploads
from replicate._files.sources import LARGEST_UPLOAD
from replicate._files.uploads import Content, Uploaded
from replicate._http.connections import threads
from replicate._http.connections.bodies import with_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from replicate.local import Server

BIG = b"GIF8" + random.Random(1).randbytes(400_000)
TOLD = hashlib.sha256(BIG).hexdigest()
FUTURE = "2100-01-01T00:00:00Z"


def stored(sha256: str | None = None, **members: Any) -> httpx.Response:
    sums = {"checksums": {"sha256": sha256}} if sha256 else {}
    return httpx.Response(201, json={"id": "f1", "urls": {"get": "https://files.test/f1"}, **sums, **members})


def posts(asked: Callable[[], list[str]]) -> int:
    return asked().count("POST /files")


async def sent(client: Any, value: Any) -> Any:
    """Create a prediction with a file, and return the input that was sent."""
    return (await got(client.predictions.create(model="me/digest", input={"file": value}))).input["file"]


# ---- once


async def test_the_same_content_is_uploaded_once(client: Any, asked: Any, tmp_path: Path) -> None:
    """A client uploads the same content, name and type once, from any source. `files.create` always uploads."""
    path = tmp_path / "a.gif"
    path.write_bytes(BIG)
    memory = io.BytesIO(BIG)
    memory.name = "a.gif"
    with path.open("rb") as file:
        addresses = {await sent(client, given) for given in (path, file, file, memory, path)}
    assert len(addresses) == posts(asked) == 1
    for _ in range(2):
        assert await got(client.run("me/digest", input={"file": path})) == TOLD
    assert posts(asked) == 1
    await got(client.files.create(path))
    await got(client.files.create(path))
    assert posts(asked) == 3


async def test_different_files_are_uploaded_separately(client: Any, asked: Any, tmp_path: Path) -> None:
    """Another name, type or content is another upload."""
    for name, content in (("a.gif", BIG), ("b.gif", BIG), ("a.png", BIG), ("a.gif", BIG + b"!")):
        path = tmp_path / name
        path.write_bytes(content)
        await sent(client, path)
    assert posts(asked) == 4


class Api:
    """Answers creates and uploads, the first upload with an error if `fails`."""

    def __init__(self, *, fails: int | None = None, **members: Any) -> None:
        self.fails, self.members, self.uploads = fails, members, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/files"):
            return httpx.Response(201, json={"id": "p1", "status": "starting", "input": {}})
        self.uploads += 1
        if self.fails and self.uploads == 1:
            return httpx.Response(self.fails)
        return stored(**{"expires_at": FUTURE, **self.members})


async def create(client: Any) -> None:
    await got(client.predictions.create(version="v", input={"a": BIG}))


async def test_each_account_has_its_own_uploads(colour: str) -> None:
    """Each token has its own uploads, as another account could not read them. A token function may change accounts."""
    api, tokens = Api(), ["r8_one"]
    client = scripted(colour, api, bearer_token=lambda: tokens[-1])
    other = client.with_options(bearer_token="r8_other")
    for each in (client, other, client, other):
        await create(each)
    assert api.uploads == 2
    tokens.append("r8_next")
    await create(client)
    await create(client)
    assert api.uploads == 3
    await got(client.close())


async def test_an_expiring_upload_is_sent_again(client: Any, asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upload is reused until an hour before the API removes it."""
    start = datetime.now(UTC)
    for hours, expected in ((0, 1), (22.9, 1), (23.1, 2)):
        monkeypatch.setattr(uploads, "now", lambda hours=hours: start + timedelta(hours=hours))
        await sent(client, BIG)
        assert posts(asked) == expected, hours


def test_expired_uploads_are_forgotten() -> None:
    """A long-running client forgets expired uploads."""
    memory, now = Uploaded(), datetime.now(UTC)
    old, new = (Content(0, sha256, "a", "b") for sha256 in ("old", "new"))
    memory.keep(old, "https://files.test/old", now - timedelta(seconds=1))
    memory.keep(new, "https://files.test/new", now + timedelta(hours=1))
    assert (memory.address(old), memory.address(new)) == (None, "https://files.test/new")
    assert [*memory._known] == [new]


@pytest.mark.parametrize(
    ("members", "times"),
    [
        ({}, 1),
        ({"sha256": TOLD}, 1),
        ({"sha256": "0" * 64}, 2),
        ({"expires_at": None}, 2),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 2),
    ],
    ids=str,
)
async def test_an_uncertain_upload_is_sent_again(colour: str, members: Any, times: int) -> None:
    """An upload is reused only if its digest is that of the content, and the API says when it expires."""
    api = Api(**members)
    client = scripted(colour, api)
    await create(client)
    await create(client)
    assert api.uploads == times
    await got(client.close())


@pytest.mark.parametrize("concurrency", ["asyncio", "trio", "threads"])
def test_concurrent_uploads_of_the_same_content_are_shared(server: Server, asked: Any, concurrency: str) -> None:
    """Tasks or threads that send the same content at once upload it once, from one open file."""
    place = {"bearer_token": server.token, "base_url": server.base_url}
    given = {"file": io.BytesIO(os.urandom(300_000))}
    told = hashlib.sha256(given["file"].getvalue()).hexdigest()
    results: list[Any] = []

    async def main() -> None:
        client = AsyncReplicate(**place)
        await client.run("me/digest", input={"file": b""})
        if concurrency == "asyncio":
            results.extend(await asyncio.gather(*(client.run("me/digest", input=given) for _ in range(8))))
        else:
            async with trio.open_nursery() as nursery:
                for _ in range(8):
                    nursery.start_soon(one, client)
        await client.close()

    async def one(client: AsyncReplicate) -> None:
        results.append(await client.run("me/digest", input=given))

    if concurrency == "threads":
        with Replicate(**place) as client, ThreadPoolExecutor(8) as pool:
            results.extend(pool.map(lambda _: client.run("me/digest", input=given), range(8)))
    elif concurrency == "trio":
        trio.run(main)
    else:
        asyncio.run(main())
    assert results == [told] * 8
    assert posts(asked) == 1


async def test_a_failed_upload_is_sent_again(colour: str) -> None:
    """A failed upload is not reused."""
    api = Api(fails=400)
    client = scripted(colour, api)
    with pytest.raises(BadRequestError):
        await create(client)
    await create(client)
    await create(client)
    assert api.uploads == 2
    await got(client.close())


# ---- whole


def test_one_open_file_for_many_at_once(server: Server, tmp_path: Path) -> None:
    """An open file may be sent several times at once, each time whole."""
    path = tmp_path / "a.bin"
    path.write_bytes(os.urandom(3_000_000))
    told = hashlib.sha256(path.read_bytes()).hexdigest()

    async def main(file: Any) -> list[Any]:
        async with server.async_client() as client:
            return [await each for each in [client.files.create(file, filename=f"{n}") for n in range(3)]] + [
                *await asyncio.gather(*(client.files.create(file, filename=f"{n}") for n in range(6)))
            ]

    with path.open("rb") as file, server.client() as client, ThreadPoolExecutor(6) as pool:
        stored = [*asyncio.run(main(file)), *pool.map(lambda _: client.files.create(file), range(6))]
        assert not file.closed
    assert {each.checksums.sha256 for each in stored} == {told}


async def test_an_upload_is_sent_again_whole(colour: str) -> None:
    """After a 429 the whole file is sent again, with its length, name and type."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(429, headers={"Retry-After": "0"}) if len(requests) == 1 else stored()

    client = scripted(colour, answer)
    await got(client.files.create(io.BytesIO(BIG * 6), filename="a.gif"))
    for request in requests:
        assert int(request.headers["Content-Length"]) == len(request.content)
        found = re.search(
            rb'filename="a.gif"\r\nContent-Type: image/gif\r\n\r\n(.*?)\r\n--', request.content, re.DOTALL
        )
        assert found
        assert found[1] == BIG * 6
    assert len(requests) == 2
    await got(client.close())


@pytest.mark.parametrize("size", [100, 600_000])
async def test_a_file_that_changes_while_it_is_sent(
    client: Any, asked: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """A file that shrinks or grows while it is sent is refused. The error names the input, and nothing is started."""
    path, digest = tmp_path / "a.bin", uploads.digest
    path.write_bytes(bytes(500_000))

    def then_changed(upload: Any) -> str:
        found = digest(upload)
        path.write_bytes(bytes(size))
        return found

    monkeypatch.setattr(uploads, "digest", then_changed)
    amount = "less" if size < 500_000 else "more"
    message = rf"^input\['file'\] is a file that gives {amount} than its size, 500000 bytes$"
    with pytest.raises(ValueError, match=message):
        await sent(client, path)
    assert not any("predictions" in request for request in asked())


@settings(max_examples=40, deadline=None)
@given(content=st.binary(min_size=1), name=st.text(min_size=1))
def test_content_and_name_arrive_unchanged(server: Server, content: bytes, name: str) -> None:
    """Any content and name arrive unchanged, from memory, an open file, a path or a pipe."""
    with server.client() as client, tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        for source in (content, file, Path(file.name), Once(content)):
            stored = client.files.create(source, filename=name)
            assert (stored.name, stored.size) == (name, len(content))
            assert stored.checksums.sha256 == hashlib.sha256(content).hexdigest()


# ---- where it is read


class Plain:
    """A minimal file that can be read again, and records the threads that read it."""

    def __init__(self, content: bytes) -> None:
        self.file, self.threads = io.BytesIO(content), set[threading.Thread]()
        self.seek, self.tell = self.file.seek, self.file.tell

    def read(self, size: int = -1) -> bytes:
        self.threads.add(threading.current_thread())
        return self.file.read(size)


class Once(Plain):
    """A minimal file that can be read once."""

    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize("kind", [Plain, Once])
@pytest.mark.parametrize("size", [10, 400_000])
async def test_files_are_read_away_from_the_event_loop(client: Any, colour: str, kind: Any, size: int) -> None:
    """An asynchronous client reads files in threads, whatever their size. A blocking one reads in its own thread."""
    file = kind(os.urandom(size))
    content = file.file.getvalue()
    result = await got(client.run("me/digest", input={"file": file}))
    assert result == hashlib.sha256(content).hexdigest()
    here = threading.current_thread()
    assert here not in file.threads if colour != "blocking" else file.threads == {here}
    again = Plain(content)
    await got(client.files.create(again))
    assert here not in again.threads if colour != "blocking" else again.threads == {here}


class Stalled(Plain):
    """A file that blocks until the test releases it."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.begun, self.let, self.in_time = threading.Event(), threading.Event(), True

    def read(self, size: int = -1) -> bytes:
        self.begun.set()
        if not self.let.wait(10):
            self.in_time = False
            self.let.set()
        return super().read(size)


async def test_a_file_that_blocks_does_not_delay_others(client: Any, server: Server, tmp_path: Path) -> None:
    """While one open file blocks, other files are sent, whether opened by the caller or not."""
    path, stalled = tmp_path / "a.bin", Stalled(BIG)
    path.write_bytes(BIG)
    with server.client() as another, ThreadPoolExecutor(2) as pool, path.open("rb") as file:
        slow = [pool.submit(another.files.create, stalled) for _ in range(2)]
        stalled.begun.wait()
        for each in (path, file):
            assert (await got(client.files.create(each))).checksums.sha256 == TOLD
        stalled.let.set()
        assert {each.result().checksums.sha256 for each in slow} == {TOLD}
    assert stalled.in_time


def test_threads_send_the_same_pieces_as_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    """An asynchronous client reads a mebibyte at once in a thread, and sends the same pieces as a blocking one.

    Longer pieces would be copied repeatedly if they are sent more slowly than they are read.
    """
    content, turns = os.urandom(3 * 2**20), 0

    def made() -> Any:
        files = [("content", ("a", io.BytesIO(content), "x/y"))]
        form = {"Content-Type": "multipart/form-data; boundary=b"}
        return with_body(httpx.Request("POST", "https://a.test", files=files, headers=form), {"files": files}).stream

    async def counted(work: Any, **_: Any) -> Any:
        nonlocal turns
        turns += 1
        return work()

    monkeypatch.setattr(threads, "offload", counted)

    async def read(body: Any) -> list[bytes]:
        return [chunk async for chunk in body]

    pieces = asyncio.run(read(body := made()))
    assert pieces == list(made())
    assert max(map(len, pieces)) == 2**16
    assert turns == 5  # including the part after the content, and the end
    assert asyncio.run(read(body)) == pieces


async def test_memory_does_not_grow_with_the_file(colour: str, tmp_path: Path) -> None:
    """A large file passes through memory in small pieces."""
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(LARGEST_UPLOAD)
    received = 0

    class Drain(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal received
            for chunk in request.stream:  # type: ignore[union-attr]  # that of a blocking client
                received += len(chunk)
            return stored(expires_at=FUTURE)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal received
            async for chunk in request.stream:  # type: ignore[union-attr]  # that of an asynchronous client
                received += len(chunk)
            return stored(expires_at=FUTURE)

    http: Any = (httpx.Client if colour == "blocking" else httpx.AsyncClient)(transport=Drain())
    client = connect(colour, http_client=http)
    tracemalloc.start()
    try:
        await got(client.files.create(path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert received > LARGEST_UPLOAD
    assert peak < 12 * 2**20
    await got(client.close())


# ---- what cannot be sent


def closed(path: Path) -> Any:
    file = path.open("rb")
    file.close()
    return file


def opened_as_text(_: Path) -> Any:
    return tempfile.SpooledTemporaryFile(mode="w+", encoding="utf-8")


def huge(path: Path) -> Path:
    with path.open("wb") as file:
        file.truncate(LARGEST_UPLOAD + 1)
    return path


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (closed, ValueError, "is a file that has been closed"),
        (lambda path: path.open("r"), TypeError, "is a file that gives str, not bytes: open it with mode 'rb'"),
        (opened_as_text, TypeError, "gives str, not bytes: open it with mode 'rb'"),
        (lambda _: Once(b""), ValueError, "has nothing to read (any more): a pipe gives its content once"),
        (lambda path: path.parent, IsADirectoryError, "is a directory: pack it, as a zip file"),
        (lambda path: path.parent / "none", FileNotFoundError, "there is no file"),
        (huge, ValueError, "and the files API takes 100 MiB: put it on a host of your own"),
        (lambda path: huge(path).open("rb"), ValueError, "and the files API takes 100 MiB: put it on a host"),
    ],
)
async def test_invalid_files(client: Any, asked: Any, tmp_path: Path, make: Any, error: Any, message: str) -> None:
    """Closed, text, exhausted, missing or too large files are refused before anything is uploaded or started."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"text")
    given = make(path)
    try:
        for strategy in ("auto", "base64", "url"):
            with pytest.raises(error, match=rf"^input\['files'\]\[1\]:? .*{re.escape(message)}"):
                await got(client.run("me/digests", input={"files": [BIG, given]}, file_encoding_strategy=strategy))
        with pytest.raises(error, match=re.escape(message)):
            await got(client.files.create(given))
    finally:
        if hasattr(given, "close"):
            given.close()
    assert [each for each in asked() if each.startswith("POST")] == []


async def test_a_pipe_that_does_not_end(client: Any, asked: Any) -> None:
    """A pipe is read up to the API's limit, and no further."""

    class Endless(Once):
        def read(self, size: int = -1) -> bytes:
            self.count = getattr(self, "count", 0) + size
            return bytes(size)

    endless = Endless(b"")
    with pytest.raises(ValueError, match="files API takes 100 MiB"):
        await got(client.files.create(endless))
    assert endless.count < LARGEST_UPLOAD + 2**22
    assert asked() == []


async def test_a_pipe_that_is_listed_twice(client: Any) -> None:
    """A pipe that is listed twice in an input is read once and sent twice."""
    pipe = Once(BIG)
    told = await got(client.run("me/digests", input={"files": [pipe, pipe]}))
    assert told == f'["{TOLD}", "{TOLD}"]'
    with pytest.raises(ValueError, match="gives its content once"):
        await got(client.run("me/digest", input={"file": pipe}))


async def test_a_non_blocking_pipe(client: Any) -> None:
    """A non-blocking pipe without content yet is not taken for an empty file."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with open(reading, "rb", buffering=0) as file, pytest.raises(ValueError, match="does not wait for its content"):  # noqa: ASYNC230, PTH123 - a pipe
        await got(client.files.create(file))
    os.close(writing)


# ---- progress


async def test_progress(client: Any, colour: str, tmp_path: Path) -> None:
    """The callback gets the number of bytes sent, up to all of them, in the caller's own thread."""
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(5_000_000))
    told: list[tuple[int, int | None]] = []
    threads: set[Any] = set()

    def tell(done: int, total: int | None) -> None:
        told.append((done, total))
        threads.add(threading.current_thread())

    await got(client.files.create(path, progress=tell))
    assert {total for _, total in told} == {5_000_000}
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1][0] == 5_000_000
    assert len(told) >= 5
    assert threads == {threading.current_thread()}


async def test_progress_on_the_screen(client: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """`progress=True` shows the progress."""
    await got(client.files.create(bytes(3_000_000), progress=True))
    assert "3.0 MB of 3.0 MB" in capfd.readouterr().err
    await got(client.files.create(b"quiet", progress=False))
    assert capfd.readouterr().err == ""


async def test_an_error_of_a_progress_function(client: Any, asked: Any) -> None:
    """An error of the callback is raised unchanged and ends the upload. The client stays usable."""

    def tell(done: int, total: int | None) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        await got(client.files.create(bytes(3_000_000), progress=tell))
    assert (await got(client.files.create(b"next"))).size == 4


async def test_invalid_progress(client: Any, asked: Any) -> None:
    """A progress that is neither a bool nor a function is refused before anything is sent."""
    with pytest.raises(TypeError, match="progress must be True, False or a function"):
        await got(client.files.create(b"x", progress=7))
    assert asked() == []


async def test_a_server_that_goes_away(colour: str) -> None:
    """An upload that breaks off raises an APIConnectionError, and leaves nothing open."""
    from support.faults import RESET_UNREAD, Faults

    with Faults(RESET_UNREAD) as faults:
        client = connect(colour, base_url=faults.base_url, max_retries=0)
        with pytest.raises(APIConnectionError):
            await got(client.files.create(bytes(8_000_000)))
        await got(client.close())


# ---- names


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have names of text only")
async def test_a_name_that_is_no_text(client: Any, tmp_path: Path) -> None:
    """A file whose name is no UTF-8 is sent under a name that is."""
    path = tmp_path / os.fsdecode(b"a\xff.gif")
    path.write_bytes(BIG)
    with path.open("rb") as file, open(os.fsencode(path), "rb") as nameless:  # noqa: ASYNC230, PTH123 - its name is bytes
        for given in (path, file, nameless):
            stored = await got(client.files.create(given))
            assert (stored.name, stored.content_type) == ("a?.gif", "image/gif")
            assert await sent(client, given)
