"""Connections after an interrupt, which may come while the pool's lock is held, and the connections of creates."""

from __future__ import annotations

import asyncio
import threading
import weakref
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import RUN, connect, got
from support.faults import Faults, answer

from replicate import Replicate, local
from replicate._http.connections import client_factory
from replicate._http.connections.addresses import Unfetchable
from replicate._http.connections.transport import BlockingTransport
from replicate._jobs import ownership

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from replicate.local import Server


class Interrupted(BaseException):
    """Raised by a signal handler."""


class Leaky:
    """A lock like httpcore's. If `armed`, a signal handler raises just after the lock is taken, once.

    Python may run signal handlers between any two steps, so also between taking a lock and entering its block.
    """

    def __init__(self, lock: Any, error: BaseException) -> None:
        self._lock, self._error = lock, error
        self.armed = False

    def __enter__(self) -> Any:
        self._lock.__enter__()
        if self.armed:
            self.armed = False
            raise self._error
        return self

    def __exit__(self, *how: object) -> None:
        self._lock.__exit__(*how)


def leaky(client: httpx.Client, error: BaseException) -> Leaky:
    """Put a leaky lock into the pool of an httpx client."""
    pool: Any = client._transport._pool  # type: ignore[attr-defined]
    lock = pool._optional_thread_lock = Leaky(pool._optional_thread_lock, error)
    return lock


@pytest.fixture
def place() -> Iterator[tuple[Server, threading.Event]]:
    go = threading.Event()

    def wait() -> str:
        """Wait for the test to end."""
        go.wait(20)
        return "done"

    with local.server({"me/held": local.Model(wait, official=True)}) as server:
        yield server, go
        go.set()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Interrupted()], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("given", [False, True], ids=["own client", "http_client="])
def test_a_lock_that_stays_held(
    place: tuple[Server, threading.Event], error: BaseException, monkeypatch: pytest.MonkeyPatch, *, given: bool
) -> None:
    """An interrupt that leaves the pool's lock held still ends the call and cancels its prediction.

    With a client of the caller's, a thread cancels it, and the call waits for that thread for a limited time.
    """
    server, go = place
    http = httpx.Client() if given else None
    with Replicate(bearer_token=server.token, base_url=server.base_url, http_client=http) as client:
        transport: Any = client._session.transport
        assert client.models.get("me/held").name == "held"  # creates the pool
        lock = leaky(transport.client, error)
        sleep = transport.sleep

        async def armed(seconds: float) -> None:
            lock.armed, transport.sleep = True, sleep
            await sleep(min(seconds, 0.01))

        transport.sleep = armed
        if given:
            monkeypatch.setattr(ownership, "LAST_WILL", 0.2)
        with pytest.raises(type(error)):
            client.run("me/held", wait=False)
        if not given:
            assert [each.status for each in server.predictions] == ["canceled"]
            assert client.models.get("me/held").name == "held"  # over another pool
    go.set()
    lock.__exit__()  # releases the lock that the interrupted thread holds
    for thread in threading.enumerate():
        if thread.name == "replicate in time":
            thread.join(20)


def test_other_threads_go_on(place: tuple[Server, threading.Event]) -> None:
    """An interrupt in one thread does not break requests of other threads: the old HTTP client stays open for them."""
    server, go = place
    with Replicate(bearer_token=server.token, base_url=server.base_url) as client:
        results: list[Any] = []
        other = threading.Thread(target=lambda: results.append(client.run("me/held", wait=20)))
        other.start()
        while not server.predictions:
            threading.Event().wait(0.01)
        lock = leaky(client._session.transport.client, KeyboardInterrupt())
        lock.armed = True
        with pytest.raises(KeyboardInterrupt):
            client.models.get("me/held")
        go.set()
        other.join(20)
        assert results == ["done"]
        lock.__exit__()


def test_a_discarded_client_is_closed_in_the_end() -> None:
    """A discarded HTTP client is closed with its transport, or when that is dropped."""
    with Faults(answer()) as server:
        request = {"method": "GET", "url": httpx.URL(server.origin), "timeout": 5}
        for end in ("closed", "dropped"):
            transport = BlockingTransport()
            RUN["blocking"](transport.send(request))
            first = transport.client
            assert transport._left_by(KeyboardInterrupt())
            assert transport.client is not first
            assert not first.is_closed
            if end == "closed":
                RUN["blocking"](transport.close())
            gone = weakref.ref(transport)
            del transport
            assert gone() is None
            assert first.is_closed


@pytest.mark.parametrize(
    "error",
    [httpx.ReadTimeout("late"), httpx.InvalidURL("odd"), Unfetchable("private"), asyncio.CancelledError()],
    ids=repr,
)
def test_an_error_of_the_library_discards_nothing(error: BaseException) -> None:
    """An error of the HTTP library leaves its pool intact, so the HTTP client is kept."""
    transport = BlockingTransport()
    first = transport.client
    assert not transport._left_by(error)
    assert transport.client is first
    RUN["blocking"](transport.close())


async def test_an_interrupt_in_an_event_loop(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an event loop, too, an HTTP client is discarded when an interrupt ends its request."""
    if colour == "blocking":
        pytest.skip("that has threads")
    with Faults(answer()) as server:
        client = connect(colour, base_url=server.base_url)
        lanes: Any = await client._session.transport.lanes()
        await got(client.get("/account"))
        (http,) = lanes._all

        async def interrupted(*_: Any, **__: Any) -> None:
            raise Interrupted

        monkeypatch.setattr(http, "send", interrupted)
        with pytest.raises(Interrupted):
            await got(client.get("/account"))
        assert http.is_closed
        assert (await got(client.get("/account"))).status_code == 200
        assert len(lanes._all) == 1
        assert lanes._places.value == 500


# ---- the connections of creates


@pytest.fixture
def kept() -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """Yield a server that keeps connections open, and a function that says over which one each request came."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    came: list[str] = []
    ports: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            port = self.client_address[1]
            if port not in ports:
                ports.append(port)
            came.append(f"{self.command} over {ports.index(port) + 1}")
            body = b'{"id": "p%d", "status": "succeeded", "output": "a"}' % len(came)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - the base class's names

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", lambda: came
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("moment", [60.0, 0.0], ids=["at once", "after a moment"])
async def test_creates_have_connections_of_their_own(
    colour: str, kept: Any, moment: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Creates have their own connections, kept for a moment: the server may be closing one that was idle longer."""
    monkeypatch.setattr(client_factory, "KEEP_ALIVE", moment)
    base_url, came = kept
    client = connect(colour, base_url=base_url)
    for _ in range(2):
        await got(client.predictions.create("me/model", {}))
        await got(client.predictions.get("p1"))
    last = "POST over 1" if moment else "POST over 3"
    assert came() == ["POST over 1", "GET over 2", last, "GET over 2"]
    await got(client.close())


async def test_a_client_of_the_caller_s_has_one_pool(colour: str, kept: Any) -> None:
    """A client of the caller's has one pool, for creates and everything else."""
    base_url, came = kept
    http = httpx.Client() if colour == "blocking" else httpx.AsyncClient()
    client = connect(colour, base_url=base_url, http_client=http)
    await got(client.predictions.create("me/model", {}))
    await got(client.predictions.get("p1"))
    assert came() == ["POST over 1", "GET over 1"]
    await got(client.close())


@pytest.mark.parametrize(("theirs", "expiry"), [(None, 1.0), (5.0, 1.0), (0.5, 0.5)])
def test_the_limits_of_creates(theirs: float | None, expiry: float) -> None:
    """The caller's limits apply to the connections of creates, too."""
    kept = {"max_connections": 3, "max_keepalive_connections": 2}
    factory = client_factory.ClientFactory({"limits": httpx.Limits(**kept, keepalive_expiry=theirs)}, blocking=True)
    assert factory.arguments(creates=True)["limits"] == httpx.Limits(**kept, keepalive_expiry=expiry)
    assert factory.arguments()["limits"] == httpx.Limits(**kept, keepalive_expiry=theirs)
