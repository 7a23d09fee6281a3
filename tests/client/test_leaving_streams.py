"""Streams and iterators that are left early cancel the prediction they have started, and not one they only follow."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import warnings
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
import trio
from support.colours import Clock, collect, each, got, leaves_streams, scripted
from support.sample_models import VERSION, Held, Script, model_or_version, prediction, version_of

from replicate import AsyncReplicate, PredictionTimeout, Replicate, ReplicateError, RunError
from replicate._dual.drive import drive
from replicate.local import Model
from replicate.resources.predictions import EventStream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    import httpx

    from replicate.local import Server

# trio closes a dropped generator and warns that this should be done explicitly.
pytestmark = [leaves_streams, pytest.mark.filterwarnings("ignore:Async generator 'replicate:ResourceWarning")]


@pytest.fixture
def srv(held: Held) -> Iterator[Server]:
    """Serve models that yield one word and wait."""
    with held.served({"me/held": Model(held.words, official=True), "me/community": held.words}) as server:
        yield server
        held.go.set()


def blocking(items: Any) -> bool:
    return items._session.blocking if hasattr(items, "_session") else not hasattr(items, "__anext__")


async def first(items: Any) -> Any:
    """Return the next item, in either colour."""
    return next(items) if blocking(items) else await anext(items)


async def enter(items: Any) -> Any:
    return items.__enter__() if items._session.blocking else await items.__aenter__()


async def leave(items: Any, error: type[BaseException] | None = None) -> None:
    if items._session.blocking:
        items.__exit__(error, None, None)
    else:
        await items.__aexit__(error, None, None)


async def close(items: Any) -> None:
    if blocking(items):
        items.close()
    else:
        await items.aclose()


WAYS = ["stream", "run", "use"]


async def begun(client: Any, srv: Server, way: str, **options: Any) -> Any:
    """Return an iterator from `stream`, from `run` of a version, or from `use`."""
    if way == "stream":
        return client.stream("me/held", **options)
    if way == "run":
        return await got(client.run(version_of(srv, "me/community"), wait=False, **options))
    return await got(client.use("me/held", streaming=True, **options)())


async def left(items: Any) -> None:
    """Check that an iterator that was left does not look complete."""
    with pytest.raises(RunError, match="left before its end") as caught:
        await first(items)
    assert caught.value.prediction is items.prediction
    with pytest.raises(RunError, match="left before its end"):
        await items._rest(items._session)


def settled(srv: Server) -> list[str]:
    """Return the states of all predictions."""
    return [each.status for each in srv.predictions]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("end", [close, leave])
async def test_an_iterator_left_half_read(clients: Any, srv: Server, way: str, end: Callable[[Any], Any]) -> None:
    """Closing an iterator or leaving its block cancels the prediction. Reading on raises: the output is incomplete."""
    items = await begun(clients(srv), srv, way)
    await enter(items)
    assert await first(items) == "first "
    assert items.prediction.id == next(iter(srv.predictions)).id
    await end(items)
    assert settled(srv) == ["canceled"]
    await left(items)
    await end(items)
    await left(items)
    assert len([request for request in srv.requests if request.path.endswith("/cancel")]) == 1


@pytest.mark.parametrize("way", WAYS)
async def test_an_iterator_left_unread(clients: Any, srv: Server, way: str) -> None:
    """Entering the block starts the prediction. Leaving it cancels, also if nothing was read."""
    items = await begun(clients(srv), srv, way)
    await enter(items)
    assert settled(srv) != ["canceled"]
    assert items.prediction.id
    await leave(items)
    assert settled(srv) == ["canceled"]


@pytest.mark.parametrize("way", WAYS)
async def test_a_prediction_that_is_to_go_on(clients: Any, srv: Server, held: Held, way: str) -> None:
    """With `cancel_on_exit=False` the prediction goes on."""
    items = await begun(clients(srv), srv, way, cancel_on_exit=False)
    assert await first(items) == "first "
    await close(items)
    held.finish(srv)
    assert settled(srv) == ["succeeded"]


@pytest.mark.parametrize("way", ["stream", "output_iterator"])
async def test_iterators_of_a_prediction_do_not_cancel(clients: Any, srv: Server, held: Held, way: str) -> None:
    """`prediction.stream()` and `prediction.output_iterator()` do not cancel the prediction."""
    created = await got(clients(srv).predictions.create(model="me/held", input={}))
    items = getattr(created, way)()
    assert await first(items) == "first "
    await close(items)
    held.finish(srv)
    assert settled(srv) == ["succeeded"]


async def test_after_the_end_there_is_nothing_to_cancel(clients: Any, srv: Server, held: Held) -> None:
    """A stream that is closed after `done` sends nothing."""
    held.go.set()
    stream = clients(srv).stream("me/held")
    async with aclosing(each(stream)) as events:
        async for event in events:
            if event.event == "done":
                break
    await close(stream)
    assert not [request for request in srv.requests if request.path.endswith("/cancel")]
    assert settled(srv) == ["succeeded"]


@pytest.mark.parametrize("way", WAYS)
def test_a_blocking_iterator_that_is_dropped(srv: Server, way: str) -> None:
    """Dropping a half-read blocking iterator cancels its prediction at once, without the garbage collector."""
    gc.disable()
    try:
        with Replicate(bearer_token=srv.token, base_url=srv.base_url) as client:
            items = drive(begun(client, srv, way))
            assert next(items) == "first "
            del items
            assert settled(srv) == ["canceled"]
            for _ in client.stream("me/held"):
                break
            assert settled(srv) == ["canceled"] * 2
    finally:
        gc.enable()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("run", [asyncio.run, trio.run])
def test_an_iterator_that_is_dropped_in_an_event_loop(srv: Server, way: str, run: Any) -> None:
    """The event loop closes a dropped iterator, which cancels its prediction before the loop ends, without warnings."""

    async def main() -> None:
        client = AsyncReplicate(bearer_token=srv.token, base_url=srv.base_url)
        items = await begun(client, srv, way)
        assert await anext(items) == "first "
        del items

    if run is trio.run:
        run(main)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run(main())
    gc.collect()
    assert settled(srv) == ["canceled"]


def test_an_unread_iterator_that_is_dropped(srv: Server, held: Held) -> None:
    """Dropping an unread iterator cancels nothing, and an unread stream has started nothing."""
    with Replicate(bearer_token=srv.token, base_url=srv.base_url) as client:
        client.stream("me/held")
        assert settled(srv) == []
        drive(begun(client, srv, "run"))
        drive(begun(client, srv, "use"))
        held.finish(srv)
        assert settled(srv) == ["succeeded"] * 2


@pytest.mark.parametrize("way", WAYS)
def test_an_interrupt_while_the_next_item_is_awaited(srv: Server, way: str) -> None:
    """Ctrl-C while the iterator waits for its next item cancels the prediction, and is raised."""
    with Replicate(bearer_token=srv.token, base_url=srv.base_url) as client:
        interrupt(client)
        items = drive(begun(client, srv, way))
        assert next(items) == "first "
        with pytest.raises(KeyboardInterrupt):
            next(items)
        assert settled(srv) == ["canceled"]
        drive(left(items))


def interrupt(client: Replicate) -> None:
    """Raise an interrupt after the first output of a streamed response."""

    async def interrupted() -> None:
        raise KeyboardInterrupt

    amid(client, interrupted)


@pytest.mark.parametrize("way", WAYS)
def test_a_canceled_task(srv: Server, way: str) -> None:
    """Canceling an asyncio task that waits for the next item cancels the prediction."""

    async def main() -> None:
        client = AsyncReplicate(bearer_token=srv.token, base_url=srv.base_url)
        items = await begun(client, srv, way)
        assert await anext(items) == "first "
        waiting = asyncio.ensure_future(anext(items))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert settled(srv) == ["canceled"]
        await left(items)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


@pytest.mark.parametrize("way", WAYS)
def test_a_canceled_scope(srv: Server, way: str) -> None:
    """Canceling a trio scope that waits for the next item cancels the prediction."""

    async def main() -> None:
        client = AsyncReplicate(bearer_token=srv.token, base_url=srv.base_url)
        items = await begun(client, srv, way)
        assert await anext(items) == "first "
        with trio.CancelScope() as scope:
            scope.cancel()
            await anext(items)
        assert scope.cancelled_caught
        assert settled(srv) == ["canceled"]
        await left(items)

    trio.run(main)


def amid(client: Any, act: Callable[[], Any]) -> None:
    """Call a function once, after the first output of a streamed response."""
    transport = client._session.transport
    original = transport.chunks

    async def acted(response: httpx.Response, *most: float) -> AsyncGenerator[bytes, None]:
        async with aclosing(original(response, *most)) as chunks:
            async for chunk in chunks:
                yield chunk
                if b"first" in chunk:
                    await act()

    vars(transport)["chunks"] = acted


@pytest.mark.parametrize("way", WAYS)
async def test_an_iterator_that_is_closed_during_a_read(clients: Any, srv: Server, way: str) -> None:
    """Closing an iterator that waits for its next item cancels the prediction and ends the read with an error."""
    client = clients(srv)
    items = await begun(client, srv, way)
    amid(client, lambda: close(items))
    assert await first(items) == "first "
    with pytest.raises(RunError):
        await first(items)
    assert settled(srv) == ["canceled"]
    with pytest.raises(RunError):
        await first(items)


@pytest.mark.parametrize("way", WAYS)
async def test_two_readers_of_one_iterator(clients: Any, srv: Server, way: str) -> None:
    """A second reader gets an error that says so, and does not disturb closing."""
    client = clients(srv)
    items = await begun(client, srv, way)
    second = list[str]()

    async def act() -> None:
        with pytest.raises(RunError, match="is being read already, by another thread or task") as caught:
            await first(items)
        assert caught.value.prediction is items.prediction
        second.append(str(caught.value))
        await close(items)

    amid(client, act)
    assert await first(items) == "first "
    with pytest.raises(RunError):
        await first(items)
    assert len(second) == 1
    assert settled(srv) == ["canceled"]


@pytest.mark.parametrize("way", WAYS)
async def test_closing_during_a_read_without_canceling(clients: Any, srv: Server, held: Held, way: str) -> None:
    """With `cancel_on_exit=False`, closing during a read ends it at the next item, and the prediction goes on."""
    client = clients(srv)
    items = await begun(client, srv, way, cancel_on_exit=False)

    async def act() -> None:
        await close(items)
        held.go.set()

    amid(client, act)
    assert await first(items) == "first "
    await left(items)
    held.finish(srv)
    assert settled(srv) == ["succeeded"]


@pytest.mark.parametrize("way", WAYS)
async def test_the_deadline_cancels(colour: str, way: str) -> None:
    """At its timeout an iterator raises PredictionTimeout and cancels the prediction that it has started."""
    numbers = {"type": "array", "items": {"type": "integer"}, "x-cog-array-type": "iterator"}
    script = Script(
        model=[model_or_version(output=numbers)],
        create=[prediction()],
        get=[prediction("processing")],
        cancel=[prediction("canceled")],
    )
    asked: list[str] = []

    def answer(request: Any) -> Any:
        asked.append(request.url.path)
        if request.url.path.endswith("/cancel"):
            script.answers["create"] = script.answers["cancel"]
        return script(request)

    client = scripted(colour, answer)
    Clock(client)
    if way == "stream":
        items = client.stream("me/model", timeout=20)
    elif way == "run":
        items = await got(client.run(f"me/model:{VERSION}", wait=False, timeout=20))
    else:
        items = await got(client.use("me/model", streaming=True, timeout=20)())
    for _ in range(2):  # reading again raises the same
        with pytest.raises(PredictionTimeout, match="had not finished after 20 s, and was canceled"):
            await collect(items)
    assert asked[-1] == "/v1/predictions/p1/cancel"


@pytest.mark.parametrize("cancel", [True, False])
async def test_a_stream_that_is_interrupted_while_it_starts(clients: Any, srv: Server, *, cancel: bool) -> None:
    """A stream that is interrupted after its create was sent cancels the prediction. Reading on starts no other one."""
    client = clients(srv)
    transport = client._session.transport
    send = transport.send

    async def interrupted(request: Any, **how: Any) -> Any:
        await send(request, **how)
        transport.send = send
        raise KeyboardInterrupt

    transport.send = interrupted
    stream = client.stream("me/held", cancel_on_exit=cancel)
    with pytest.raises(KeyboardInterrupt):
        await first(stream)
    assert (settled(srv) == ["canceled"]) is cancel
    for _ in range(2):
        with pytest.raises(RunError, match=r"while its prediction was being started.*predictions\.list"):
            await first(stream)
    assert len(settled(srv)) == 1


async def test_a_stream_that_is_closed_before_it_starts(clients: Any, srv: Server) -> None:
    """A stream that is closed unread has started nothing, and its error says so."""
    stream = clients(srv).stream("me/held")
    await close(stream)
    with pytest.raises(ReplicateError, match="closed before its prediction was started"):
        await first(stream)
    assert settled(srv) == []


# ---- streams as objects


async def test_a_stream_as_an_object(clients: Any, srv: Server, held: Held) -> None:
    """A stream has its prediction once that is started. Before, the error says how to start it."""
    held.go.set()
    stream = clients(srv).stream("me/held")
    assert isinstance(stream, EventStream)
    assert repr(stream) == "<EventStream not started>"
    with pytest.raises(ReplicateError, match="not been started"):
        _ = stream.prediction
    assert len([event async for event in each(stream)]) == 3
    assert repr(stream) == f"<EventStream of prediction {stream.prediction.id}>"
    watched = stream.prediction.stream()
    assert watched.prediction is stream.prediction
    assert "".join(await collect(watched)) == "first second"


async def test_a_stream_can_be_canceled(clients: Any, srv: Server) -> None:
    """`cancel` cancels the prediction."""
    stream = clients(srv).stream("me/held", cancel_on_exit=False)
    await first(stream)
    await got(stream.cancel())
    assert settled(srv) == ["canceled"]
    await close(stream)


async def test_open_iterators_cannot_be_pickled(clients: Any, srv: Server, held: Held) -> None:
    """Open iterators hold connections and cannot be pickled. The error says what to pickle instead."""
    held.go.set()
    client = clients(srv)
    output = await begun(client, srv, "run")
    for each_one in (output, client.stream("me/held")):
        for copying in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="cannot be pickled or copied: take its prediction, or"):
                copying(each_one)


async def test_an_awaited_stream_is_itself(clients: Any, srv: Server, held: Held, colour: str) -> None:
    """Awaiting an asynchronous stream starts its prediction and returns the stream."""
    if colour == "blocking":
        return
    held.go.set()
    stream = clients(srv).stream("me/held")
    assert await stream is stream
    assert stream.prediction.id
    assert "".join([event async for event in await stream]) == "first second"


async def test_the_wrong_kind_of_loop(clients: Any, srv: Server, colour: str) -> None:
    """Python refuses the wrong kind of loop, and nothing is started."""
    stream = clients(srv).stream("me/held")
    if colour == "blocking":
        with pytest.raises(TypeError, match="not an async iterator"):
            await anext(stream)
        with pytest.raises(TypeError, match="asynchronous context manager"):
            async with stream:
                pass
    else:
        with pytest.raises(TypeError, match="not an iterator"):
            next(stream)
        with pytest.raises(TypeError, match="context manager"), stream:
            pass
    assert settled(srv) == []


async def test_wrong_arguments_raise_at_the_call(client: Any, asked: Any) -> None:
    """`stream` itself raises for wrong arguments, before iteration, and sends nothing."""
    with pytest.raises(TypeError, match="webhook"):
        client.stream("me/official", webook="https://example.com")
    with pytest.raises(ValueError, match="owner/name"):
        client.stream("official")
    assert not asked()


@pytest.mark.parametrize("way", WAYS)
def test_an_iterator_that_outlives_its_client(srv: Server, way: str) -> None:
    """A half-read iterator that outlives its client's block still cancels its prediction."""
    with Replicate(bearer_token=srv.token, base_url=srv.base_url) as client:
        items = drive(begun(client, srv, way))
        assert next(items) == "first "
    items.close()
    assert settled(srv) == ["canceled"]


@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("run", [asyncio.run, trio.run])
def test_an_iterator_that_outlives_its_asynchronous_client(srv: Server, way: str, run: Any) -> None:
    """An iterator of a closed asynchronous client still cancels its prediction, without the loop's connections."""

    async def main() -> None:
        async with AsyncReplicate(bearer_token=srv.token, base_url=srv.base_url) as client:
            items = await begun(client, srv, way)
            assert await anext(items) == "first "
        await items.aclose()

    run(main if run is trio.run else main())
    assert settled(srv) == ["canceled"]


@pytest.mark.parametrize("way", ["version", "use", "output", "stream"])
async def test_an_iterator_that_was_never_read_is_closed(clients: Any, srv: Server, way: str) -> None:
    """Closing it cancels the prediction that it owns, as leaving its `with` block does, and starts none."""
    client = clients(srv)
    match way:
        case "version":
            items = await got(client.run(version_of(srv, "me/community"), wait=False))
        case "use":
            items = await got(client.use("me/held", streaming=True)())
        case "output":
            items = await got((await got(client.use("me/held", streaming=True).create())).output())
        case _:
            items = client.stream("me/held")
    for _ in range(2):
        await got(items.close())
    assert [each.status for each in srv.predictions] == ([] if way == "stream" else ["canceled"])
    with pytest.raises(ReplicateError if way == "stream" else RunError, match=r"was (closed|left) before"):
        await first(items)
