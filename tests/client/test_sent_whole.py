"""A create is ambiguous only if all of it was sent: a server does not act on a part of a request."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import anyio
import httpcore
import httpx
import pytest
from support.colours import connect, got
from support.faults import Faults, answer, read_request, reset
from support.listening import Listening

from replicate import AmbiguousCreateError, APIConnectionError, APIStatusError, RequestTooLargeError, RunError
from replicate._dual.drive import drive
from replicate._http.connections.sending import AsyncSending, Sending
from replicate.exceptions import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONG = {"prompt": "x" * 20_000_000}
"""More than the buffers between two sockets hold."""
EMPTY = answer(body=b'{"results": [], "next": null, "previous": null}')
TOO_LARGE = answer("413 Payload Too Large", b'{"detail": "at most 1 MB"}')
WAYS: dict[str, Callable[[Any, Any], Any]] = {
    "create": lambda client, inputs: client.predictions.create("me/model", inputs),
    "run": lambda client, inputs: client.run("me/model", inputs),
    "training": lambda client, inputs: client.trainings.create(
        model="me/model", version="v" * 64, destination="me/other", input=inputs
    ),
}


class Listener(Listening):
    """Handles each connection with a function, and counts the creates whose head has arrived."""

    def __init__(self, act: Callable[[socket.socket], None]) -> None:
        super().__init__()
        self._act = act
        self.creates = 0

    def handle(self, connection: socket.socket) -> None:
        self._act(connection)

    def head(self, connection: socket.socket) -> bytes:
        """Read the head of a request, and no more of its body than came with it."""
        received = b""
        while b"\r\n\r\n" not in received and (more := connection.recv(1024)):
            received += more
        self.creates += received.startswith(b"POST")
        return received


@pytest.fixture
def early() -> Iterator[Callable[[bytes], Listener]]:
    """Yield a function that makes servers which answer a create after its head and reset the connection."""
    with contextlib.ExitStack() as stack:

        def listen(early_answer: bytes) -> Listener:
            def handle(connection: socket.socket) -> None:
                if listener.head(connection).startswith(b"GET"):
                    connection.sendall(EMPTY)
                    return
                connection.sendall(early_answer)
                reset(connection)

            listener = Listener(handle)
            return stack.enter_context(listener)

        yield listen


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("early_answer", [TOO_LARGE, b"", answer("502 Bad Gateway")], ids=["413", "none", "502"])
async def test_a_body_that_was_not_sent_whole(colour: str, early: Any, way: str, early_answer: bytes) -> None:
    """A create whose body was not sent whole has started nothing: it is sent again, and the error is not ambiguous."""
    with connect_for(colour, early(early_answer)) as (client, server):
        with pytest.raises((APIConnectionError, APIStatusError)) as caught:
            await got(WAYS[way](client, LONG))
        error: Any = caught.value
        assert not isinstance(error, (AmbiguousCreateError, RunError))
        told = f"{error} {error.hint}"
        if early_answer == TOO_LARGE and isinstance(error, RequestTooLargeError):
            assert server.creates == 1  # the response could be read
            assert "at most 1 MB" in told
        else:
            assert server.creates == 3
            assert "too large" in told or "502" in told


@contextlib.contextmanager
def connect_for(colour: str, server: Listener, **options: Any) -> Iterator[tuple[Any, Listener]]:
    client = connect(colour, base_url=server.base_url, **options)
    client._session.transport.sleep = slept
    yield client, server


async def slept(_: float) -> None:
    """Return at once."""


@pytest.mark.parametrize("way", WAYS)
async def test_a_body_that_is_not_read_in_time(colour: str, way: str) -> None:
    """A body that the server does not take in time has not arrived whole, so nothing was started."""
    held: list[socket.socket] = []

    def handle(connection: socket.socket) -> None:
        listener.head(connection)
        held.append(connection.dup())

    with Listener(handle) as listener, connect_for(colour, listener) as (client, _):
        with pytest.raises(httpx.WriteTimeout, match="did not take the request in time") as caught:
            await got(WAYS[way](client.with_options(timeout=httpx.Timeout(5, write=0.05), max_retries=0), LONG))
        assert not caught.value.sent  # type: ignore[attr-defined]
    for each in held:
        each.close()


async def test_a_short_body_on_a_connection_that_breaks_when_it_is_read(colour: str) -> None:
    """A short body was sent whole before the connection broke: the create is ambiguous and not sent again."""

    def handle(connection: socket.socket) -> None:
        if read_request(connection).startswith(b"GET"):
            connection.sendall(EMPTY)
            return
        listener.creates += 1
        reset(connection)

    with Listener(handle) as listener, connect_for(colour, listener) as (client, _):
        with pytest.raises(AmbiguousCreateError):
            await got(client.predictions.create("me/model", {"prompt": "x" * 2000}))
        assert listener.creates == 1


@pytest.mark.parametrize("reply", [b"HTTP/1.1 502 Bad Gateway\r\n\r\n", b"", None], ids=["502", "nothing", "silence"])
async def test_a_proxy_that_refuses_a_tunnel(colour: str, reply: bytes | None) -> None:
    """If a proxy refuses CONNECT, nothing of the create was sent."""
    asked: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        asked.append(proxy.head(connection).split(b" ")[0])
        if reply is None:
            held.append(connection.dup())
        else:
            connection.sendall(reply)

    held: list[socket.socket] = []
    with Listener(handle) as proxy:
        http = (httpx.Client if colour == "blocking" else httpx.AsyncClient)(proxy=proxy.origin)
        timeout = httpx.Timeout(5, read=0.05)
        client = connect(colour, base_url="https://api.invalid/v1", http_client=http, timeout=timeout, max_retries=1)
        client._session.transport.sleep = slept
        with pytest.raises(APIConnectionError, match="could not be reached") as caught:
            await got(client.predictions.create("me/model", {}))
        assert asked == [b"CONNECT", b"CONNECT"]
        assert not caught.value.sent
        await got(client.close())
    for each in held:
        each.close()


FRAMES = struct.Struct(">BHBBL")


def http2(connection: socket.socket, act: Callable[[int], bytes]) -> None:
    """Read HTTP/2 frames and send what a function returns for each type, which is enough to break a request off."""
    received = b""

    def read(size: int) -> bytes:
        nonlocal received
        while len(received) < size:
            more = connection.recv(65536)
            if not more:
                raise ConnectionResetError
            received += more
        taken, received = received[:size], received[size:]
        return taken

    read(len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    connection.sendall(FRAMES.pack(0, 0, 4, 0, 0))  # SETTINGS
    while True:
        high, low, kind, flags, _ = FRAMES.unpack(read(9))
        read(high << 16 | low)
        ended = kind in (0, 1) and flags & 1
        if reply := act(-1 if ended else kind):
            connection.sendall(reply)


GARBAGE = FRAMES.pack(0, 0, 0, 0, 0)
"""DATA on stream 0, which is a protocol error."""


@pytest.mark.parametrize(
    ("inputs", "after", "doubt"),
    [({"prompt": "hi"}, -1, True), (LONG, 1, False)],
    ids=["after the body", "after the headers"],
)
async def test_a_protocol_error_of_http_2(colour: str, inputs: Any, after: int, *, doubt: bool) -> None:
    """A server's protocol error is httpx's LocalProtocolError, too: a create that was sent whole is ambiguous."""

    def handle(connection: socket.socket) -> None:
        http2(connection, lambda kind: GARBAGE if kind == after else b"")

    with Listener(handle) as server:
        http = (httpx.Client if colour == "blocking" else httpx.AsyncClient)(http1=False, http2=True)
        timeout = httpx.Timeout(5, read=0.5)  # httpcore keeps using such a connection, which then stays silent
        client = connect(colour, base_url=server.base_url, http_client=http, max_retries=0, timeout=timeout)
        client._session.transport.sleep = slept
        with pytest.raises(AmbiguousCreateError if doubt else APIConnectionError) as caught:
            await got(client.predictions.create("me/model", inputs))
        error: Any = caught.value
        assert "Check the headers" not in f"{error} {error.hint}" or not doubt
        await got(client.close())


async def test_an_invalid_header(colour: str) -> None:
    """An invalid header is a LocalProtocolError before anything is sent."""
    with Faults(b"") as server:
        http = (httpx.Client if colour == "blocking" else httpx.AsyncClient)(headers={"a b": "c"})
        client = connect(colour, base_url=server.base_url, http_client=http)
        with pytest.raises(LocalProtocolError, match="was not asked"):
            await got(client.predictions.create("me/model", {}))
        assert b"".join(server.requests).strip() == b""
        await got(client.close())


def test_an_interrupt_while_connecting(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """An interrupt while connecting ends the call at once, without a search, since nothing was sent."""
    tries: list[object] = []

    def interrupted(address: object, *_: object, **__: object) -> Any:
        tries.append(address)
        raise KeyboardInterrupt  # as a signal handler does here

    with Faults(EMPTY) as server:
        client = connect("blocking", base_url=server.base_url)
        monkeypatch.setattr(socket, "create_connection", interrupted)
        with pytest.raises(KeyboardInterrupt):
            client.run("me/model", {"prompt": "hi"})
        monkeypatch.undo()
        assert len(tries) == 1
        assert server.requests == []
        assert not caplog.records


# ---- the meaning of httpcore's trace events

HEAD = [
    ("http11.send_request_headers.started", {"request": Mock(method=b"POST", headers=[(b"Content-Length", b"5")])}),
    ("http11.send_request_headers.complete", {}),
]
BODY = ("http11.send_request_body.started", {"request": Mock(stream=Mock(is_left=False))})
PART = ("http11.send_request_body.started", {"request": Mock(stream=Mock(is_left=True))})
BARE = ("http11.send_request_headers.started", {"request": Mock(method=b"POST", headers=[(b"Host", b"a")])})
TUNNEL = ("http11.send_request_headers.started", {"request": Mock(method=b"CONNECT", headers=[])})


def failed(part: str, error: Exception, cause: Exception | None = None) -> tuple[str, Any]:
    error.__cause__ = cause
    return f"http11.send_request_{part}.failed", {"exception": error}


RESET = ConnectionResetError(errno.ECONNRESET, "reset")


@pytest.mark.parametrize(
    ("events", "arrived"),
    [
        ([], None),
        ([("connection.connect_tcp.started", {})], False),
        ([TUNNEL, ("http11.send_request_body.complete", {})], False),
        (HEAD, False),
        ([*HEAD, BODY, ("http11.send_request_body.complete", {})], True),
        ([*HEAD, BODY, failed("body", httpcore.WriteError(), RESET)], False),
        ([*HEAD, BODY, failed("body", httpcore.WriteError(), anyio.BrokenResourceError())], False),
        # A signal handler's exception looks the same, except for its cause: all may have been sent before.
        ([*HEAD, BODY, failed("body", httpcore.WriteError(), OSError("from a handler"))], True),
        ([*HEAD, BODY, failed("body", httpcore.WriteTimeout(), TimeoutError("from a handler"))], True),
        ([*HEAD, BODY, failed("body", TimeoutError())], True),
        ([*HEAD, PART, failed("body", httpcore.WriteTimeout(), TimeoutError())], False),
        ([*HEAD, PART, failed("body", KeyboardInterrupt())], False),
        ([HEAD[0], failed("headers", httpcore.WriteTimeout(), TimeoutError())], False),
        ([BARE, failed("headers", httpcore.WriteTimeout(), TimeoutError())], True),
        ([BARE, failed("headers", httpcore.WriteError(), RESET)], False),
        ([*HEAD, BODY, ("http11.send_request_body.complete", {}), *HEAD], False),
    ],
)
def test_the_meaning_of_trace_events(events: Any, arrived: bool | None) -> None:  # noqa: FBT001 - the compared value
    """A request counts as not sent only if that is certain, and not if the exception may have another origin."""
    for kind in (Sending, AsyncSending):
        sending = kind()
        for event, info in events:
            if (coroutine := sending(event, info)) is not None:
                drive(coroutine)
        told = {sending.arrived(otherwise=otherwise) for otherwise in (True, False)}
        assert told == ({True, False} if arrived is None else {arrived})


@pytest.mark.parametrize(
    ("version", "own", "traced"), [("http11", True, False), ("http11", False, True), ("http2", True, True)]
)
def test_tracing_ends_when_all_is_out(version: str, *, own: bool, traced: bool) -> None:
    """No more events are asked for when all of a request is out, unless it may be sent again below the client."""
    for kind in (Sending, AsyncSending):
        extensions: dict[str, Any] = {"trace": (sending := kind(own=own))}
        request = Mock(method=b"POST", headers=[(b"Content-Length", b"5")], extensions=extensions)
        for event in ("headers.started", "headers.complete", "body.started", "body.complete"):
            assert "trace" in extensions
            if (coroutine := sending(f"{version}.send_request_{event}", {"request": request})) is not None:
                drive(coroutine)
        assert (("trace" in extensions), sending.whole) == (traced, True)


def test_an_alarm_while_the_body_is_sent(tmp_path: Path) -> None:
    """An apparent socket timeout may come from a signal handler after the whole body was sent, so no second create."""
    program = """
import os, signal, sys
import replicate.local

def alarm(*_):
    raise TimeoutError("alarm")

def profile(frame, event, argument):
    global sent
    if event == "c_return" and argument.__name__ == "send" and "httpcore" in frame.f_code.co_filename:
        sent += 1
        if sent == 2:  # the headers are the first
            sys.setprofile(None)
            os.kill(os.getpid(), signal.SIGALRM)

def shout(prompt: str) -> str:
    return prompt.upper()

sent = 0
signal.signal(signal.SIGALRM, alarm)
with replicate.local.server({"me/shout": replicate.local.Model(shout, official=True)}) as server:
    client = server.client()
    sys.setprofile(profile)
    try:
        client.run("me/shout", {"prompt": "a"})
    except replicate.RunError as error:
        assert isinstance(error.__cause__, TimeoutError)
    print(len(server.predictions))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "1\n"
