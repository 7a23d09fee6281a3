"""Connections that keep to deadlines, next to what callers put below and above them."""

from __future__ import annotations

import signal
import socket
import sqlite3
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpcore
import httpx
import pytest
from support.faults import Faults, answer
from support.sample_models import digest

from replicate import DefaultHttpxClient, Replicate
from replicate._http.connections import deadline_backend
from replicate._http.connections.deadline_backend import AsyncBackend, AsyncStream, Backend, Exchange, Limit, Stream
from replicate.local import Model
from replicate.local import server as local_server

if TYPE_CHECKING:
    from collections.abc import Generator

ACCOUNT = answer(body=b'{"username": "ada"}')


class Inner:
    """A connection that is never late, or a backend that makes one."""

    def __init__(self, made: Any = None) -> None:
        self.made = made

    def get_extra_info(self, name: str) -> Any:
        return self.made if name == "socket" else None

    def read(self, size: int, timeout: float | None) -> bytes:
        return b"x"

    def start_tls(self, *_: Any) -> Inner:
        return self

    def connect_unix_socket(self, path: str, timeout: float | None, **_: Any) -> Any:
        return self.made


def limit(exchange: Exchange, seconds: float) -> Limit:
    made = Limit(seconds)
    made.exchange = exchange
    return made


def test_a_tunnel_takes_no_time_of_the_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number limits the answer of a proxy to CONNECT, and then the response in the tunnel, each on its own."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(deadline_backend, "time", SimpleNamespace(monotonic=lambda: clock.now))
    timeout = limit(Exchange(whole=3.0), 3.0)
    stream = Stream(Inner(), httpcore)
    stream.read(1, timeout)
    clock.now = 2.0
    stream = stream.start_tls(None, "host", timeout)
    for clock.now in (4.0, 6.5):
        assert stream.read(1, timeout) == b"x"
    clock.now = 7.1
    with pytest.raises(httpcore.ReadTimeout):
        stream.read(1, timeout)


async def connected(made: Any) -> Any:
    return made


def test_unix_sockets_keep_to_deadlines() -> None:
    """Connections through a socket in the file system are ours as well."""
    exchange = Exchange(1.0)
    assert type(Backend(Inner(Inner()), httpcore).connect_unix_socket("x", limit(exchange, 1.0))) is Stream
    made = AsyncBackend(Inner(connected(Inner())), httpcore).connect_unix_socket("x", limit(exchange, 1.0))
    with pytest.raises(StopIteration) as ended:
        made.send(None)
    assert type(ended.value.value) is AsyncStream


class Elsewhere(httpcore.NetworkBackend):
    """A backend that knows a name which this machine does not."""

    def __init__(self, origin: str) -> None:
        self.port, self.asked = int(origin.rpartition(":")[2]), list[str]()

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **_: Any) -> httpcore.NetworkStream:  # type: ignore[override]
        self.asked.append(host)
        return httpcore.SyncBackend().connect_tcp("127.0.0.1", self.port, timeout)


def test_a_backend_of_the_caller_looks_names_up() -> None:
    """A backend that the caller has put into a transport gets names, not addresses."""
    with Faults(ACCOUNT) as server:
        transport: Any = httpx.HTTPTransport()
        transport._pool._network_backend = elsewhere = Elsewhere(server.origin)
        http = DefaultHttpxClient(transport=transport)
        client = Replicate(bearer_token="x", base_url="http://api.internal/v1", http_client=http, timeout=5)
        assert client.account.get().username == "ada"
        assert elsewhere.asked == ["api.internal"]


def test_a_patch_of_socket_looks_names_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that replaces `socket.create_connection`, to connect through a tunnel, gets names, not addresses."""
    connect, asked = socket.create_connection, list[Any]()

    def through(address: tuple[str, int], *more: Any, **options: Any) -> socket.socket:
        asked.append(address)
        return connect(("127.0.0.1", port), *more, **options)

    with Faults(ACCOUNT) as server:
        port = int(server.origin.rpartition(":")[2])
        with monkeypatch.context() as patched:
            patched.setattr(socket, "create_connection", through)
            client = Replicate(bearer_token="x", base_url="http://api.internal/v1", timeout=5)
            assert client.account.get().username == "ada"
        assert asked == [("api.internal", 80)]


class Rebuilding(httpx.Auth):
    """An authentication that sends another request than it was given, without its extensions."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        yield httpx.Request(request.method, request.url, headers=request.headers, content=request.content)


class Answering(httpx.Client):
    """A client that gives responses which know no request."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        response = super().send(request, **options)
        made = httpx.Response(response.status_code, headers=response.headers, content=response.read())
        response.close()
        return made


@pytest.mark.parametrize("http", [lambda: httpx.Client(auth=Rebuilding()), Answering])
def test_a_client_of_the_caller_with_another_request(http: Any) -> None:
    """The deadline of a call needs nothing of the request that a caller's client has really sent."""
    with Faults(ACCOUNT) as server, http() as made:
        client = Replicate(bearer_token="x", base_url=server.base_url, http_client=made, timeout=5)
        assert client.account.get().username == "ada"


def test_an_object_that_belongs_to_its_thread() -> None:
    """A file object that only its own thread may read can be an input of a call with a deadline."""
    with local_server({"me/digest": Model(digest, official=True)}) as server, sqlite3.connect(":memory:") as base:
        base.execute("create table files (content blob)")
        base.execute("insert into files values (?)", (b"content",))
        client = Replicate(bearer_token=server.token, base_url=server.base_url)
        with base.blobopen("files", "content", 1, readonly=True) as blob:
            given = client.run("me/digest", {"file": blob}, timeout=20)
        assert given == client.run("me/digest", {"file": b"content"})
    base.close()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="POSIX")
def test_a_signal_handler_s_error_amid_a_write() -> None:
    """The exception of a signal handler is not taken for a fault of the connection that is being written to."""

    def handle(*_: object) -> None:
        raise ConnectionError("mine")

    near, far = socket.socketpair()
    before = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with near, far, pytest.raises(ConnectionError, match="mine"):
            Stream(Inner(near), httpcore).write(bytes(10_000_000), limit(Exchange(5.0), 5.0))
    finally:
        signal.signal(signal.SIGALRM, before)
