"""The connections of one event loop: one client for each request, bounded in number, and returned afterwards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import RUN, connect, got
from support.faults import CLOSE_READ, RESET_READ, SILENCE, Faults, answer, refusing_url

from replicate import APIConnectionError, AsyncReplicate, DefaultAioHttpClient
from replicate._http.connections import pool as loops
from replicate._http.connections.tls import deferred
from replicate._http.connections.transport import AsyncTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GET = {"method": "GET", "timeout": 5}
ASYNC = {name: run for name, run in RUN.items() if name != "blocking"}


@pytest.fixture
def server() -> Iterator[Faults]:
    with Faults(answer()) as faults:
        yield faults


@pytest.fixture(params=list(ASYNC))
def run(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    return ASYNC[request.param]


def test_consecutive_requests_use_one_client(run: Any, server: Faults) -> None:
    """Each request uses the client that was used last, whose connection is open."""
    transport = AsyncTransport()

    async def work() -> int:
        for _ in range(3):
            await transport.send({"url": server.base_url, **GET})
        lanes: Any = await transport.lanes()
        return len(lanes._all)

    assert run(work()) == 1


def test_requests_at_the_same_time_do_not_share_a_client(run: Any, server: Faults) -> None:
    """A streamed response holds its client until it is closed."""
    transport = AsyncTransport()

    async def work() -> None:
        lanes: Any = await transport.lanes()
        first = await transport.send({"url": server.base_url, **GET}, stream=True)
        second = await transport.send({"url": server.base_url, **GET}, stream=True)
        assert (len(lanes._all), len(lanes._free)) == (2, 0)
        assert [chunk async for chunk in transport.chunks(first)] == [b"{}"]
        await transport.close_response(second)
        await transport.close_response(second)
        assert (len(lanes._all), len(lanes._free)) == (2, 2)

    run(work())


def test_idle_clients_are_closed_soon(run: Any, server: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a burst, clients that are not needed any more are closed while others are in use."""
    monkeypatch.setattr(loops, "IDLE", 0)
    transport = AsyncTransport()

    async def work() -> None:
        lanes: Any = await transport.lanes()
        answers = [await transport.send({"url": server.base_url, **GET}, stream=True) for _ in range(3)]
        clients = set(lanes._all)
        for each in answers:
            await transport.read(each)
        assert (len(lanes._all), len(lanes._free)) == (1, 1)
        assert sum(client.is_closed for client in clients) == 2

    run(work())


def test_idle_clients_are_bounded(run: Any, server: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a burst, those that are too many are closed at once, and those that were idle for long with the next."""
    monkeypatch.setattr(loops, "MOST_IDLE", 3)
    transport = AsyncTransport()

    async def work() -> None:
        lanes: Any = await transport.lanes()
        answers = [await transport.send({"url": server.base_url, **GET}, stream=True) for _ in range(8)]
        clients = set(lanes._all)
        for each in answers:
            await transport.read(each)
        assert (len(lanes._all), len(lanes._free)) == (3, 3)
        assert sum(client.is_closed for client in clients) == 5
        monkeypatch.setattr(loops, "IDLE", 0)
        await transport.send({"url": server.base_url, **GET})
        assert (len(lanes._all), len(lanes._free)) == (1, 1)

    run(work())


def test_closing_while_requests_end(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that ends while the transport is closing does not disturb the closing."""
    monkeypatch.setattr(loops, "IDLE", -1)
    transport = AsyncTransport()

    async def work() -> None:
        lanes: Any = await transport.lanes()
        clients = [await lanes.take() for _ in range(3)]
        for client in clients:
            close = client.aclose

            async def closing(client: Any = client, close: Any = close) -> None:
                client.aclose = close
                await lanes.give_back(client)
                await close()

            client.aclose = closing
        await transport.close()
        assert all(client.is_closed for client in clients)

    run(work())


def test_a_request_beyond_the_bound_waits(run: Any, server: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request beyond the bound waits until its timeout, then raises PoolTimeout: nothing was sent."""
    monkeypatch.setattr(loops, "MOST", 1)
    transport = AsyncTransport()

    async def work() -> None:
        held = await transport.send({"url": server.base_url, **GET}, stream=True)
        with pytest.raises(httpx.PoolTimeout):
            await transport.send({"url": server.base_url, **GET}, seconds=0.01)
        for patience in (0.01, httpx.Timeout(5, pool=0.01)):
            with pytest.raises(httpx.PoolTimeout):
                await transport.send({"url": server.base_url, "method": "GET", "timeout": patience})
        await transport.close_response(held)
        assert (await transport.send({"url": server.base_url, **GET}, seconds=5)).status_code == 200

    run(work())
    assert server.connections == 2


def test_failed_and_cancelled_requests_return_their_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """However a request ends, the next one can be sent."""
    monkeypatch.setattr(loops, "MOST", 1)
    transport = AsyncTransport()

    async def work(server: Faults) -> None:
        for _ in range(2):
            with pytest.raises(httpx.RequestError):
                await transport.send({"url": server.base_url, **GET})
        for _ in range(2):
            task = asyncio.create_task(transport.send({"url": server.base_url, **GET}))
            while server.connections < 3:  # noqa: ASYNC110 - the server runs in another thread
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert (await transport.send({"url": server.base_url, **GET})).status_code == 200

    with Faults(RESET_READ, answer("200 OK", b"{", "Content-Length: 2"), SILENCE, answer()) as server:
        asyncio.run(work(server))


@pytest.mark.parametrize("colour", list(RUN))
def test_there_is_no_bound_on_connections(colour: str, server: Faults) -> None:
    """More responses can be open at once than httpx's default pool allows."""
    client = connect(colour, base_url=server.base_url, timeout=httpx.Timeout(5, pool=0.01))

    async def work() -> None:
        answers = [await got(client.get("/x", stream=True)) for _ in range(101)]
        for each in answers:
            await got(each.close())
        await got(client.close())

    RUN[colour](work())


def test_tls_settings_are_made_once_for_all_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS settings that the caller gives are read once, not once for each client."""
    made: list[Any] = []
    monkeypatch.setattr(httpx, "create_ssl_context", lambda **told: made.append(told) or deferred())
    transport = AsyncTransport(verify=False)

    async def work() -> None:
        lanes: Any = await transport.lanes()
        for _ in range(3):
            await lanes.take()

    asyncio.run(work())
    assert made == [{"verify": False}]


# ---- aiohttp


@pytest.mark.parametrize("fault", [RESET_READ, CLOSE_READ, SILENCE, b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 200 OK\r\nCo"])
def test_aiohttp_never_pays_twice(fault: Any) -> None:
    """A POST that may have arrived is not sent again, even if httpx-aiohttp reports that there was no connection."""

    async def work(server: Faults) -> None:
        http = DefaultAioHttpClient()
        async with AsyncReplicate(bearer_token="t", base_url=server.base_url, http_client=http) as client:
            with pytest.raises(APIConnectionError) as caught:
                await client.post("/predictions", json={}, timeout=httpx.Timeout(5, read=0.05))
            assert caught.value.sent

    with Faults(fault) as server:
        asyncio.run(work(server))
        assert server.connections == 1


def test_aiohttp_reports_a_refused_connection() -> None:
    """A refused connection means that nothing was sent, with aiohttp too."""

    async def work() -> None:
        url = refusing_url()
        async with AsyncReplicate(bearer_token="t", base_url=url, http_client=DefaultAioHttpClient()) as client:
            with pytest.raises(APIConnectionError) as caught:
                await client.post("/predictions", json={}, max_retries=0)
            assert not caught.value.sent

    asyncio.run(work())


def test_a_client_that_cannot_be_made_takes_no_slot(run: Any, server: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a client cannot be made, its slot is free again."""
    transport = AsyncTransport(limits=httpx.Limits(max_connections=2))

    async def work() -> None:
        lanes: Any = await transport.lanes()
        first = await lanes.take()
        with monkeypatch.context() as patch:
            patch.setattr(lanes._factory, "make", lambda **_: int("none"))
            with pytest.raises(ValueError, match="none"):
                await lanes.take()
        second = await lanes.take(1)
        assert second is not first
        await lanes.give_back(first)
        await lanes.give_back(second)

    run(work())
