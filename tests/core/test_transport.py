"""Connections: shared by threads, one pool for each event loop, and closed in time."""

from __future__ import annotations

import asyncio
import gc
import platform
import subprocess
import sys
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio
from support.faults import Faults, answer

from replicate import AsyncReplicate, Replicate
from replicate._dual.colours import Async, Sync
from replicate._dual.drive import drive
from replicate._http.connections.transport import AsyncTransport, BlockingTransport
from replicate.exceptions import ReplicateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GET = {"method": "GET", "timeout": 5}


@pytest.fixture
def server() -> Iterator[Faults]:
    with Faults(answer()) as faults:
        yield faults


def on_trio(function: Callable[[], Any]) -> Any:
    return trio.run(function)


def on_asyncio(function: Callable[[], Any]) -> Any:
    return asyncio.run(function())


def test_one_async_client_serves_several_event_loops(server: Faults) -> None:
    """A client works in one event loop after another, of asyncio and of trio, without being closed."""
    client = AsyncReplicate(bearer_token="t", base_url=server.base_url)

    async def work() -> int:
        return (await client.get("/account")).status_code

    assert [run(work) for run in (on_asyncio, on_asyncio, on_trio, on_trio, on_asyncio)] == [200] * 5
    gc.collect()


@pytest.mark.parametrize("run", [on_asyncio, on_trio])
def test_a_pool_is_closed_with_its_event_loop(run: Callable[..., Any], server: Faults) -> None:
    """A loop has one pool as long as it runs, which is closed when the loop ends."""
    transport = AsyncTransport()

    async def work() -> Any:
        await transport.send({"url": server.base_url, **GET})
        first, second = await transport.lanes(), await transport.lanes()
        assert first is second
        assert not first.is_closed
        return first

    made = run(work)
    assert made.is_closed
    assert run(work) is not made


def test_a_dropped_client_is_closed_while_the_loop_runs(server: Faults) -> None:
    """The pool of a client that nobody refers to any more is closed, even if the loop goes on."""

    async def main() -> None:
        transport = AsyncTransport()
        client: Any = await transport.lanes()
        del transport
        gc.collect()
        for _ in range(5):  # iterations of the loop, in which the generator's finalizer runs
            await asyncio.sleep(0)
        assert client.is_closed

    asyncio.run(main())


@pytest.mark.parametrize("run", [on_asyncio, on_trio])
def test_closing_an_async_client(run: Callable[..., Any], server: Faults) -> None:
    """`close` closes the pool of the running loop and the client of the blocking twin."""
    transport = AsyncTransport()

    async def work() -> tuple[Any, httpx.Client]:
        pool = await transport.lanes()
        twin = transport.twin().client
        await transport.close()
        await transport.close()
        return pool, twin

    assert all(client.is_closed for client in run(work))


def test_a_client_of_the_caller_is_used() -> None:
    """Requests are sent with the caller's `http_client`, and closing the client closes it."""
    seen: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(200, json={})

    http = httpx.Client(transport=httpx.MockTransport(respond))
    with Replicate(bearer_token="t", http_client=http) as client:
        client.get("/account")
    assert http.is_closed

    async def work() -> None:
        client = AsyncReplicate(bearer_token="t", http_client=httpx.AsyncClient(transport=httpx.MockTransport(respond)))
        async with client:
            await client.get("/models")

    asyncio.run(work())
    assert seen == ["/v1/account", "/v1/models"]


def test_a_blocking_client_serves_many_threads(server: Faults) -> None:
    """Threads share one pool, even if all of them send their first request at once."""
    with Replicate(bearer_token="t", base_url=server.base_url) as client, ThreadPoolExecutor(8) as pool:
        barrier = Barrier(8)

        def work(number: int) -> Any:
            barrier.wait(10)
            client.get(f"/things/{number}")
            return client._session.transport.client

        assert len(set(pool.map(work, range(8)))) == 1
        paths = {request.split()[1] for request in server.requests}
        assert paths == {f"/v1/things/{number}".encode() for number in range(8)}


def test_a_blocking_client_works_inside_a_running_loop(server: Faults) -> None:
    """Blocking calls need no event loop, and work inside a running one."""

    async def main() -> int:
        with Replicate(bearer_token="t", base_url=server.base_url) as client:
            return client.get("/account").status_code

    assert asyncio.run(main()) == trio.run(main) == 200


def test_a_closed_client_raises(server: Faults) -> None:
    """A request after `close` raises an error, and opens no connection."""
    client = Replicate(bearer_token="t", base_url=server.base_url)
    client.get("/account")
    client.close()
    with pytest.raises(ReplicateError, match=r"closed.*save files before leaving"):
        client.get("/account")


@pytest.mark.parametrize("run", [on_asyncio, on_trio])
def test_a_client_that_was_closed_before_use_raises(run: Callable[..., Any]) -> None:
    """A client that was closed before its first use, its twin, and one with a closed `http_client` raise an error."""
    blocking, given = Replicate(bearer_token="t"), httpx.Client()
    blocking.close()
    given.close()
    for client in (blocking, Replicate(bearer_token="t", http_client=given)):
        with pytest.raises(ReplicateError, match="Make another one"):
            client.get("/account")

    async def work() -> None:
        client = AsyncReplicate(bearer_token="t")
        await client.close()
        with pytest.raises(ReplicateError, match="Make another one"):
            await client.get("/account")
        with pytest.raises(ReplicateError, match="Make another one"):
            await client._session.of_colour(Sync).transport.send({"url": "http://127.0.0.1:9", **GET})

    run(work)


def test_a_client_of_the_callers_has_no_twin() -> None:
    """A client with an `http_client` makes no twin of the other colour, which would lack the proxies and settings."""
    with pytest.raises(ReplicateError, match="Make AsyncReplicate"):
        Replicate(bearer_token="t", http_client=httpx.Client()).use("a/b", use_async=True)
    with pytest.raises(ReplicateError, match="Make Replicate"):
        AsyncReplicate(bearer_token="t", http_client=httpx.AsyncClient())._session.of_colour(Sync)


def test_pools_of_closed_loops_are_forgotten() -> None:
    """The pool of a loop that was closed without shutting down its generators is dropped when another loop comes."""
    transport = AsyncTransport()
    for _ in range(3):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(transport.lanes())
        loop.close()
    assert list(transport._keepers) == [loop]


def test_pools_are_made_under_the_lock() -> None:
    """Event loops in several threads do not interfere with each other's pools."""
    transport = AsyncTransport()
    with ThreadPoolExecutor(1) as pool:
        with transport._lock:
            made = pool.submit(asyncio.run, transport.lanes())
            with pytest.raises(futures.TimeoutError):  # not the built-in one before 3.11
                made.result(0.05)
        assert made.result(10).is_closed


def test_a_dropped_blocking_client_is_closed(server: Faults) -> None:
    """A blocking client that is not closed is closed when it is garbage collected."""
    transport = BlockingTransport()
    drive(transport.send({"url": server.base_url, **GET}))
    http = transport.client
    del transport
    gc.collect()
    assert http.is_closed


def test_twins_refer_to_each_other() -> None:
    """A transport has one twin, with the same options, and is the twin of that twin."""
    blocking, waiting = BlockingTransport(trust_env=False), AsyncTransport(trust_env=False)
    assert blocking.twin() is blocking.twin()
    assert blocking.twin().twin() is blocking
    assert waiting.twin().twin() is waiting
    assert blocking.twin()._options == blocking._options
    session = Replicate(bearer_token="t")._session
    assert session.of_colour(Async).of_colour(Sync).transport is session.transport


SCRIPT = """
import asyncio, sys
from replicate import AsyncReplicate, Replicate
url = sys.argv[1]
blocking, waiting = Replicate(bearer_token="t", base_url=url), AsyncReplicate(bearer_token="t", base_url=url)
blocking.get("/account")
async def work():
    return await asyncio.gather(*(waiting.get("/account") for _ in range(3)))
asyncio.run(work()), asyncio.run(work())
"""


def test_a_program_that_closes_nothing_leaves_nothing_open(server: Faults) -> None:
    """A script that leaves clients of both colours open ends without a ResourceWarning."""
    command = [sys.executable, "-W", "error", "-c", SCRIPT, server.base_url]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


FORKS = """
import asyncio, os, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from replicate import AsyncReplicate, Replicate

class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = b'{"path": "%s"}' % self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
url = f"http://127.0.0.1:{server.server_port}"
listening = os.fork()
if listening == 0:
    server.serve_forever()
client, waiting = Replicate(bearer_token="t", base_url=url), AsyncReplicate(bearer_token="t", base_url=url)
client.get("/warm")
waiting._session.transport._lock.acquire()  # as another thread may hold it
inherited = client._session.transport.client
loop = asyncio.new_event_loop()
child = os.fork()
if child:
    waiting._session.transport._lock.release()
try:
    assert (client._session.transport.client is inherited) == bool(child)
    assert not inherited.is_closed
    for number in range(20):
        path = f"/{child}/{number}"
        assert client.get(path).json() == {"path": path}, path
        assert loop.run_until_complete(waiting.get(path)).json() == {"path": path}, path
    code = 0
except BaseException as error:
    code = print(repr(error), file=sys.stderr) or 1
if child == 0:
    os._exit(code)
code |= os.waitpid(child, 0)[1]
os.kill(listening, 9)
os.waitpid(listening, 0)
os._exit(bool(code))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_processes_do_not_share_connections() -> None:
    """After a fork, parent and child get the responses to their own requests, over connections of their own."""
    ended = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is of glibc")
def test_memory_of_chunks_is_kept() -> None:
    """Memory of chunks is reused, and not returned to the system and requested again each time."""
    script = """
import resource, sys
import httpx, replicate
client = replicate.Replicate(bearer_token="r8_test")
client.predictions
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    pieces = [b"x" * size for size in [65_000] * 60]
    del pieces
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 10_000  # page faults: the first round only; 50 rounds would cause 48,000
