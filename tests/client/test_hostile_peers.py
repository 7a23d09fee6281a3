"""Calls end in time, however a server, a resolver or a pipe keeps them waiting."""

from __future__ import annotations

import base64
import io
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import anyio
import httpcore
import httpx
import pytest
import trustme
from support.colours import connect, got
from support.faults import Faults, answer
from support.hostile import BODY, HEAD, HINTS, PAUSE, PEERS, UPLOAD, Hostile

from replicate import (
    APITimeoutError,
    DefaultAsyncHttpxClient,
    DefaultHttpxClient,
    PredictionTimeout,
    ReplicateException,
    RunError,
)
from replicate._http import attempt, session
from replicate._http.connections import deadline_backend
from replicate._http.connections import in_time as in_thread
from replicate._jobs import ownership, recovery
from replicate._recent import Recent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 0.1
ENOUGH = 4.0
"""Seconds after which a call has not ended in time. The peers would go on."""
RUNNING = b'{"id": "p1", "status": "processing", "urls": {}}'
LIMITS = [(ownership, "LAST_WILL"), (ownership, "AT_EXIT"), (recovery, "LAST_WILL")]
CHANCES = [(module, "LAST_CHANCE") for module in (session, attempt, ownership, recovery)]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a cancellation take less than the usual five seconds, and a late request less than one."""
    for module, name in LIMITS:
        monkeypatch.setattr(module, name, 2 * SECONDS)
    for module, name in CHANCES:
        monkeypatch.setattr(module, name, SECONDS)


@contextmanager
def in_time(seconds: float = ENOUGH) -> Iterator[None]:
    begun = monotonic()
    yield
    assert monotonic() - begun < seconds


@pytest.mark.parametrize("peer", PEERS)
async def test_the_deadline_of_a_create(colour: str, peer: str) -> None:
    """A call ends at its deadline if the response to its create never ends. The create may have arrived."""
    with Hostile(peer) as server:
        client = connect(colour, base_url=server.base_url)
        with in_time(), pytest.raises(RunError):
            await got(client.run("me/model", {"prompt": "a"}, timeout=SECONDS))
        await got(client.close())


@pytest.mark.parametrize("peer", PEERS)
async def test_the_deadline_of_a_prediction(colour: str, peer: str) -> None:
    """A call ends soon after its deadline if polls and the cancellation are answered without an end."""
    with Hostile(peer, RUNNING) as server:
        client = connect(colour, base_url=server.base_url)
        with in_time(), pytest.raises(PredictionTimeout):
            await got(client.run("me/model", {"prompt": "a"}, timeout=SECONDS, wait=False))
        await got(client.close())


@pytest.mark.parametrize("peer", PEERS)
async def test_a_number_of_seconds_for_a_request(colour: str, peer: str) -> None:
    """A response must be complete within a client's timeout, if that is a number, with any client of ours."""
    http = {"blocking": DefaultHttpxClient}.get(colour, DefaultAsyncHttpxClient)
    with Hostile(peer) as server:
        for given in ({}, {"http_client": http()}):
            client = connect(colour, base_url=server.base_url, timeout=SECONDS, max_retries=0, **given)
            with in_time(), pytest.raises(APITimeoutError) as caught:
                await got(client.get("/account"))
            assert isinstance(caught.value, httpx.ReadTimeout)
            assert caught.value.sent
            await got(client.close())


async def test_parts_of_a_timeout_are_httpx_s(colour: str) -> None:
    """An httpx timeout limits each wait, so a response that goes on arriving may take longer."""
    with Hostile(BODY) as server:
        client = connect(colour, base_url=server.base_url, timeout=httpx.Timeout(SECONDS), max_retries=0)
        threading.Timer(3 * SECONDS, server.end.set).start()
        with pytest.raises(httpx.RemoteProtocolError):
            await got(client.get("/account"))  # the server closed the connection
        await got(client.close())


async def test_an_upload_that_goes_on(colour: str) -> None:
    """A client's timeout does not limit an upload, nor a stream, as long as it goes on."""
    file = io.BytesIO(bytes(30_000_000))

    def slowly(connection: socket.socket) -> None:
        left = 30_000_000
        while left > 0:
            left -= len(connection.recv(1_000_000))
            server.end.wait(PAUSE / 4)
        connection.sendall(answer(body=b'{"id": "f1"}'))

    with Hostile(UPLOAD) as server:
        server._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 250_000)
        server.handle = slowly  # type: ignore[method-assign]
        client = connect(colour, base_url=server.base_url, timeout=3 * SECONDS, max_retries=0)
        assert (await got(client.files.create(file))).id == "f1"
        await got(client.close())


@pytest.mark.parametrize("peer", [UPLOAD, HEAD])
async def test_the_deadline_of_an_upload(colour: str, peer: str) -> None:
    """A call ends at its deadline while a file is uploaded, and certainly has started nothing."""
    with Hostile(peer) as server:
        client = connect(colour, base_url=server.base_url)
        with in_time(), pytest.raises(APITimeoutError):
            await got(client.run("me/model", {"file": io.BytesIO(bytes(20_000_000))}, timeout=SECONDS))
        await got(client.close())


# ---- over TLS, and through proxies


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> ssl.SSLContext:
    """Return the context of a TLS server for 127.0.0.1 that clients trust."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "api.test").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return context


@pytest.mark.parametrize("peer", [HEAD, HINTS, UPLOAD])
async def test_the_deadline_over_tls(colour: str, peer: str, trusted: ssl.SSLContext) -> None:
    """Deadlines hold over TLS."""
    with Hostile(peer) as server:
        plain = server.handle

        def handle(connection: socket.socket) -> None:
            with trusted.wrap_socket(connection, server_side=True) as encrypted:
                plain(encrypted)

        server.handle = handle  # type: ignore[method-assign]
        url = server.base_url.replace("http:", "https:")
        client = connect(colour, base_url=url)
        with in_time(), pytest.raises(ReplicateException):
            await got(client.run("me/model", {"file": io.BytesIO(bytes(4_000_000))}, timeout=3 * SECONDS))
        await got(client.close())


@pytest.mark.parametrize("peer", [HEAD, HINTS])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_deadline_through_a_proxy(
    colour: str, peer: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deadlines hold for a proxy that keeps the client waiting, also while it makes a tunnel."""
    with Hostile(peer) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.origin)
        client = connect(colour, base_url=f"{scheme}://api.test/v1", max_retries=0)
        with in_time(), pytest.raises(ReplicateException):
            await got(client.run("me/model", {}, timeout=SECONDS))
        await got(client.close())


# ---- names


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Make the look-up of `api.test` hang until the event is set."""
    usual, go = socket.getaddrinfo, threading.Event()

    def hang(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        if host in ("api.test", b"api.test"):
            if not flags & socket.AI_NUMERICHOST:
                go.wait(20)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return usual(host, port, family, type, proto, flags)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield go
    go.set()


async def test_a_name_that_is_not_found_in_time(colour: str, hanging: threading.Event) -> None:
    """A resolver that hangs is left behind at the deadline, and at the connect timeout. Nothing was sent."""
    client = connect(colour, base_url="http://api.test/v1", timeout=httpx.Timeout(5, connect=SECONDS), max_retries=0)
    for work in (lambda: client.run("me/model", {}, timeout=SECONDS), lambda: client.get("/account")):
        with in_time(), pytest.raises(APITimeoutError) as caught:
            await got(work())
        assert isinstance(caught.value, httpx.ConnectTimeout)
        assert not caught.value.sent
    hanging.set()
    await got(client.close())


def test_dead_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connect timeout is for all addresses of a name together, and dead ones leave the others some of it."""
    now, asked = [0.0], list[tuple[str, float]]()

    class Inner:
        def connect_tcp(self, host: str, port: int, timeout: float, **_: Any) -> Any:
            asked.append((host, timeout))
            if host.endswith(".7"):
                return Mock(port=port)
            now[0] += timeout
            raise httpcore.ConnectTimeout("timed out")

    monkeypatch.setattr(deadline_backend.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(deadline_backend.Backend, "_connects_as_python_does", lambda _: True)
    found = [(2, 1, 6, "", (f"192.0.2.{number}", 80)) for number in range(1, 8)]
    for addresses in (found, found[:6]):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: addresses)  # noqa: B023 - called in this round
        asked.clear()
        now[0] = 0.0
        backend: Any = deadline_backend.Backend(Inner(), httpcore)
        if len(addresses) == 7:
            assert backend.connect_tcp("api.test", 80, 7.0).port == 80
        else:
            with pytest.raises(httpcore.ConnectTimeout):
                backend.connect_tcp("api.test", 80, 6.0)
        assert asked == [(address[0], pytest.approx(1.0)) for *_, address in addresses]


# ---- pipes


class Stalled(io.RawIOBase):
    """A stream like that of a library, which waits for somebody to write."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        del buffer
        self.go.wait(20)
        return 0


@contextmanager
def stalled(kind: str, folder: Path) -> Iterator[Any]:
    """Yield an open stream that has something to read at first, and then nothing."""
    with ExitStack() as stack:
        if kind == "a library's":
            stream = Stalled()
            stack.callback(stream.go.set)
            yield stream
            return
        if kind == "a subprocess":
            script = "import sys, time; sys.stdout.write('begun'); sys.stdout.flush(); time.sleep(20)"
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE))
            stack.callback(process.kill)
            yield process.stdout
            return
        if kind == "a named pipe":
            os.mkfifo(folder / "pipe")
            reader = os.open(folder / "pipe", os.O_RDWR)
            writer = os.dup(reader)
        else:
            reader, writer = os.pipe()
        stack.callback(os.close, writer)
        os.write(writer, b"begun")
        yield stack.enter_context(os.fdopen(reader, "rb", buffering=0 if kind == "an unbuffered pipe" else -1))


KINDS = ["a pipe", "an unbuffered pipe", "a named pipe", "a subprocess", "a library's"]


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes")
@pytest.mark.parametrize("kind", KINDS)
async def test_a_pipe_that_stalls(colour: str, kind: str, tmp_path: Path) -> None:
    """A call ends at its deadline while an input is read, and has started nothing."""
    with Faults(answer()) as server, stalled(kind, tmp_path) as stream:
        client = connect(colour, base_url=server.base_url)
        with in_time(), pytest.raises(APITimeoutError, match=r"input\['file'\] was waited for") as caught:
            await got(client.run("me/model", {"file": stream}, timeout=SECONDS))
        assert not caught.value.sent
        assert server.requests == []
        await got(client.close())


@pytest.mark.skipif(sys.platform == "win32", reason="pipes")
@pytest.mark.parametrize("kind", ["a pipe", "a library's"])
@pytest.mark.parametrize("work", ["run", "files.create"])
async def test_a_task_that_is_canceled_while_it_reads_a_pipe(colour: str, kind: str, work: str, tmp_path: Path) -> None:
    """A task that reads a stalled pipe is canceled at once."""
    if colour == "blocking":
        pytest.skip("that has no tasks")
    with Faults(answer()) as server, stalled(kind, tmp_path) as stream:
        client = connect(colour, base_url=server.base_url)
        with in_time(), anyio.move_on_after(SECONDS) as scope:
            await (client.run("me/model", {"file": stream}) if work == "run" else client.files.create(stream))
        assert scope.cancelled_caught
        await got(client.close())


@pytest.mark.skipif(sys.platform == "win32", reason="pipes")
async def test_a_pipe_that_is_written_slowly(colour: str) -> None:
    """A pipe is read to its end, however it is written, with and without a deadline."""
    with Faults(answer(body=b'{"id": "p1", "status": "succeeded", "output": "a"}')) as server:
        client = connect(colour, base_url=server.base_url)
        for seconds in (20, None):
            reader, writer = os.pipe()
            with os.fdopen(reader, "rb") as stream, os.fdopen(writer, "wb", buffering=0) as file:
                file.write(b"a" * 5000)
                timer = threading.Timer(PAUSE, lambda file=file: (file.write(b"b"), file.close()))
                timer.start()
                assert await got(client.run("me/model", {"file": stream}, timeout=seconds)) == "a"
                timer.join()
            content = base64.b64decode(server.requests[-1].partition(b"base64,")[2].partition(b'"')[0])
            assert content == b"a" * 5000 + b"b"
        await got(client.close())


# ---- the end of a program

BEGIN = """
import asyncio, sys, threading
import replicate
from replicate._http import attempt, session
from replicate._jobs import ownership, recovery

for module in (session, attempt, ownership, recovery):
    module.LAST_CHANCE = 0.1
ownership.LAST_WILL = recovery.LAST_WILL = ownership.AT_EXIT = 0.3

def run(**options):
    replicate.run("me/model", {}, **options)

async def run_async(**options):
    await replicate.AsyncReplicate().run("me/model", {}, **options)

def begin(work, **options):
    threading.Thread(target=work, kwargs=options, daemon=True).start()
    sys.stdin.read()

"""
PROGRAMS = [
    (HEAD, "Ctrl-C", "run(wait=False)"),
    (HINTS, "Ctrl-C", "run()"),
    (BODY, "Ctrl-C", "asyncio.run(run_async(wait=False))"),
    (HEAD, "the end", "begin(run)"),
    (HINTS, "the end", "begin(run, wait=False)"),
]
"""A peer, what ends the program, and the program, whose create is not answered to the end, or else its polls."""


def started(server: Hostile, program: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "REPLICATE_API_TOKEN": "t", "REPLICATE_BASE_URL": server.base_url}
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen([sys.executable, "-c", BEGIN + program], env=environment, text=True, **pipes)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_programs_end() -> None:
    """After Ctrl-C, and at its end, a program ends soon, although nothing that it sends is answered to the end."""
    with ExitStack() as stack:
        running: list[tuple[str, Hostile, subprocess.Popen[str]]] = []
        for peer, ending, program in PROGRAMS:
            server = stack.enter_context(Hostile(peer, *([RUNNING] if "wait=False" in program else [])))
            running.append((ending, server, stack.enter_context(started(server, program))))
        for ending, server, process in running:
            assert server.met.wait(30), process.communicate()
            with in_time(10):
                if ending == "Ctrl-C":
                    process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=30)
            assert process.returncode == (-signal.SIGINT if ending == "Ctrl-C" else 0), said
            assert "could not be canceled" in said


@pytest.mark.skipif(sys.platform == "win32", reason="pipes")
def test_a_program_ends_whose_stdin_stalls() -> None:
    """A thread that still reads stdin does not disturb the end of the program."""
    program = """
try:
    replicate.run("me/model", {"file": sys.stdin.buffer}, timeout=0.1)
except replicate.APITimeoutError as error:
    print(error)
"""
    with Hostile(HEAD) as server, started(server, program) as process:
        assert process.stdin is not None
        process.stdin.write("begun")
        process.stdin.flush()
        process.wait(30)
        said, complained = process.communicate()
    assert (process.returncode, complained) == (0, "")
    assert "was waited for" in said


# ---- threads that are left behind


def test_work_in_time() -> None:
    """Work ends with its result or error; what is late is left behind; it is done here if no thread can be started."""
    go = threading.Event()
    assert in_thread.in_time(lambda: "done", 20) == "done"
    with pytest.raises(KeyError, match="mine"):
        in_thread.in_time(lambda: {}["mine"], 20)
    with pytest.raises(in_thread.LateError):
        in_thread.in_time(lambda: go.wait(20), 0.01)
    go.set()


def test_a_name_at_the_end_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """When Python starts no more threads, names that are known are not looked up again."""
    found = [(2, 1, 6, "", ("192.0.2.1", 80))]
    asked: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments: asked.append(arguments[0]) or found)
    monkeypatch.setattr(deadline_backend, "found_before", Recent(9))

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(deadline_backend.Backend, "_connects_as_python_does", lambda _: True)
    backend: Any = deadline_backend.Backend(Mock(), httpcore)
    backend.connect_tcp("known.test", 80, 5.0)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    backend.connect_tcp("known.test", 80, 5.0)
    backend.connect_tcp("other.test", 80, 5.0)
    assert asked == ["known.test", "other.test"]
    assert [call.args[0] for call in backend._inner.connect_tcp.mock_calls] == ["192.0.2.1"] * 3
