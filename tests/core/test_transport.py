"""Connections: shared by threads, one pool for each event loop, closed when they should be."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio
from support.faults import Faults, answer

from replicate import AsyncReplicate, Replicate
from replicate._core.dual import Async, Sync, drive
from replicate._core.transport import AsyncTransport, BlockingTransport

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
    """A client can be used in one event loop after the other, of asyncio and of trio, without being closed."""
    client = AsyncReplicate(bearer_token="t", base_url=server.base_url)

    async def work() -> int:
        return (await client.get("/account")).status_code

    assert [run(work) for run in (on_asyncio, on_asyncio, on_trio, on_trio, on_asyncio)] == [200] * 5
    gc.collect()


@pytest.mark.parametrize("run", [on_asyncio, on_trio])
def test_a_pool_is_closed_with_its_event_loop(run: Callable[..., Any], server: Faults) -> None:
    """A loop's pool is the same as long as the loop runs, and closed when it ends."""
    transport = AsyncTransport()

    async def work() -> httpx.AsyncClient:
        await transport.send({"url": server.base_url, **GET})
        first, second = await transport.client(), await transport.client()
        assert first is second
        assert not first.is_closed
        return first

    made = run(work)
    assert made.is_closed
    assert run(work) is not made


def test_a_dropped_client_does_not_live_as_long_as_the_loop(server: Faults) -> None:
    """In a loop that runs for ever, clients that nobody refers to any more are closed and forgotten."""

    async def main() -> None:
        transport = AsyncTransport()
        client = await transport.client()
        del transport
        gc.collect()
        for _ in range(5):  # turns of the loop, in which the generator's finalizer runs
            await asyncio.sleep(0)
        assert client.is_closed

    asyncio.run(main())


@pytest.mark.parametrize("run", [on_asyncio, on_trio])
def test_closing_an_async_client(run: Callable[..., Any], server: Faults) -> None:
    """`close` closes the pool of the running loop, and that of the blocking twin."""
    transport = AsyncTransport()

    async def work() -> tuple[httpx.AsyncClient, httpx.Client]:
        pool = await transport.client()
        twin = transport.twin().client
        await transport.close()
        await transport.close()
        return pool, twin

    assert all(client.is_closed for client in run(work))


def test_a_client_of_the_callers_is_used_as_it_is() -> None:
    """An `http_client` is what requests are sent with."""
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
    """Threads share one pool, also when all of them make the first request at once."""
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
    """Blocking calls need no event loop, and are not disturbed by one."""

    async def main() -> int:
        with Replicate(bearer_token="t", base_url=server.base_url) as client:
            return client.get("/account").status_code

    assert asyncio.run(main()) == trio.run(main) == 200


def test_a_closed_client_says_so(server: Faults) -> None:
    """A request after `close` raises, instead of opening connections that nobody closes."""
    client = Replicate(bearer_token="t", base_url=server.base_url)
    client.get("/account")
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.get("/account")


def test_a_dropped_blocking_client_is_closed(server: Faults) -> None:
    """Without `close`, connections are closed when the client is no more."""
    transport = BlockingTransport()
    drive(transport.send({"url": server.base_url, **GET}))
    http = transport.client
    del transport
    gc.collect()
    assert http.is_closed


def test_twins_are_each_others() -> None:
    """A transport has one twin, whose twin it is, with the same options."""
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
    """A script with clients of both colours, all left open, ends without a ResourceWarning."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", SCRIPT, server.base_url]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
