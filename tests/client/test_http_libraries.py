"""A client of httpx2, passed as `http_client`, does everything that one of httpx does."""

from __future__ import annotations

import asyncio
import hashlib
import io
import subprocess
import sys
import time
import traceback
from threading import Event
from typing import TYPE_CHECKING, Any
from unittest import mock

import aiohttp
import httpx
import httpx2
import pytest
from PIL import Image
from support.colours import TOKEN, collect, connect, got
from support.faults import CLOSE_READ, RESET_READ, SILENCE, Faults, answer, refusing_url

from replicate import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AsyncReplicate,
    Client,
    FileOutput,
    NotFoundError,
    Replicate,
    ReplicateError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from replicate.local import Server

LIBRARIES = [httpx, httpx2]


@pytest.fixture(params=LIBRARIES, ids=lambda module: module.__name__)
def library(request: pytest.FixtureRequest) -> Any:
    """Return each library in turn."""
    return request.param


def http_client(library: Any, colour: str, **options: Any) -> Any:
    """Make an HTTP client of a library."""
    return (library.Client if colour == "blocking" else library.AsyncClient)(**options)


@pytest.fixture
def make(library: Any, colour: str) -> Callable[..., Any]:
    """Return a function that makes clients over an HTTP client of the library."""
    return lambda place, **options: connect(
        colour,
        http_client=http_client(library, colour),
        base_url=place.base_url,
        bearer_token=getattr(place, "token", TOKEN),
        **options,
    )


async def test_models_and_files(make: Callable[..., Any], server: Server, tmp_path: Path) -> None:
    """Models run and stream; files are uploaded and downloaded."""
    client = make(server)
    assert await got(client.run("me/official", {"text": "hi"})) == "HI!"
    assert "".join(await collect(client.stream("me/words", {"text": "a b"}))) == "a b "
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(3_000_000))
    assert await got(client.run("me/digest", {"file": path})) == hashlib.sha256(path.read_bytes()).hexdigest()
    stored = await got(client.files.create(path, progress=lambda *_: None))
    assert stored.size == 3_000_000
    image = io.BytesIO()
    Image.new("RGB", (2, 2)).save(image, "PNG")
    picture = await got(client.run("me/negative", {"image": image.getvalue()}))
    assert (await got(picture.read())).startswith(b"\x89PNG")
    assert (await got(picture.save(tmp_path / "out.png"))).stat().st_size > 0
    await got(client.close())


async def test_answers_are_the_librarys_own(make: Callable[..., Any], library: Any, server: Server) -> None:
    """Low-level requests, raw responses and errors hold the response of the client's library, with its elapsed time."""
    client = make(server)
    for options in ({}, {"cast_to": library.Response}, {"cast_to": httpx.Response}):
        response = await got(client.get("/account", **options))
        assert type(response) is library.Response
        assert response.json()["type"] == "user"
    assert (await got(client.get("/account", cast_to=dict)))["type"] == "user"
    whole = await got(client.predictions.with_raw_response.list())
    assert type(whole.http_response) is library.Response
    assert whole.elapsed.total_seconds() > 0
    assert whole.retries_taken == 0
    streamed = await got(client.get("/account", stream=True))
    assert b"user" in b"".join(await collect(streamed.iter_bytes()))
    with pytest.raises(NotFoundError, match="404 Not Found from GET /v1/models/me/none") as caught:
        await got(client.models.get("me/none"))
    assert type(caught.value.response) is library.Response
    await got(client.close())
    assert client.is_closed()
    with pytest.raises(ReplicateError, match="closed"):
        await got(client.get("/account"))


ERRORS: dict[str, tuple[Any, type[APIConnectionError], str]] = {
    "closed": (CLOSE_READ, APIConnectionError, "RemoteProtocolError"),
    "reset": (RESET_READ, APIConnectionError, "ReadError"),
    "garbage": (b"SSH-2.0-OpenSSH_9\r\n", APIConnectionError, "RemoteProtocolError"),
    "silent": (SILENCE, APITimeoutError, "ReadTimeout"),
    "cut": (answer("200 OK", b"{", "Content-Length: 9"), APIConnectionError, "RemoteProtocolError"),
    "packed": (answer("200 OK", b"nothing", "Content-Encoding: gzip"), APIConnectionError, "DecodingError"),
}


@pytest.mark.parametrize("name", ERRORS)
async def test_errors_are_the_packages_own(make: Callable[..., Any], name: str) -> None:
    """Failures raise this package's errors, and their tracebacks do not contain the token."""
    fault, kind, says = ERRORS[name]
    with Faults(fault) as server:
        client = make(server, max_retries=0, timeout=httpx.Timeout(5, read=0.05))
        with pytest.raises(kind, match=says) as caught:
            await got(client.get("/account"))
        assert isinstance(caught.value, getattr(httpx, says))
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
        assert TOKEN not in "".join(shown)
        await got(client.close())


@pytest.mark.parametrize("location", ["http://xn--/", "http://h:99999999/x", "data:,hi", "mailto:x"])
async def test_a_redirect_to_an_invalid_address(make: Callable[..., Any], location: str) -> None:
    """A redirect to an invalid address raises an error and is not retried. httpx2 accepts some that httpx refuses."""
    with Faults(answer("302 Found", b"", f"Location: {location}")) as host:
        client = make(host)
        with pytest.raises(APIError, match=r"(?s)cannot be fetched, for |302 Found from GET /v1/x: .*It points to "):
            await got(client.get("/x"))
        assert host.connections == 1
        await got(client.close())


async def test_where_nobody_listens(make: Callable[..., Any]) -> None:
    """If nobody listens, the error says that nothing was sent."""
    place = mock.Mock(spec=["base_url"], base_url=refusing_url())
    client = make(place, max_retries=0)
    with pytest.raises(APIConnectionError, match=r"could not be reached.*ConnectError") as caught:
        await got(client.post("/predictions", json={}))
    assert not caught.value.sent
    await got(client.close())


async def test_a_client_without_a_free_connection(library: Any, colour: str) -> None:
    """If no pooled connection becomes free in time, the error is a timeout that says that nothing was sent."""
    limits = library.Limits(max_connections=1)
    with Faults(answer("200 OK", b"x" * 100)) as server:
        http = http_client(library, colour, limits=limits)
        timeout = library.Timeout(5, pool=0.05)
        client = connect(colour, http_client=http, base_url=server.base_url, timeout=timeout, max_retries=0)
        held = await got(client.get("/x", stream=True))
        with pytest.raises(APITimeoutError, match="PoolTimeout") as caught:
            await got(client.get("/x"))
        assert not caught.value.sent
        await got(held.close())
        assert (await got(client.get("/x"))).status_code == 200
        await got(client.close())


async def test_retries(make: Callable[..., Any]) -> None:
    """A failed request is sent again."""
    with Faults(answer("503 Unavailable"), CLOSE_READ, answer("200 OK", b'{"username": "me"}')) as server:
        client = make(server)

        async def sleep(_: float) -> None:
            pass

        client._session.transport.sleep = sleep
        assert (await got(client.account.get())).username == "me"
        assert server.connections == 3
        await got(client.close())


async def test_a_download_that_breaks_off(make: Callable[..., Any], tmp_path: Path) -> None:
    """An interrupted download resumes where it stopped."""
    whole = bytes(range(200))
    tag = 'ETag: "1"'
    rest = answer("206 Partial Content", whole[100:], tag, "Content-Range: bytes 100-199/200")
    with Faults(answer("200 OK", whole[:100], "Content-Length: 200", tag), rest) as host:
        client = make(host)

        async def sleep(_: float) -> None:
            pass

        client._session.transport.sleep = sleep
        file: Any = FileOutput(f"{host.origin}/out.bin", client)
        assert (await got(file.save(tmp_path / "out.bin"))).read_bytes() == whole
        await got(client.close())


async def test_headers_that_are_not_ascii(make: Callable[..., Any]) -> None:
    """A token with other characters than ASCII is sent in ISO 8859-1."""
    with Faults(answer()) as server:
        client = make(server)
        client.bearer_token = "My tok\xe9n"
        await got(client.get("/account"))
        assert b"authorization: bearer my tok\xe9n\r\n" in server.requests[0].lower()
        await got(client.close())


def test_a_task_that_is_canceled(library: Any) -> None:
    """Canceling a task ends its request at once and frees its connection."""

    async def main() -> None:
        arrived = Event()
        with Faults(lambda _: arrived.set() or SILENCE, answer()) as server:
            http = library.AsyncClient(limits=library.Limits(max_connections=1))
            async with AsyncReplicate(bearer_token="t", http_client=http, base_url=server.base_url) as client:
                task = asyncio.create_task(client.get("/x"))
                assert await asyncio.to_thread(arrived.wait, 10)
                begun = time.monotonic()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert time.monotonic() - begun < 2
                assert (await client.get("/y")).status_code == 200

    asyncio.run(main())


def test_leaving_a_run_early(library: Any, held: Any) -> None:
    """Canceling a task that runs a model cancels its prediction."""

    async def main(srv: Server) -> None:
        http = library.AsyncClient()
        async with AsyncReplicate(bearer_token=srv.token, base_url=srv.base_url, http_client=http) as client:
            task = asyncio.create_task(client.run("me/held", {}))
            assert await asyncio.to_thread(held.started.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            [prediction] = (await client.predictions.list()).results
            assert prediction.status == "canceled"

    with held.served({"me/held": held.text}) as srv:
        asyncio.run(main(srv))
        held.finish(srv)


# ---- objects of httpx2


async def test_timeouts_and_addresses(colour: str) -> None:
    """`httpx2.Timeout` and `httpx2.URL` are accepted wherever those of httpx are."""
    timeout, expected = httpx2.Timeout(5, read=7), httpx.Timeout(5, read=7)
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={})

    http = http_client(httpx, colour, transport=httpx.MockTransport(respond))
    url = httpx2.URL("https://example.test/v1")
    client = connect(colour, http_client=http, timeout=timeout, base_url=url)
    assert (client.timeout, client.base_url) == (expected, httpx.URL(f"{url}/"))
    await got(client.get("/x"))
    other = client.with_options(timeout=3, base_url=httpx2.URL("https://other.test"))
    other.timeout, other.base_url = timeout, httpx2.URL("https://third.test")
    await got(other.get("/x"))
    await got(client.with_options(timeout=3).get("/x", timeout=timeout, headers=httpx2.Headers({"X-One": "1"})))
    assert [request.extensions["timeout"]["read"] for request in asked] == [7, 7, 7]
    assert [request.url.host for request in asked] == ["example.test", "third.test", "example.test"]
    assert asked[2].headers["x-one"] == "1"
    await got(client.close())


def test_options_of_version_1() -> None:
    """`Client` with a transport or mounts of httpx2 sends with a client of httpx2, in both colours."""
    asked: list[str] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.headers["authorization"])
        return httpx2.Response(200, json={})

    async def main(client: Any) -> Any:
        return await client.async_get("/x")

    transport = httpx2.MockTransport(respond)
    choices: list[dict[str, Any]] = [{"transport": transport}, {"mounts": {"all://": transport}}]
    for options in choices:
        with Client("r8_a", **options) as client:
            assert type(client.get("/x")) is httpx2.Response
            assert type(asyncio.run(main(client))) is httpx2.Response
    assert asked == ["Bearer r8_a"] * 4


# ---- objects that are no client


class Session:
    """Has the methods of a requests session."""

    def send(self, request: Any) -> Any: ...
    def get(self, url: str) -> Any: ...
    def close(self) -> None: ...


class Wrapper:
    """Wraps an httpx client and has its methods."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def __getattr__(self, name: str) -> Any:
        if name == "aclose":
            raise AttributeError(name)
        return getattr(self.client, name)


def test_objects_that_are_no_client() -> None:
    """Sessions of other libraries, plain mocks, and clients of the other colour are refused, with their type's name."""

    async def refused() -> None:
        async with aiohttp.ClientSession() as session:
            for kind in (Replicate, AsyncReplicate):
                wrong: Any = session
                with pytest.raises(TypeError, match=r"^Invalid `http_client` arg.*not aiohttp\.client\.ClientSession$"):
                    kind(bearer_token="t", http_client=wrong)

    asyncio.run(refused())
    for kind, wrong, name in (
        (Replicate, Session(), r"\.Session"),
        (AsyncReplicate, Session(), r"\.Session"),
        (Replicate, mock.MagicMock(), "MagicMock"),
        (AsyncReplicate, mock.MagicMock(), "MagicMock"),
        (Replicate, mock.Mock(spec=["send", "close"]), "Mock"),
        (Replicate, httpx2.AsyncClient(), r"httpx2\.AsyncClient"),
        (AsyncReplicate, httpx2.Client(), r"httpx2\.Client"),
        (Replicate, mock.create_autospec(httpx.AsyncClient, instance=True), "NonCallableMagicMock"),
        (AsyncReplicate, mock.create_autospec(httpx2.Client, instance=True), "NonCallableMagicMock"),
    ):
        made: Any = kind
        with pytest.raises(TypeError, match=rf"^Invalid `http_client` argument: {kind.__name__} takes.*{name}$"):
            made(bearer_token="t", http_client=wrong)
        with pytest.raises(TypeError, match=r"^Invalid `http_client` argument"):
            made(bearer_token="t").with_options(http_client=wrong)


def test_objects_that_stand_for_a_client() -> None:
    """Mocks specified from a client, and objects with its methods, are accepted."""
    for kind, stand_in in (
        (Replicate, mock.create_autospec(httpx.Client, instance=True)),
        (Replicate, mock.create_autospec(httpx2.Client, instance=True)),
        (AsyncReplicate, mock.create_autospec(httpx.AsyncClient, instance=True)),
        (AsyncReplicate, mock.AsyncMock(spec=httpx.AsyncClient)),
    ):
        made: Any = kind
        assert made(bearer_token="t", http_client=stand_in)._session.transport._client is stand_in
    wrapped: Any = Wrapper(httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json={}))))
    with Replicate(bearer_token="t", http_client=wrapped) as client:
        assert client.get("/x").status_code == 200


RUN = """
import sys
import replicate
assert "httpx2" not in sys.modules
with replicate.Client({token!r}, base_url={base_url!r}) as client:
    client.account.get()
assert "httpx2" not in sys.modules
"""
ALIASED = """
import httpx2
httpx2.alias_httpx()
import replicate
with replicate.Client({token!r}, base_url={base_url!r}) as client:
    assert type(client.get("/account")) is httpx2.Response
    assert client.run("me/official", {{"text": "hi"}}) == "HI!"
    try:
        client.models.get("me/none")
    except replicate.NotFoundError:
        pass
"""


@pytest.mark.parametrize("program", [RUN, ALIASED])
def test_httpx2_is_not_imported(program: str, server: Server) -> None:
    """This package does not import httpx2. A program that aliases httpx2 as httpx works."""
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    text = program.format(base_url=server.base_url, token=server.token)
    subprocess.run([sys.executable, "-W", "error", "-c", text], env=environment, check=True)


def test_status_errors_of_files(library: Any) -> None:
    """An error from a file host shows its status and the URL after the redirect."""
    with Faults(answer("302 Found", b"", "Location: /v1/next?sig=1"), answer("403 Forbidden", b"no")) as host:
        client = Replicate(bearer_token="t", http_client=library.Client(), base_url="https://api.test/v1")
        with client, pytest.raises(APIStatusError, match="403 Forbidden from GET /v1/next: no"):
            client.get(f"{host.origin}/x")
        assert b"authorization" not in b"".join(host.requests).lower()
