"""`client.stream`: the events of a prediction, to the end, whatever happens to the connection."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from support.colours import Clock, collect, each, got, leaves_streams, scripted
from support.faults import Faults, answer
from support.sample_models import Held, Script, model, prediction

from replicate import APIStatusError, PredictionTimeout, ServerSentEvent, StreamError
from replicate.local import Model
from replicate.local import server as local_server

pytestmark = leaves_streams


async def test_events(client: Any, asked: Any) -> None:
    """Events come in order; as text they are the output."""
    events = [event async for event in each(client.stream("me/official", input={"text": "a"}))]
    assert [(event.event, event.data) for event in events] == [
        ("logs", "shouting a\n"),
        ("output", "A!"),
        ("done", "{}"),
    ]
    assert "".join(events) == "A!"
    assert all(isinstance(event, ServerSentEvent) and event.id for event in events)
    assert asked()[1].json == {"input": {"text": "a"}, "stream": True}
    assert (asked()[2].headers["accept"], asked()[2].headers["cache-control"]) == ("text/event-stream", "no-store")


async def test_events_come_as_they_happen(clients: Any, held: Held) -> None:
    """The first is there while the model still runs."""
    with local_server({"me/held": Model(held.words, official=True)}) as srv:
        seen = []
        async for event in each(clients(srv).stream("me/held")):
            seen.append((str(event), held.go.is_set()))
            held.go.set()
        assert seen == [("first ", False), ("second", True), ("", True)]


async def test_a_stream_can_be_left(clients: Any, held: Held) -> None:
    """Leaving it closes the connection; the prediction goes on."""
    with local_server({"me/held": Model(held.words, official=True)}) as srv:
        client = clients(srv)
        async with aclosing(each(client.stream("me/held"))) as events:
            async for event in events:
                assert event == "first "
                break
        held.finish(srv)
        [finished] = srv.predictions
        assert (await got(client.predictions.get(finished.id))).output == ["first ", "second"]


async def test_a_failing_model(client: Any) -> None:
    """All events come, and then StreamError with the prediction and its reason."""
    seen: list[ServerSentEvent] = []
    with pytest.raises(StreamError, match="failed: CUDA out of memory") as raised:
        await collect(client.stream("me/broken"), seen)
    assert [event.event for event in seen[-2:]] == ["error", "done"]
    assert isinstance(raised.value, RuntimeError)
    assert (raised.value.prediction.status, raised.value.prediction.error) == ("failed", "CUDA out of memory")


async def test_a_canceled_prediction(clients: Any, held: Held) -> None:
    """A prediction that is stopped by somebody ends its stream with StreamError."""
    with local_server({"me/held": Model(held.words, official=True)}) as srv:
        client = clients(srv)

        async def stop_at_the_first() -> None:
            async for event in each(client.stream("me/held")):
                if event:
                    [running] = srv.predictions
                    await got(client.predictions.cancel(running.id))

        with pytest.raises(StreamError, match=r"^Prediction \w+ canceled\n") as raised:
            await stop_at_the_first()
        assert raised.value.prediction.status == "canceled"


# ---- broken connections


def events(*lines: tuple[str, str, str], length: int | None = None) -> bytes:
    """Write a stream, which is cut if `length` promises more."""
    body = "".join(f"event: {kind}\nid: {place}\ndata: {data}\n\n" for kind, data, place in lines).encode()
    promised = [f"Content-Length: {length}"] if length else []
    return answer("200 OK", body, "Content-Type: text/event-stream", *promised)


def as_json(value: Any) -> bytes:
    return answer("200 OK", json.dumps(value).encode(), "Content-Type: application/json")


def streaming(url: str, **members: Any) -> dict[str, Any]:
    return prediction(**members, urls={"stream": url, "get": "https://api.replicate.com/v1/predictions/p1"})


TEXT = {
    "type": "array",
    "items": {"type": "string"},
    "x-cog-array-type": "iterator",
    "x-cog-array-display": "concatenate",
}


def header(request: bytes, name: str) -> str | None:
    lines = request.decode().split("\r\n\r\n")[0].split("\r\n")[1:]
    return dict(line.lower().split(": ", 1) for line in lines).get(name)


async def test_a_broken_stream_is_taken_up_again(clients: Any) -> None:
    """After a cut it asks for what comes after the last event, and gives every event once."""
    with Faults() as api, Faults() as host:
        url = f"{host.origin}/streams/s1"
        api.behaviours[:] = [as_json(model(output=TEXT)), as_json(streaming(url))]
        host.behaviours[:] = [
            events(("output", "a", "1:0"), ("output", "b", "1:1"), length=9999),
            events(("output", "b", "1:1"), ("output", "c", "1:2")),
            events(("output", "d", "1:3"), ("done", "{}", "1:4")),
        ]
        client = clients(base_url=api.base_url)
        Clock(client)
        seen = [event async for event in each(client.stream("me/model"))]
        assert "".join(seen) == "abcd"
        assert [header(request, "last-event-id") for request in host.requests] == [None, "1:1", "1:2"]


async def test_the_token_stays_with_the_api(clients: Any) -> None:
    """A stream on another host is opened without the token."""
    with Faults() as api, Faults() as host:
        api.behaviours[:] = [as_json(model(output=TEXT)), as_json(streaming(f"{host.origin}/streams/s1"))]
        host.behaviours[:] = [events(("done", "{}", "1:0"))]
        client = clients(base_url=api.base_url)
        assert [event.event async for event in each(client.stream("me/model"))] == ["done"]
        assert [header(request, "authorization") for request in api.requests] == ["bearer r8_test"] * 2
        assert [header(request, "authorization") for request in host.requests] == [None]


class Streams:
    """Answers of the host of streams, each a status or events of (kind, data, id or nothing); the last one repeated."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.requests = list(answers), 0

    def __call__(self) -> httpx.Response:
        self.requests += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, int):
            return httpx.Response(found)
        text = "".join(
            f"event: {kind}\n" + "".join(f"id: {place}\n" for place in places) + f"data: {data}\n\n"
            for kind, data, *places in found
        )
        return httpx.Response(200, text=text)


def offering(colour: str, streams: Streams, script: Script) -> Any:
    """Make a client of a model that streams."""
    script.answers.setdefault("model", [model(output=TEXT)])
    script.answers.setdefault("create", [streaming("https://stream.replicate.com/v1/s1")])

    def respond(request: httpx.Request) -> httpx.Response:
        return streams() if request.url.host == "stream.replicate.com" else script(request)

    return scripted(colour, respond, max_retries=0)


@pytest.mark.parametrize("again", [[], [("logs", "anew")], [("output", "a", "1:0"), ("output", "b", "1:1")]])
async def test_a_stream_that_stays_broken(colour: str, again: Any) -> None:
    """After some attempts without anything new, repeated or not, the error says how to get the result."""
    streams = Streams([("output", "a", "1:0"), ("output", "b", "1:1")], again)
    client = offering(colour, streams, Script())
    clock = Clock(client)
    seen: list[ServerSentEvent] = []
    with pytest.raises(StreamError, match=r"broke off.*predictions\.wait\('p1'\)") as raised:
        await collect(client.stream("me/model"), seen)
    assert [event for event in seen if event] == ["a", "b"]
    assert streams.requests == 6
    assert len(clock.sleeps) == 5
    assert raised.value.prediction.id == "p1"


async def test_a_server_that_starts_again(colour: str) -> None:
    """Events that come again, for the server ignores where to resume, are given once."""
    one, two = ("output", "a", "1:0"), ("output", "b")
    client = offering(colour, Streams([one, two], [one, two, ("output", "c", "1:1"), ("done", "{}", "1:2")]), Script())
    Clock(client)
    assert "".join([event async for event in each(client.stream("me/model"))]) == "abc"


async def test_a_stream_without_ids_is_not_taken_up_again(colour: str) -> None:
    """Output that has no id would come twice."""
    streams = Streams([("output", "a")])
    client = offering(colour, streams, Script())
    Clock(client)
    seen: list[ServerSentEvent] = []
    with pytest.raises(StreamError, match=r"broke off.*predictions\.wait\('p1'\)"):
        await collect(client.stream("me/model"), seen)
    assert (seen, streams.requests) == (["a"], 1)


@pytest.mark.parametrize("data", ["{}", '{"output": "no reason"}', '["reason"]', "no reason", '{"reason": null}'])
async def test_the_end_without_a_reason(colour: str, data: str) -> None:
    """Only a `reason` in the data of `done` tells of a failure."""
    client = offering(colour, Streams([("done", data)]), Script())
    assert [event.data for event in await collect(client.stream("me/model"))] == [data]


async def test_a_failure_that_shows_late(colour: str) -> None:
    """A prediction that still looks unfinished after its error is looked at until it has finished."""
    script = Script(get=[prediction("processing"), prediction("processing"), prediction("failed", error="oh")])
    client = offering(colour, Streams([("error", "oh no"), ("done", '{"reason": "error"}')]), script)
    Clock(client)
    with pytest.raises(StreamError, match=r"^Prediction p1 failed: oh\n"):
        await collect(client.stream("me/model"))


@pytest.mark.parametrize("look", [prediction("processing"), httpx.Response(500), httpx.Response(404)])
async def test_a_failure_that_does_not_show(colour: str, look: Any) -> None:
    """Where the prediction does not tell in time, the error says what the event said."""
    client = offering(colour, Streams([("error", "oh no"), ("done", "{}")]), Script(get=[look]))
    clock = Clock(client)
    with pytest.raises(StreamError, match=r"told of a failure: oh no\. .*wait\('p1'\)") as raised:
        await collect(client.stream("me/model", timeout=5))
    assert isinstance(raised.value.__cause__, APIStatusError | PredictionTimeout)
    assert (raised.value.prediction.id, raised.value.detail) == ("p1", "oh no")
    assert clock.time <= 5.001


async def test_a_stream_that_is_gone(colour: str) -> None:
    """An error status of the stream ends it at once."""
    streams = Streams(410)
    client = offering(colour, streams, Script())
    Clock(client)
    with pytest.raises(StreamError) as raised:
        await collect(client.stream("me/model"))
    assert isinstance(raised.value.__cause__, APIStatusError)
    assert streams.requests == 1


async def test_a_model_without_a_stream(colour: str) -> None:
    """A prediction that has no stream says what to do instead."""
    client = offering(colour, Streams([]), Script(create=[prediction()]))
    with pytest.raises(StreamError, match=r"no stream.*prediction\.wait\(\)"):
        await collect(client.stream("me/model"))


@pytest.mark.parametrize("broken", [410, [("output", "one "), ("output", "two")]])
async def test_items_outlive_their_stream(colour: str, broken: Any) -> None:
    """`run` takes what a stream has left out from the prediction itself, each piece once."""
    script = Script(
        get=[
            prediction("processing", output=["one ", "two "]),
            prediction("succeeded", output=["one ", "two three"]),
        ]
    )
    client = offering(colour, Streams(broken, []), script)
    Clock(client)
    output = await got(client.run("me/model"))
    assert "".join([item async for item in each(output)]) == "one two three"
    assert script.asked[-1] == "GET /predictions/p1"


async def test_unknown_events_pass_through(colour: str) -> None:
    """An event of a kind that is not known yet is given, and is no text."""
    client = offering(colour, Streams([("progress", "50"), ("output", "a"), ("done", "{}")]), Script())
    seen = [(event.event, event.data, str(event)) async for event in each(client.stream("me/model"))]
    assert seen == [("progress", "50", ""), ("output", "a", "a"), ("done", "{}", "")]


@pytest.mark.parametrize("way", ["stream", "run"])
async def test_a_stream_keeps_to_the_timeout(colour: str, way: str) -> None:
    """A stream that gives signs of life, but no end, ends at the timeout."""
    limits: list[float] = []

    class Alive(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self) -> Any:
            return self

        def __next__(self) -> bytes:
            clock.time += 3
            return b": alive\n\n"

        def __aiter__(self) -> Any:
            return self

        async def __anext__(self) -> bytes:
            return next(self)

    def alive(request: httpx.Request) -> httpx.Response:
        if request.url.host != "stream.replicate.com":
            return script(request)
        limits.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, stream=Alive())

    script = Script(
        model=[model(output=TEXT)],
        create=[streaming("https://stream.replicate.com/v1/s1")],
        get=[prediction("processing")],
    )
    client = scripted(colour, alive)
    clock = Clock(client)
    with pytest.raises(PredictionTimeout, match="after 10 s"):
        await collect(
            client.stream("me/model", timeout=10) if way == "stream" else await got(client.run("me/model", timeout=10))
        )
    assert clock.time <= 13
    assert limits == [10]
