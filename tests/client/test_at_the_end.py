"""Programs that end with half-read iterators cancel the predictions of these, silently."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from support.faults import SILENCE, Faults
from support.sample_models import Held, prediction, version_of

from replicate import AsyncReplicate, Replicate
from replicate._dual.drive import drive
from replicate._jobs import ownership
from replicate._jobs.ownership import CancelOnExit, open_blocks
from replicate.local import Model
from replicate.local import server as local_server
from replicate.resources.predictions import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replicate.local import Server

WAYS = ["stream", "run", "use"]


@pytest.fixture
def srv(held: Held) -> Iterator[Server]:
    """Serve models that yield one word, or nothing, and wait."""
    silent = Model(held.text, official=True)
    models = {"me/held": Model(held.words, official=True), "me/community": held.words, "me/silent": silent}
    with local_server(models) as server:
        yield server
        held.go.set()


def ended(srv: Server, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end. Its last argument is the id of a version."""
    environment = {**os.environ, "REPLICATE_API_TOKEN": srv.token, "REPLICATE_BASE_URL": srv.base_url}
    version = version_of(srv, "me/community")
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program), *arguments, version]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def settled(srv: Server) -> list[str]:
    return [each.status for each in srv.predictions]


# ---- the end of an event loop

LOOP = """
import asyncio, sys
from replicate import AsyncReplicate, DefaultAsyncHttpxClient

loop, way, http, held = sys.argv[1], sys.argv[2], {}, []

async def begin():
    client = AsyncReplicate(**http)
    match way:
        case "stream":
            return client.stream("me/held")
        case "run":
            return await client.run(sys.argv[-1], wait=False)
        case "use":
            return await client.use("me/held", streaming=True)()

async def main():
%s

if loop == "asyncio":
    asyncio.run(main())
else:
    import trio, warnings
    warnings.filterwarnings("ignore", category=ResourceWarning)  # which trio has for what is dropped
    trio.run(main)
"""
ENDS = {
    "kept by a traceback": """
        items = await begin()
        async for item in items:
            raise KeyError("mine")
    """,
    "kept by a name": """
        held.append(await begin())
        async for item in held[0]:
            raise KeyError("mine")
    """,
    "dropped with the last frame": """
        async for item in await begin():
            break
    """,
    "several": """
        held.extend([await begin(), await begin()])
        for items in held:
            await anext(items)
    """,
    "with a client of the caller's": """
        http["http_client"] = DefaultAsyncHttpxClient()
        async for item in await begin():
            break
        await anext(await begin())
    """,
    "inside a generator of the caller's": """
        async def mine(items):
            async with items:
                async for item in items:
                    yield item

        held.append(mine(await begin()))
        await anext(held[0])
    """,
    "that looks": """
        items = await begin()
        await anext(items)
        held.extend([items, items.prediction.output_iterator(), items.prediction.stream()])
        await anext(held[1])
        await anext(held[2])
    """,
    "in a task that is canceled": """
        async def read():
            async for item in held[0]:
                started.set()

        if loop == "trio":
            return await anext(await begin())
        started = asyncio.Event()
        held.append(await begin())
        held.append(asyncio.ensure_future(read()))
        await started.wait()
    """,
}


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("end", ENDS)
def test_an_event_loop_ends(srv: Server, end: str, way: str, loop: str) -> None:
    """A loop that ends with half-read iterators cancels their predictions and reports the user's error only."""
    program = ended(srv, LOOP % textwrap.indent(textwrap.dedent(ENDS[end]), "    "), loop, way)
    assert settled(srv)
    assert set(settled(srv)) == {"canceled"}
    if end == "with a client of the caller's":  # Python reports that client, which stays open
        assert "asynchronous generator" not in program.stderr
    elif "KeyError" in ENDS[end]:
        assert program.stderr.count("Traceback") == 1
        assert program.stderr.endswith("KeyError: 'mine'\n")
    else:
        assert not program.stderr


def test_a_blocking_iterator_outlives_an_event_loop(srv: Server, held: Held) -> None:
    """An iterator of a blocking client outlives the event loop in which it was read."""

    async def main() -> None:
        assert next(items) == "first "

    with Replicate(bearer_token=srv.token, base_url=srv.base_url) as client:
        items: Any = client.run(version_of(srv, "me/community"), wait=False)
        asyncio.run(main())
        held.go.set()
        assert list(items) == ["second"]


def test_connections_outlive_their_loop_until_the_cancellation(srv: Server) -> None:
    """The loop's connections carry the cancellation: they close after it, in whatever order the loop closes."""
    kept: list[Any] = []

    async def main() -> None:
        client = AsyncReplicate(bearer_token=srv.token, base_url=srv.base_url)
        transport = client._session.transport
        vars(transport)["afresh"] = None  # the next request uses other connections
        kept.append(client.stream("me/held"))
        await anext(kept[0])

    asyncio.run(main())
    assert settled(srv) == ["canceled"]


# ---- the end of a blocking program

PROGRAM = """
import sys
from replicate import AsyncReplicate, Replicate

client = Replicate()

def begin(**options):
    match sys.argv[1]:
        case "stream":
            return client.stream("me/held", **options)
        case "run":
            return client.run(sys.argv[-1], wait=False, **options)
        case "use":
            return client.use("me/held", streaming=True, **options)()

"""
EXITS = {
    "held by a name": "items = begin(); next(items)",
    "several": "items, more = begin(), begin(); next(items); next(more)",
    "by sys.exit": "items = begin(); next(items); sys.exit(3)",
    "by an error": "def read():\n    for item in begin():\n        raise KeyError('mine')\nread()",
    "after its client": "items = begin(); next(items); client.close()",
    "a loop that closes nothing": """
import asyncio
async def main():
    global items
    items = AsyncReplicate().stream("me/held")
    await anext(items)
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.close()
""",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("end", EXITS)
def test_python_exits(srv: Server, end: str, way: str) -> None:
    """A program that ends with half-read iterators cancels their predictions, once each."""
    program = ended(srv, PROGRAM + EXITS[end], way)
    assert settled(srv)
    assert set(settled(srv)) == {"canceled"}
    assert len([request for request in srv.requests if request.path.endswith("/cancel")]) == len(settled(srv))
    assert program.returncode == {"by sys.exit": 3, "by an error": 1}.get(end, 0)
    if end != "a loop that closes nothing":  # Python reports that one
        assert program.stderr.count("Traceback") == (end == "by an error")
        assert "ignored" not in program.stderr


def test_half_read_responses_are_closed_before_python_clears_modules(srv: Server) -> None:
    """Responses are closed before the interpreter clears modules that httpx needs: Python 3.13.0 crashes otherwise."""
    program = """
import atexit, gc, httpx
@atexit.register
def tell():
    print({answer.is_closed for answer in gc.get_objects() if isinstance(answer, httpx.Response)})
from replicate import Replicate
client = Replicate()
items = client.stream("me/held")
next(items)
"""
    assert ended(srv, program).stdout == "{True}\n"


def test_a_call_in_a_daemon_thread(srv: Server) -> None:
    """The prediction that a daemon thread waits for is canceled at exit."""
    program = """
import threading
from replicate import Replicate
started = threading.Event()
client = Replicate()
call = {"wait": False, "on_update": lambda prediction: started.set()}
threading.Thread(target=client.run, args=("me/silent",), kwargs=call, daemon=True).start()
started.wait(20)
"""
    ended(srv, program)
    assert settled(srv) == ["canceled"]


def test_a_create_in_a_daemon_thread(srv: Server) -> None:
    """A prediction that a daemon thread has created is found and canceled at exit, even without a response."""
    program = """
import threading
from replicate import DefaultHttpxClient, Replicate
sent = threading.Event()
http = DefaultHttpxClient(event_hooks={"request": [lambda request: sent.set() if request.method == "POST" else None]})
threading.Thread(target=Replicate(http_client=http).run, args=("me/silent",), daemon=True).start()
sent.wait(20)
"""
    ended(srv, program)
    assert settled(srv) == ["canceled"]


def test_a_first_create_in_a_daemon_thread(srv: Server) -> None:
    """Connections are closed after the cancellation at exit, even if a call came before the first of them."""
    program = """
import threading
from replicate import Replicate
client = Replicate()
threading.Thread(target=client.run, args=("me/silent",), daemon=True).start()
while not client.predictions.list().results:
    pass
"""
    ended(srv, program)
    assert settled(srv) == ["canceled"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
@pytest.mark.parametrize("end", ["sys.exit()", "items.close(); os._exit(0)"])
@pytest.mark.parametrize("way", WAYS)
def test_the_child_of_a_fork_ends(srv: Server, way: str, end: str) -> None:
    """A prediction belongs to its process: a forked child that exits or closes the iterator cancels nothing."""
    child = f"""
import os
items = begin(); next(items)
if (child := os.fork()) == 0:
    {end}
os.waitpid(child, 0)
print(client.predictions.get(items.prediction.id).status)
"""
    assert ended(srv, PROGRAM + child, way).stdout == "processing\n"
    assert settled(srv) == ["canceled"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
@pytest.mark.parametrize("way", WAYS)
def test_a_process_of_multiprocessing_ends(srv: Server, way: str) -> None:
    """A child of multiprocessing cancels its own predictions when it ends, and leaves those of its parent alone."""
    program = """
import multiprocessing
def work():
    global more
    more = begin(); next(more)
items = begin(); next(items)
child = multiprocessing.get_context("fork").Process(target=work)
child.start(); child.join()
print(*(prediction.status for prediction in client.predictions.list()))
"""
    assert ended(srv, PROGRAM + program, way).stdout == "canceled processing\n"
    assert settled(srv) == ["canceled"] * 2


@pytest.mark.parametrize("way", WAYS)
def test_collected_amid_a_request(srv: Server, way: str) -> None:
    """An iterator that is garbage-collected while its thread holds httpcore's lock does not wait for that lock."""
    program = """
import gc
from httpcore import ConnectionPool
original = ConnectionPool._assign_requests_to_connections
def collecting(pool):
    ConnectionPool._assign_requests_to_connections = original
    gc.collect()  # as it may come at any moment
    return original(pool)
def leave():
    items = begin(); next(items)
    ring = [items]; ring.append(ring)
gc.disable()
leave()
ConnectionPool._assign_requests_to_connections = collecting
client.predictions.list()
"""
    assert ended(srv, PROGRAM + program, way).stderr == ""
    assert settled(srv) == ["canceled"]
    assert len([request for request in srv.requests if request.path.endswith("/cancel")]) == 1


@pytest.mark.parametrize("way", WAYS)
def test_predictions_that_nobody_owns_go_on(srv: Server, way: str) -> None:
    """Nothing is canceled at exit with `cancel_on_exit=False`, or if the iterator was never read."""
    if way != "stream":  # an unread stream has started nothing
        ended(srv, PROGRAM + "items = begin()", way)
    ended(srv, PROGRAM + "items = begin(cancel_on_exit=False); next(items)", way)
    assert settled(srv) == ["processing"] * (1 if way == "stream" else 2)


def test_canceling_at_exit_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """All cancellations at exit share one time limit, so that Python exits although the API is silent."""
    monkeypatch.setattr(ownership, "AT_EXIT", 0.2)
    with Faults(SILENCE) as server, Replicate(bearer_token="t", base_url=server.base_url) as client:
        blocks = [CancelOnExit(Prediction.bind(answer(), client._session), cancel=True) for _ in range(9)]
        for block in blocks:
            drive(block.__aenter__())
        open_blocks.end()
        assert server.connections == 1
        for block in blocks:  # closing a block after that makes no further attempt
            drive(block.__aexit__(GeneratorExit, GeneratorExit(), None))
        assert server.connections == 1


def answer() -> Any:
    from replicate_api.models import Prediction as Answer

    return Answer.from_dict(prediction("processing"))


def test_a_second_interrupt_ends_canceling(srv: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C during a cancellation, after a call was left or at exit, ends it at once."""
    asked: list[int] = []

    with Replicate(bearer_token=srv.token, base_url=srv.base_url) as client:
        iterators: Any = [client.stream("me/held"), client.stream("me/held")]
        for items in iterators:
            next(items)
        transport = client._session.transport

        async def interrupted(*_: Any, **__: Any) -> Any:
            asked.append(1)
            raise KeyboardInterrupt

        monkeypatch.setattr(transport, "send", interrupted)
        with pytest.raises(KeyboardInterrupt):
            iterators[0].close()
        open_blocks.end()
        iterators[1].close()
        assert len(asked) == 2
