"""Interrupted downloads resume if the file is certainly the same, and start again if not."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import collect, got, leaves_streams
from support.faults import RESET_READ, STALLED, answer
from support.hosts import CONTENT, Ranged, hosted
from support.sessions import Hasty, config

from replicate import FileOutput
from replicate._http.session import Session
from replicate.exceptions import APIConnectionError, APIResponseValidationError, InternalServerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = leaves_streams

MODIFIED = "Last-Modified: Wed, 01 Jan 2025 00:00:00 GMT"
HALF = len(CONTENT) // 2


def files(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("validator", ['ETag: "1"', MODIFIED])
async def test_a_download_resumes_where_it_broke_off(blocking: Any, validator: str, tmp_path: Path) -> None:
    """After a drop the rest is requested, on condition that the ETag or Last-Modified is the same."""
    with hosted(Ranged(1000, 99_000, headers=(validator,))) as host:
        output = host.output(**blocking)
        assert await got(output.save(tmp_path)) == tmp_path / "out.bin"
        tag = validator.partition(": ")[2]
        assert host.asked == [("GET", None, None), ("GET", "bytes=1000-", tag), ("GET", "bytes=100000-", tag)]
    assert files(tmp_path) == [tmp_path / "out.bin"]
    assert (tmp_path / "out.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("headers", [(), ('ETag: W/"1"',), ('ETag: "é"',), ("Last-Modified: gestern spät",)])
async def test_a_file_without_a_validator_is_downloaded_again(blocking: Any, headers: tuple[str, ...]) -> None:
    """A file without a strong validator is downloaded from the beginning."""
    with hosted(Ranged(1000, headers=headers)) as host:
        assert await got(host.output(**blocking).read()) == CONTENT
        assert host.asked == [("GET", None, None)] * 2


async def test_progress_of_a_download_in_parts(blocking: Any, tmp_path: Path) -> None:
    """The callback gets the bytes so far and the total. For an existing copy it is called once."""
    told = list[tuple[int, int | None]]()
    with hosted(Ranged(1000, 99_000)) as host:
        output = host.output(**blocking)
        await got(output.save(tmp_path / "a", progress=lambda *each: told.append(each)))
        assert told == sorted(told)
        assert told[0][0] <= 1000
        assert told[-1] == (len(CONTENT), len(CONTENT))
        assert (1000, len(CONTENT)) in told
        told.clear()
        await got(output.save(tmp_path / "b", progress=lambda *each: told.append(each)))
        assert told == [(len(CONTENT), len(CONTENT))]
        with pytest.raises(TypeError, match="progress must be True, False or a function"):
            await got(output.save(tmp_path / "c", progress="yes"))


class Awaited:
    """An object with an asynchronous callback."""

    async def __call__(self, done: int, total: int | None) -> None:
        """Do nothing."""

    tell = __call__


@pytest.mark.parametrize("tell", [Awaited(), Awaited().tell, partial(Awaited().tell, 1)])
async def test_asynchronous_progress_callbacks_are_refused(blocking: Any, tmp_path: Path, tell: Any) -> None:
    """A coroutine function is refused before the download, and the error says what to pass instead."""
    with hosted() as host:
        with pytest.raises(TypeError, match=r"progress is a coroutine function, .*: pass a plain function"):
            await got(host.output(**blocking).save(tmp_path / "a", progress=tell))
        assert host.connections == 0


async def test_a_changed_file_is_downloaded_again(blocking: Any) -> None:
    """If the host sends the whole of a changed file, that is used, without mixing the two."""
    other = CONTENT[::-1] + b"more"
    with hosted(Ranged(HALF), Ranged(content=other, headers=('ETag: "2"',))) as host:
        assert await got(host.output(**blocking).read()) == other


@pytest.mark.parametrize(
    "wrong",
    [
        answer("206 Partial Content", CONTENT[:10], f"Content-Range: bytes 0-9/{len(CONTENT)}"),
        answer("206 Partial Content", CONTENT[HALF:], f"Content-Range: bytes {HALF}-{len(CONTENT)}/{len(CONTENT) + 1}"),
        answer("206 Partial Content", CONTENT[HALF:]),
        answer(
            "206 Partial Content",
            CONTENT[HALF:],
            f"Content-Range: bytes {HALF}-{len(CONTENT) - 1}/{len(CONTENT)}",
            'ETag: "2"',
        ),
        answer("206 Partial Content", CONTENT[HALF:], f"Content-Range: bytes {HALF}-{len(CONTENT) - 1}/{len(CONTENT)}"),
        answer("416 Range Not Satisfiable", b"", "Content-Range: bytes */7"),
        answer("206 Partial Content", CONTENT[HALF:], f"Content-Range: bytes {HALF}-{len(CONTENT) - 1}/*", 'ETag: "1"'),
        answer("206 Partial Content", CONTENT[HALF:], f"Content-Range: bytes {HALF}-{'9' * 5000}/*", 'ETag: "1"'),
    ],
    ids=[
        "another range",
        "another length",
        "no range",
        "another file",
        "which file is not said",
        "none",
        "of how much is not said",
        "a range beyond all",
    ],
)
async def test_a_response_that_is_not_the_rest_is_not_used(blocking: Any, wrong: bytes) -> None:
    """If the response is not the requested rest, the whole file is requested."""
    with hosted(Ranged(HALF), wrong, Ranged()) as host:
        assert await got(host.output(**blocking).read()) == CONTENT
        assert [wanted for _, wanted, _ in host.asked] == [None, f"bytes={HALF}-", None]


async def test_a_file_that_is_empty_now(blocking: Any, tmp_path: Path) -> None:
    """If the file is empty after a drop, the result is empty, without the earlier bytes."""
    with hosted(Ranged(HALF, headers=()), answer("200 OK", b"")) as host:
        output = host.output(**blocking)
        assert (await got(output.save(tmp_path))).read_bytes() == b""
        assert await got(output.read()) == b""


async def test_a_download_without_progress_ends(blocking: Any, tmp_path: Path, cache: Path) -> None:
    """A download fails after as many drops without progress as there are retries, and leaves no file."""
    with hosted(Ranged(1000, 0, 0, 0)) as host:
        with pytest.raises(APIConnectionError, match=r"broke off at GET /x/out\.bin"):
            await got(host.output(**blocking, max_retries=2).save(tmp_path / "a.bin"))
        assert host.connections == 3
    assert files(tmp_path, cache) == []


async def test_a_download_with_progress_goes_on(blocking: Any) -> None:
    """After progress the drops are counted from zero."""
    with hosted(Ranged(*[70_000] * 3)) as host:
        assert await got(host.output(**blocking, max_retries=1).read()) == CONTENT
        assert host.connections == 4


async def test_a_download_without_retries_is_not_resumed(blocking: Any) -> None:
    """`max_retries=0` applies to downloads, too."""
    with hosted(Ranged(1000)) as host:
        with pytest.raises(APIConnectionError):
            await got(host.output(**blocking, max_retries=0).read())
        assert host.connections == 1


async def test_pauses_between_attempts(blocking: Any) -> None:
    """The pauses between attempts grow, and are made by the transport."""
    with hosted(Ranged(1000, 0)) as host:
        output = host.output(**blocking, max_retries=2)
        assert await got(output.read()) == CONTENT
        pauses = vars(output._session.transport)["sleeps"]
    assert len(pauses) == 2
    assert 0 <= pauses[0] <= 0.5
    assert 0 <= pauses[1] <= 1


@pytest.mark.parametrize("trouble", [RESET_READ, answer("503 Service Unavailable")])
async def test_failures_between_the_parts(blocking: Any, trouble: bytes | str) -> None:
    """The request for the rest is retried like any other."""
    with hosted(Ranged(HALF), trouble, Ranged()) as host:
        assert await got(host.output(**blocking).read()) == CONTENT


async def test_a_host_that_keeps_failing(blocking: Any) -> None:
    """If the rest cannot be fetched after all retries, the last error is raised."""
    with hosted(Ranged(HALF), answer("503 Service Unavailable")) as host:
        with pytest.raises(InternalServerError):
            await got(host.output(**blocking).read())
        assert host.connections == 3


class LateTrouble(httpx.SyncByteStream):
    """The whole content of a file, followed by an error."""

    def __iter__(self) -> Iterator[bytes]:
        yield CONTENT
        raise httpx.ReadError("late")


def test_a_drop_after_the_last_byte() -> None:
    """A connection that breaks after the last byte is no error."""
    headers = {"Content-Length": str(len(CONTENT))}
    answers = iter([httpx.Response(200, headers=headers, stream=LateTrouble())])
    with httpx.Client(transport=httpx.MockTransport(lambda _: next(answers))) as http:
        session: Session[Any] = Session(config(), Hasty(http))
        assert FileOutput("https://files.test/a.bin", session).read() == CONTENT


async def test_a_silent_host(blocking: Any) -> None:
    """A download that stalls is resumed like one that breaks off."""
    with hosted(STALLED, Ranged()) as host:
        assert await got(host.output(**blocking, timeout=0.2).read()) == CONTENT


async def test_iteration_resumes(blocking: Any) -> None:
    """Chunks are yielded as they arrive, and continue after a drop."""
    with hosted(Ranged(1000)) as host:
        output = host.output(**blocking)
        chunks = await collect(output)
        assert b"".join(chunks) == CONTENT
        assert len(chunks[0]) <= 1000
        assert await got(output.read()) == CONTENT
        assert host.connections == 2


async def test_iteration_never_repeats(blocking: Any, cache: Path) -> None:
    """Chunks that were yielded cannot be taken back: a download that would start again raises an error."""
    with hosted(Ranged(1000, headers=())) as host:
        output, chunks = host.output(**blocking), list[bytes]()
        with pytest.raises(APIConnectionError, match="the rest cannot be had after 1000 bytes"):
            await collect(output, chunks)
        assert b"".join(chunks) == CONTENT[:1000]
    assert files(cache) == []


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (answer("200 OK", b"\x1f\x8b", "Content-Encoding: gzip"), r"it is compressed \(gzip\)"),
        (answer("206 Partial Content", b"x", "Content-Range: bytes 5-5/9"), "it is a part of the file"),
    ],
)
async def test_responses_that_were_not_requested(blocking: Any, refused: bytes, said: str) -> None:
    """A compressed response, which could grow without limit, or an unrequested part is refused."""
    with hosted(refused) as host:
        with pytest.raises(APIResponseValidationError, match=said):
            await got(host.output(**blocking).read())
        assert host.connections == 1
        assert b"accept-encoding: identity" in host.requests[0].lower()
