"""One client serves many threads, tasks and event loops, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
from support.colours import leaves_streams
from support.sample_models import MODELS, version_of

from replicate import AsyncReplicate, Replicate
from replicate.local import Server
from replicate.local import server as local_server

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = leaves_streams


@pytest.fixture
def own_server() -> Iterator[Server]:
    with local_server(MODELS) as srv:
        yield srv


@pytest.fixture(autouse=True)
def _nothing_left(own_server: Server) -> Iterator[None]:
    """Check that no thread, socket or other resource outlives the test."""
    before = set(threading.enumerate())
    yield
    gc.collect()  # unclosed resources warn here, and warnings are errors
    mine = {thread for thread in threading.enumerate() if not thread.name.startswith("replicate-local")}
    assert mine <= before


def test_one_client_serves_all_threads(own_server: Server) -> None:
    """Sixteen threads run models, stream and read with one client, and each gets its own results."""
    numbers = version_of(own_server, "me/numbers")
    with Replicate(bearer_token=own_server.token, base_url=own_server.base_url) as client:

        def work(number: int) -> None:
            text = f"{number} and more"
            assert client.run("me/official", {"text": text}) == f"{text.upper()}!"
            assert str(client.run("me/words", {"text": text})) == f"{text} "
            assert list(client.run(numbers, {"until": number})) == list(range(number))
            assert list(client.use("me/words", streaming=True)(text=text)) == [f"{word} " for word in text.split()]
            made = client.predictions.create("me/official", {"text": text}, wait=True)
            assert client.predictions.get(made.id).output == f"{text.upper()}!"
            assert client.models.get("me/official").name == "official"
            assert client.use("me/words")(text=text) == f"{text} "

        start = threading.Barrier(16)
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda number: (start.wait(10), work(number)), range(16)))


def test_one_client_serves_all_event_loops(own_server: Server) -> None:
    """Three runs of asyncio and one of trio, one after the other, share one client."""
    client = AsyncReplicate(bearer_token=own_server.token, base_url=own_server.base_url)
    numbers = version_of(own_server, "me/numbers")

    async def work(text: str) -> None:
        assert await client.run("me/official", {"text": text}) == f"{text.upper()}!"
        assert await client.run("me/words", {"text": text}) == f"{text} "
        assert [item async for item in await client.run(numbers, {"until": 2}, wait=False)] == [0, 1]
        assert [item async for item in await client.use("me/words", streaming=True)(text=text)] == [f"{text} "]
        assert (
            "".join([event async for event in client.stream("me/official", input={"text": text})]) == f"{text.upper()}!"
        )

    for text in ("a", "b", "c"):
        asyncio.run(work(text))
    trio.run(work, "d")


def test_event_loops_in_several_threads(own_server: Server) -> None:
    """Event loops that run in several threads at the same time share one client."""
    client = AsyncReplicate(bearer_token=own_server.token, base_url=own_server.base_url)

    async def work(text: str) -> str:
        return str(await client.run("me/official", {"text": text}))

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda text: asyncio.run(work(text)), "abcd"))
    assert results == ["A!", "B!", "C!", "D!"]


def open_files() -> int:
    """Return the number of open files and sockets of this process, or 0 if the system does not list them."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


@pytest.mark.parametrize(("library", "number"), [("asyncio", 500), ("trio", 100)])
def test_many_tasks(library: str, number: int) -> None:
    """Hundreds of concurrent runs in one event loop each get their own result, and leave no task or socket."""
    before = open_files()
    results: dict[int, Any] = {}

    async def work(client: AsyncReplicate, mine: int) -> None:
        results[mine] = await client.run("me/official", {"text": str(mine)}, timeout=60)

    async def on_asyncio(own_server: Server) -> None:
        async with AsyncReplicate(bearer_token=own_server.token, base_url=own_server.base_url) as client:
            await asyncio.gather(*(work(client, mine) for mine in range(number)))
            assert len(asyncio.all_tasks()) == 1

    async def on_trio(own_server: Server) -> None:
        async with (
            AsyncReplicate(bearer_token=own_server.token, base_url=own_server.base_url) as client,
            trio.open_nursery() as nursery,
        ):
            for mine in range(number):
                nursery.start_soon(work, client, mine)

    with local_server(MODELS) as srv:
        asyncio.run(on_asyncio(srv)) if library == "asyncio" else trio.run(on_trio, srv)
    assert results == {mine: f"{mine}!" for mine in range(number)}
    assert open_files() == before


def test_many_threads() -> None:
    """Sixty-four threads run models with one client at the same time, and leave no socket."""
    before = open_files()
    with local_server(MODELS) as srv, Replicate(bearer_token=srv.token, base_url=srv.base_url) as client:
        start = threading.Barrier(64)

        def work(mine: int) -> Any:
            start.wait(10)
            return client.run("me/official", {"text": str(mine)})

        with ThreadPoolExecutor(64) as pool:
            assert list(pool.map(work, range(64))) == [f"{mine}!" for mine in range(64)]
    assert open_files() == before


def test_a_blocking_client_works_inside_a_running_loop(own_server: Server) -> None:
    """A blocking client works inside a running event loop, iterators included, and blocks it."""
    with Replicate(bearer_token=own_server.token, base_url=own_server.base_url) as client:

        async def work() -> None:
            assert client.run("me/official", {"text": "a"}) == "A!"
            assert client.run("me/words", {"text": "a b"}) == ["a ", "b "]
            assert list(client.run(version_of(own_server, "me/numbers"), wait=False)) == [0, 1, 2]
            assert list(client.use("me/words", streaming=True)(text="a b")) == ["a ", "b "]
            assert "".join(client.stream("me/words", input={"text": "a b"})) == "a b "

        asyncio.run(work())


def test_tasks_that_are_cancelled_leave_nothing(own_server: Server) -> None:
    """A task that is cancelled while it waits ends at once, and the client stays usable."""

    async def work() -> None:
        async with AsyncReplicate(bearer_token=own_server.token, base_url=own_server.base_url) as client:
            task = asyncio.create_task(client.run("me/official", {"text": "a"}))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await client.run("me/official", {"text": "b"}) == "B!"

    asyncio.run(work())
