"""What is known of a file without its content: its type, its size and when it expires."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from support.colours import collect, got, scripted
from support.faults import answer
from support.hosts import CONTENT, Ranged, hosted

import replicate
from replicate import FileExpiredError, FileOutput, NotFoundError, ReplicateError
from replicate.exceptions import APIStatusError
from replicate.local import ManualClock, Model
from replicate.local import server as local_server

PNG = ("Content-Type: image/png", 'ETag: "1"')
HOUR = timedelta(hours=1)


async def test_type_and_size_are_requested_once(blocking: Any) -> None:
    """The type and the size are requested once, by HEAD, for all outputs with the same file."""
    with hosted(Ranged(headers=PNG)) as host:
        output = host.output(**blocking)
        assert await got(output.info()) == ("image/png", len(CONTENT))
        assert (output.content_type, output.size) == ("image/png", len(CONTENT))
        assert host.output(**blocking).size == len(CONTENT)
        assert host.asked == [("HEAD", None, None)]


async def test_they_are_known_from_a_download(blocking: Any, tmp_path: Any) -> None:
    """The type and the size of a downloaded file need no request."""
    with hosted(Ranged(headers=PNG)) as host:
        output = host.output(**blocking)
        await got(output.save(tmp_path / "a"))
        assert (output.content_type, output.size) == ("image/png", len(CONTENT))
        assert [method for method, _, _ in host.asked] == ["GET"]


@pytest.mark.parametrize("refusal", ["403 Forbidden", "405 Method Not Allowed", "404 Not Found"])
async def test_a_host_without_head(blocking: Any, refusal: str) -> None:
    """If HEAD is refused, as for a URL signed for GET, the first byte is requested."""
    part = answer("206 Partial Content", CONTENT[:1], f"Content-Range: bytes 0-0/{len(CONTENT)}", PNG[0])
    with hosted(answer(refusal, b""), part) as host:
        assert await got(host.output(**blocking).info()) == ("image/png", len(CONTENT))
        assert host.asked[1] == ("GET", "bytes=0-0", None)


async def test_a_host_without_ranges(blocking: Any) -> None:
    """The response of a host that ignores the range is not read."""
    with hosted(answer("405 No", b""), answer("200 OK", CONTENT, *PNG)) as host:
        assert await got(host.output(**blocking).info()) == ("image/png", len(CONTENT))


async def test_an_empty_file_has_no_first_byte(blocking: Any) -> None:
    """The size of an empty file comes from the 416 response."""
    with hosted(answer("405 No", b""), answer("416 No", b"", "Content-Range: bytes */0")) as host:
        assert await got(host.output(**blocking).info()) == (None, 0)


async def test_a_host_that_sends_neither_size_nor_type(blocking: Any) -> None:
    """The size and the type are None if the host sends neither."""
    chunked = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    with hosted(
        lambda request: chunked[: -len(b"1\r\nx\r\n0\r\n\r\n")] if request.startswith(b"HEAD") else chunked
    ) as host:
        output = host.output(**blocking)
        assert await got(output.info()) == (None, None)
        assert await got(output.read()) == b"x"
        assert output.size == 1


def test_properties_do_not_block_the_event_loop() -> None:
    """The properties of an asynchronous client's output raise an error that says what to await first."""
    with hosted(Ranged()) as host, pytest.raises(ReplicateError, match=r"await output\.info\(\)"):
        _ = host.output(blocking=False).size


async def test_any_client_can_be_awaited(colour: str) -> None:
    """`ainfo`, `aread` and `asave` can be awaited with a blocking client, too."""
    if colour == "blocking":
        return
    with hosted(Ranged(headers=PNG)) as host:
        output = host.output()
        assert (await output.ainfo()).size == len(CONTENT)
        assert await output.aread(3) == CONTENT[:3]


# ---- expiry


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone"])
@pytest.mark.parametrize("way", ["read", "info"])
async def test_a_file_that_has_expired(blocking: Any, status: str, way: str) -> None:
    """A missing file raises FileExpiredError, which gives the reason and is a NotFoundError with the status."""
    with (
        hosted(answer(status, b"<Error>NoSuchKey")) as host,
        pytest.raises(FileExpiredError, match=r"GET /x/out\.bin: <Error>NoSuchKey\. It is not there") as caught,
    ):
        await got(getattr(host.output(**blocking), way)())
    assert isinstance(caught.value, NotFoundError)
    assert caught.value.status == int(status[:3])
    assert "an hour after its end" in str(caught.value.hint)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (FileExpiredError, str(caught.value))


async def test_a_file_of_the_api_itself_that_has_expired(colour: str) -> None:
    """For an expired file of the API, the API's message is the error's text, and the advice is a note."""
    gone = httpx.Response(404, json={"detail": "no such file", "status": 404})
    output = FileOutput("https://api.replicate.com/v1/files/f1/download", scripted(colour, lambda _: gone))
    with pytest.raises(FileExpiredError) as caught:
        await got(output.read())
    assert str(caught.value) == "ReplicateError Details:\nstatus: 404\ndetail: no such file"
    assert caught.value.__notes__ == ["404 Not Found from GET /v1/files/f1/download", caught.value.hint]
    assert "an hour after its end" in str(caught.value.hint)


async def test_a_hosts_message_has_no_control_characters(blocking: Any) -> None:
    """Control characters in a file host's response are escaped in the error."""
    with hosted(answer("403 Forbidden", b"\x1b[2Jno")) as host, pytest.raises(APIStatusError) as caught:
        await got(host.output(**blocking).read())
    assert str(caught.value) == "403 Forbidden from GET /x/out.bin: \\x1b[2Jno"


async def test_other_errors_do_not_count_as_expired(blocking: Any) -> None:
    """A refusal does not count as expired."""
    with hosted(answer("403 Forbidden", b"")) as host, pytest.raises(APIStatusError, match="403") as caught:
        await got(host.output(**blocking).read())
    assert not isinstance(caught.value, FileExpiredError)


def picture() -> bytes:
    return b"\x89PNG\r\n\x1a\n"


def pictures() -> Any:
    yield b"\x89PNG\r\n\x1a\n"


MODELS = {
    "me/picture": Model(picture, official=True),
    "me/pictures": Model(pictures, official=True),
}


async def test_a_file_expires_an_hour_after_its_prediction(colour: str) -> None:
    """An output expires an hour after its prediction ended, when the local server removes it."""
    clock = ManualClock()
    with local_server(MODELS, clock=clock) as srv:
        client: Any = srv.client() if colour == "blocking" else srv.async_client()
        for output in (
            await got(client.run("me/picture", {})),
            await got(client.use("me/picture")()),
            (await collect(await got(client.run("me/pictures", {}))))[0],
        ):
            assert output.expires_at == clock.now() + HOUR
        assert (await got(output.info())).content_type == "image/png"
        clock.advance(3599)
        other = FileOutput(output.url + "?", client)
        assert await got(other.read()) == picture()
        clock.advance(1)
        with pytest.raises(FileExpiredError):
            await got(FileOutput(output.url + "?again", client).read())
        assert await got(other.read(0)) == b""
        if colour == "blocking":
            client.close()


def test_copies_keep_the_time_of_expiry() -> None:
    """Copies and pickles keep the time of expiry, which is unknown for other URLs."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    output: FileOutput[Any] = FileOutput("https://files.test/a", expires_at=moment)
    assert copy.copy(output).expires_at == pickle.loads(pickle.dumps(output)).expires_at == moment
    assert FileOutput[Any]("https://files.test/a").expires_at is None
    with local_server(MODELS) as srv, srv.client() as client:
        made = client.run("me/picture", {})
        assert made.expires_at is not None
        assert pickle.loads(pickle.dumps(made)).expires_at == copy.deepcopy(made).expires_at == made.expires_at
        assert b"Prediction" not in pickle.dumps(made)
        file = client.files.create(b"x")
        query = httpx.URL(srv.download_url(file.id, 2**33)).params
        link: Any = {"owner": query["owner"], "signature": query["signature"]}
        assert client.files.download(file, expiry=2**33, **link).expires_at == datetime.fromtimestamp(2**33, UTC)
        with pytest.raises(NotFoundError):  # even for an impossible time
            client.files.download(file, expiry=10**30, **link)


def test_public_names() -> None:
    """The errors of files are public."""
    assert issubclass(replicate.FileTooLargeError, ReplicateError)
    assert issubclass(replicate.SaveError, ReplicateError)
