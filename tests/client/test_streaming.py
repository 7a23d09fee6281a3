"""`client.stream` yields the events of a prediction to its end, even if connections break."""

from __future__ import annotations

import json
import pickle
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import Clock, collect, connect, each, got, leaves_streams, scripted
from support.faults import Faults, answer
from support.sample_models import VERSION, Held, Script, model, model_or_version, prediction

from replicate import APIStatusError, FileOutput, PredictionTimeout, RunError, ServerSentEvent, StreamError
from replicate._http.connections import pool
from replicate.local import Model

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

pytestmark = leaves_streams


async def test_events(client: Any, asked: Any) -> None:
    """Events are yielded in order. Their text is the output."""
    events = [event async for event in each(client.stream("me/official", input={"text": "a"}))]
    assert [(event.event, event.data) for event in events] == [
        ("logs", "shouting a\n"),
        ("output", "A!"),
        ("done", "{}"),
    ]
    assert "".join(events) == "A!"
    assert all(isinstance(event, ServerSentEvent) and event.id for event in events)
    create, stream = asked()
    assert create.json == {"input": {"text": "a"}, "stream": True}
    assert (stream.headers["accept"], stream.headers["cache-control"]) == ("text/event-stream", "no-store")


async def test_events_come_as_they_happen(clients: Any, held: Held) -> None:
    """The first event is yielded while the model still runs."""
    with held.served({"me/held": Model(held.words, official=True)}) as srv:
        seen = []
        async for event in each(clients(srv).stream("me/held")):
            seen.append((str(event), held.go.is_set()))
            held.go.set()
        assert seen == [("first ", False), ("second", True), ("", True)]


async def test_a_failing_model(client: Any) -> None:
    """All events are yielded, then StreamError has the prediction and the model's message. Its notes have the rest."""
    seen: list[ServerSentEvent] = []
    with pytest.raises(StreamError) as raised:
        await collect(client.stream("me/broken"), seen)
    failed = raised.value.prediction
    assert failed
    assert str(raised.value) == "CUDA out of memory"
    assert raised.value.message == f"Prediction {failed.id} failed: CUDA out of memory"
    which, of_model, logs, link = raised.value.__notes__
    assert (which, of_model) == (f"Prediction {failed.id} failed.", "model: me/broken")
    assert logs.startswith("last logs:\n")
    assert "RuntimeError: CUDA out of memory" in logs
    assert link == f"see {failed.urls.web}"
    assert [event.event for event in seen[-2:]] == ["error", "done"]
    assert isinstance(raised.value, RuntimeError)
    assert isinstance(raised.value, RunError)
    assert (failed.status, failed.error, raised.value.detail) == ("failed", *["CUDA out of memory"] * 2)


async def test_a_canceled_prediction(clients: Any, held: Held) -> None:
    """A prediction that is canceled elsewhere ends its stream with StreamError."""
    with held.served({"me/held": Model(held.words, official=True)}) as srv:
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
    """Return a stream's response, which is cut off if `length` promises more."""
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
    """After a cut, the client resumes after the last event, and yields every event once."""
    with Faults() as api, Faults() as host:
        url = f"{host.origin}/streams/s1"
        api.behaviours[:] = [as_json(streaming(url))]
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
        api.behaviours[:] = [as_json(streaming(f"{host.origin}/streams/s1"))]
        host.behaviours[:] = [events(("done", "{}", "1:0"))]
        client = clients(base_url=api.base_url)
        assert [event.event async for event in each(client.stream("me/model"))] == ["done"]
        assert [header(request, "authorization") for request in api.requests] == ["bearer r8_test"]
        assert [header(request, "authorization") for request in host.requests] == [None]


STREAM = "https://stream.replicate.com/v1/s1"


class Streams:
    """The stream host's answers: each a status, or events of (kind, data, id if any). The last answer repeats."""

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


WAYS = ["stream", "run", "use"]


async def begun(client: Any, way: str, **options: Any) -> Any:
    """Return an iterator from `stream`, from `run` of a version, or from `use`."""
    if way == "stream":
        return client.stream("me/model", **options)
    if way == "run":
        return await got(client.run(f"me/model:{VERSION}", wait=False, **options))
    return await got(client.use("me/model", streaming=True, **options)())


def offering(colour: str, streams: Streams, script: Script) -> Any:
    """Make a client of a model that streams."""
    script.answers.setdefault("model", [model_or_version(output=TEXT)])
    script.answers.setdefault("create", [streaming("https://stream.replicate.com/v1/s1")])

    def respond(request: httpx.Request) -> httpx.Response:
        return streams() if request.url.host == "stream.replicate.com" else script(request)

    return scripted(colour, respond, max_retries=0)


@pytest.mark.parametrize("again", [[], [("logs", "anew")], [("output", "a", "1:0"), ("output", "b", "1:1")]])
async def test_a_stream_that_stays_broken(colour: str, again: Any) -> None:
    """After several reconnections without new events, the rest of the output comes from polls."""
    streams = Streams([("output", "a", "1:0"), ("output", "b", "1:1")], again)
    looks = [prediction("processing", output=["a", "b", "c"]), prediction("succeeded", output=["a", "b", "c", "de"])]
    client = offering(colour, streams, Script(get=looks))
    clock = Clock(client)
    seen = [event async for event in each(client.stream("me/model")) if event.event != "logs"]
    assert [(event.event, event.data) for event in seen] == [
        ("output", "a"),
        ("output", "b"),
        ("output", "c"),
        ("output", "de"),
        ("done", "{}"),
    ]
    assert streams.requests == 6
    assert len(clock.sleeps) == 5 + 1


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (prediction("failed", output=["a", "b"], error="oh"), "error"),
        (prediction("canceled", output=["a", "b"]), "canceled"),
        (prediction("aborted", output=["a", "b"]), "canceled"),
    ],
)
async def test_a_failure_that_a_poll_finds(colour: str, end: Any, reason: str) -> None:
    """A failure that a poll finds is yielded as `done` with its reason, then raised, without another poll."""
    script = Script(get=[end])
    client = offering(colour, Streams([("output", "a")]), script)
    Clock(client)
    seen: list[ServerSentEvent] = []
    with pytest.raises(StreamError) as raised:
        await collect(client.stream("me/model"), seen)
    ended = f"Prediction p1 {end['status']}"
    assert str(raised.value) == (end["error"] or ended)
    assert raised.value.message == (f"{ended}: oh" if end["error"] else ended)
    assert [event for event in seen if event] == ["a", "b"]
    assert (seen[-1].event, seen[-1].data) == ("done", json.dumps({"reason": reason}))
    assert raised.value.prediction.status == end["status"]
    assert script.asked.count("GET /predictions/p1") == 1


@pytest.mark.parametrize("way", WAYS)
async def test_a_prediction_that_the_api_cancels_at_the_timeout(colour: str, way: str) -> None:
    """A prediction that the API has canceled at the deadline raises PredictionTimeout."""

    def late(_: httpx.Request) -> httpx.Response:
        clock.time = 19.5
        return httpx.Response(200, json=prediction("aborted"))

    client = offering(colour, Streams(410), Script(get=[late]))
    clock = Clock(client)
    with pytest.raises(PredictionTimeout, match="20 s"):
        await collect(await begun(client, way, timeout=20))


class Comments(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A stream of one output followed by comments, one every ten seconds of a clock."""

    clock: Clock
    is_open = False

    def __iter__(self) -> Iterator[bytes]:
        self.is_open = True
        yield b"event: output\nid: 1:0\ndata: a\n\n"
        for _ in range(20):  # enough for every test
            self.clock.time += 10
            yield b": still there\n\n"

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        for each_one in iter(self):
            yield each_one

    def close(self) -> None:
        self.is_open = False

    async def aclose(self) -> None:
        self.close()


@pytest.mark.parametrize("way", WAYS)
async def test_a_silent_stream(colour: str, way: str) -> None:
    """During a stream of nothing but comments, the prediction is polled, and its end ends the stream."""
    looks = [prediction("processing", output=["a"]), prediction("succeeded", output=["a", "b"])]
    script, comments = Script(model=[model_or_version(output=TEXT)], create=[streaming(STREAM)], get=looks), Comments()

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=comments) if request.url == STREAM else script(request)

    client = scripted(colour, respond)
    comments.clock = Clock(client)
    items = await begun(client, way)
    assert "".join(map(str, await collect(items))) == "ab"
    assert comments.clock.time == 40


@pytest.mark.parametrize("way", WAYS)
async def test_a_callback_told_of_a_silent_stream(colour: str, way: str) -> None:
    """What it raises ends the call, also an error that by itself would only end the stream."""
    states = [prediction("processing", output=["a"], logs="news"), prediction("succeeded", output=["a", "b"])]
    script = Script(model=[model_or_version(output=TEXT)], create=[streaming(STREAM)], get=states)
    script.answers["cancel"] = [prediction("canceled")]
    comments, told = Comments(), list[str]()

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=comments) if request.url == STREAM else script(request)

    def on_update(now: Any) -> None:
        told.append(now.logs)
        if now.logs == "news":
            raise PredictionTimeout(now, 1)

    client = scripted(colour, respond)
    comments.clock = Clock(client)
    with pytest.raises(PredictionTimeout):
        await collect(await begun(client, way, on_update=on_update))
    assert told[-1] == "news"


@pytest.mark.parametrize("way", WAYS)
async def test_a_silent_stream_frees_its_connection(colour: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll does not need a second connection beside a silent stream's. The stream then resumes where it was."""
    monkeypatch.setattr(pool, "MOST", 1)
    looks = [prediction("processing", output=["a"]) for _ in range(7)] + [prediction("succeeded", output=["a", "b"])]
    script, comments = Script(model=[model_or_version(output=TEXT)], create=[streaming(STREAM)], get=looks), Comments()
    places: list[str | None] = []

    def respond(request: httpx.Request) -> httpx.Response:
        assert not comments.is_open
        if request.url != STREAM:  # a response that is already read would keep its connection
            return httpx.Response(200, stream=httpx.ByteStream(script(request).content))
        places.append(request.headers.get("last-event-id"))
        return httpx.Response(200, stream=comments)

    client = connect(colour)
    client._session.transport._options["transport"] = httpx.MockTransport(respond)
    comments.clock = Clock(client)
    items = await begun(client, way)
    assert "".join(map(str, await collect(items))) == "ab"
    assert places == [None] + ["1:0"] * 7
    assert not any(comments.clock.sleeps)
    await got(client.close())


async def test_a_silent_stream_that_cannot_be_resumed(colour: str) -> None:
    """A silent stream without event ids would restart if resumed, so the rest comes from the prediction."""
    looks = [prediction("processing", output=["a"]), prediction("succeeded", output=["a", "b"])]
    script, asked = Script(model=[model_or_version(output=TEXT)], create=[streaming(STREAM)], get=looks), list[str]()

    class Nameless(Comments):
        def __iter__(self) -> Iterator[bytes]:
            return (part.replace(b"id: 1:0\n", b"") for part in super().__iter__())

    comments = Nameless()

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, stream=comments) if request.url == STREAM else script(request)

    client = scripted(colour, respond)
    comments.clock = Clock(client)
    assert "".join(map(str, await collect(client.stream("me/model")))) == "ab"
    assert asked.count(STREAM) == 1


NUMBERS = {"type": "array", "items": {"type": "integer"}, "x-cog-array-type": "iterator"}


@pytest.mark.parametrize(
    ("way", "kind"), [("stream", TEXT), ("run", TEXT), ("use", TEXT), ("run", NUMBERS), ("use", NUMBERS)]
)
@pytest.mark.parametrize("end", ["succeeded", "processing"])
async def test_a_reader_that_is_slower_than_the_timeout(colour: str, way: str, kind: Any, end: str) -> None:
    """An output that was complete in time is yielded whole, however late it is read. Otherwise PredictionTimeout."""
    output: list[Any] = [1, 2] if kind is NUMBERS else ["a", "b"]
    early, ended = prediction("processing", output=output[:1]), prediction(end, output=output)
    script = Script(
        model=[model_or_version(output=kind)], create=[streaming(STREAM)], get=[early, ended], cancel=[ended]
    )
    comments = Comments()

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url != STREAM:
            return script(request)
        return httpx.Response(410) if kind is NUMBERS else httpx.Response(200, stream=comments)

    if kind is TEXT:
        script.answers["get"] = [ended]
    client, seen = scripted(colour, respond), list[str]()
    clock = comments.clock = Clock(client)
    items = await begun(client, way, timeout=15)
    with nullcontext() if end == "succeeded" else pytest.raises(PredictionTimeout):
        async for item in each(items):
            seen.append(str(item))
            clock.time = max(clock.time, 16)
    assert seen[:2] == [str(item) for item in (output if way != "stream" or end == "succeeded" else output[:1])]
    assert script.asked.count("GET /predictions/p1") == (2 if kind is NUMBERS else 1)


async def test_a_stream_and_a_prediction_that_are_gone(colour: str) -> None:
    """If the stream and the polls fail, the error says how to go on."""
    client = offering(colour, Streams(410), Script(get=[httpx.Response(404)]))
    Clock(client)
    with pytest.raises(StreamError, match=r"broke off.*predictions\.wait\('p1'\)") as raised:
        await collect(client.stream("me/model"))
    assert isinstance(raised.value.__cause__, APIStatusError)
    assert raised.value.prediction.id == "p1"


async def test_text_with_other_line_ends(colour: str) -> None:
    """Events turn every line end into a newline, and the rest that comes from polls still fits."""
    script = Script(get=[prediction("succeeded", output=["a\r\nb\r", "\nc", "d"])])
    client = offering(colour, Streams([("output", "a\ndata: b\ndata: ")]), script)
    Clock(client)
    assert "".join([event async for event in each(client.stream("me/model"))]) == "a\nb\n\ncd"


async def test_a_server_that_starts_again(colour: str) -> None:
    """If a server ignores `Last-Event-ID` and starts again, repeated events are yielded once, with or without ids."""
    one, two = ("output", "a", "1:0"), ("output", "b", "1:1")
    again = [one, ("logs", "x"), two, ("output", "c", "1:2"), ("done", "{}", "1:3")]
    client = offering(colour, Streams([one, ("logs", "x"), two], again), Script())
    Clock(client)
    assert "".join([event async for event in each(client.stream("me/model"))]) == "abc"


@pytest.mark.parametrize("odd", ["\x1b", " 1", "1\x7f"])
async def test_an_id_that_no_header_can_carry(clients: Any, odd: str) -> None:
    """After an event with such an id, the stream is read from its beginning, and every event is yielded once."""
    with Faults() as api, Faults() as host:
        api.behaviours[:] = [as_json(streaming(f"{host.origin}/streams/s1"))]
        first = [("output", "a", "1:0"), ("output", "b", odd)]
        host.behaviours[:] = [
            events(*first, length=9999),
            events(*first, ("output", "c", "1:2"), ("done", "{}", "1:3")),
        ]
        client = clients(base_url=api.base_url)
        Clock(client)
        assert "".join([event async for event in each(client.stream("me/model"))]) == "abc"
        assert [header(request, "last-event-id") for request in host.requests] == [None, None]


@pytest.mark.parametrize("begin", [[], [("output", "a", "1:0")], [("output", "a", "1:0"), ("logs", "x", "")]])
async def test_a_stream_without_ids_is_not_resumed(colour: str, begin: Any) -> None:
    """Output events without ids would come twice after a reconnection, so the rest comes from polls."""
    streams = Streams([*begin, ("output", "b")])
    script = Script(
        get=[prediction("succeeded", output=[*(each[1] for each in begin if each[0] == "output"), "b", "c"])]
    )
    client = offering(colour, streams, script)
    Clock(client)
    text = "".join([event async for event in each(client.stream("me/model"))])
    assert (text, streams.requests) == ("abc" if begin else "bc", 1)


@pytest.mark.parametrize(
    ("told", "timeout", "pause"),
    [("70", None, 0.07), ("0", None, 0), ("99999", None, 10), ("9000", 4, 4), ("soon", None, 0.1)],
)
async def test_the_server_sets_the_pause(colour: str, told: str, timeout: float | None, pause: float) -> None:
    """`retry` sets the pause before each reconnection, up to 10 seconds and the deadline."""
    text = f"retry: {told}\n\nevent: output\nid: 1\ndata: a\n\n"
    answers = [httpx.Response(200, text=text), httpx.Response(200, text="event: done\ndata: {}\n\n")]
    script = Script(model=[model_or_version(output=TEXT)], create=[streaming("https://stream.replicate.com/v1/s1")])
    client = scripted(
        colour, lambda request: answers.pop(0) if request.url.host.startswith("stream") else script(request)
    )
    clock = Clock(client)
    assert "".join(await collect(client.stream("me/model", timeout=timeout))) == "a"
    assert clock.sleeps == [pytest.approx(pause, rel=0.25 if told == "soon" else 1e-6)]


@pytest.mark.parametrize("data", ["{}", '{"output": "no reason"}', '["reason"]', "no reason", '{"reason": null}'])
async def test_the_end_without_a_reason(colour: str, data: str) -> None:
    """Only a `reason` in the data of `done` stands for a failure."""
    client = offering(colour, Streams([("done", data)]), Script())
    assert [event.data for event in await collect(client.stream("me/model"))] == [data]


async def test_a_failure_that_shows_late(colour: str) -> None:
    """After an error event, a prediction that still looks unfinished is polled until it has finished."""
    script = Script(get=[prediction("processing"), prediction("processing"), prediction("failed", error="oh")])
    client = offering(colour, Streams([("error", "oh no"), ("done", '{"reason": "error"}')]), script)
    Clock(client)
    with pytest.raises(StreamError, match=r"^oh\nPrediction p1 failed\.\n") as raised:
        await collect(client.stream("me/model"))
    assert raised.value.message == "Prediction p1 failed: oh"


@pytest.mark.parametrize("look", [prediction("processing"), httpx.Response(500), httpx.Response(404)])
async def test_a_failure_that_does_not_show(colour: str, look: Any) -> None:
    """If the prediction does not show the failure in time, the error has the event's message."""
    client = offering(colour, Streams([("error", "oh no"), ("done", "{}")]), Script(get=[look]))
    clock = Clock(client)
    with pytest.raises(StreamError, match=r"told of a failure: oh no\. .*wait\('p1'\)") as raised:
        await collect(client.stream("me/model", timeout=5))
    assert isinstance(raised.value.__cause__, APIStatusError | PredictionTimeout)
    assert (raised.value.prediction.id, raised.value.detail) == ("p1", "oh no")
    assert clock.time <= 5.001


async def test_a_stream_that_is_gone(colour: str) -> None:
    """A stream with an error status is not retried: the output comes from polls."""
    streams = Streams(410)
    client = offering(colour, streams, Script(get=[prediction("succeeded", output=["a"])]))
    Clock(client)
    assert [(event.event, event.data) for event in await collect(client.stream("me/model"))] == [
        ("output", "a"),
        ("done", "{}"),
    ]
    assert streams.requests == 1


@pytest.mark.parametrize(
    ("output", "made", "data"),
    [
        (None, "all", ["all"]),
        ({"type": "object"}, {"n": 1, "é": None}, ['{"n":1,"é":null}']),
        ({"type": "array", "items": {"type": "integer"}, "x-cog-array-type": "iterator"}, [1, 2], ["1", "2"]),
    ],
)
async def test_a_model_without_a_stream(colour: str, output: Any, made: Any, data: list[str]) -> None:
    """The output of a prediction without a stream is yielded as events when it is complete, as text or as JSON."""
    states = [prediction("processing", output=None), prediction("succeeded", output=made)]
    client = offering(colour, Streams([]), Script(model=[model(output=output)], create=[prediction()], get=states))
    Clock(client)
    events = await collect(client.stream("me/model"))
    assert [event.data for event in events if event.event == "output"] == data
    assert (events[-1].event, events[-1].data) == ("done", "{}")


FILES = {"type": "array", "items": {"type": "string", "format": "uri"}, "x-cog-array-type": "iterator"}
LINK = "https://example.com/a.png"


@pytest.mark.parametrize("schema", [None, FILES, TEXT])
@pytest.mark.parametrize("use_file_output", [None, True, False])
@pytest.mark.parametrize("answer", [[("output", LINK, "1"), ("done", "{}", "2")], 410])
async def test_files_in_events(colour: str, schema: Any, use_file_output: bool | None, answer: Any) -> None:  # noqa: FBT001
    """The data of an output event that is one URL is a FileOutput, whatever the schema. Its text is the URL."""
    script = Script(model=[model(output=schema)], get=[prediction("succeeded", output=[LINK])])
    client = offering(colour, Streams(answer), script)
    Clock(client)
    if schema is not None:
        assert await got(client.use("me/model").openapi_schema())
    [event, _] = await collect(client.stream("me/model", use_file_output=use_file_output))
    assert str(event) == LINK
    expected = str if use_file_output is False else FileOutput
    assert (type(event.data), str(event.data)) == (expected, LINK)
    again = pickle.loads(pickle.dumps(event))
    assert (again.data, str(again)) == (event.data, LINK)


@pytest.mark.parametrize("use_file_output", [None, False])
async def test_files_in_the_events_of_a_prediction(colour: str, use_file_output: bool | None) -> None:  # noqa: FBT001
    """The data of an event is a file if all of it is one URL."""
    links = ["https://replicate.delivery/a.png", LINK, f"see {LINK}", f"{LINK} there", "ftp://example.com/a.png"]
    streams = Streams([*(("output", link, link) for link in links), ("done", "{}", "2")])
    client = offering(colour, streams, Script(get=[streaming("https://stream.replicate.com/v1/s1")]))
    found = await got(client.predictions.get("p1"))
    kinds = [type(event.data) for event in await collect(found.stream(use_file_output)) if event]
    assert kinds == [*[str if use_file_output is False else FileOutput] * 2, *[str] * 3]


@pytest.mark.parametrize("way", ["run", "use"])
@pytest.mark.parametrize("broken", [410, [("output", "one "), ("output", "two")]])
async def test_items_outlive_their_stream(colour: str, broken: Any, way: str) -> None:
    """An iterator takes what its stream has left out from the prediction, each part once."""
    script = Script(
        get=[
            prediction("processing", output=["one ", "two "]),
            prediction("succeeded", output=["one ", "two three"]),
        ]
    )
    client = offering(colour, Streams(broken, []), script)
    Clock(client)
    output = await begun(client, way)
    assert "".join([item async for item in each(output)]) == "one two three"
    assert script.asked[-1] == "GET /predictions/p1"


@pytest.mark.parametrize(
    ("begun", "told", "made", "connections"),
    [
        (["a"], "abc", ["a", "b", "c"], 1),  # by events
        (["a", "b"], "abc", ["a", "b", "c"], 1),
        (["a", "b"], "c", ["a", "b", "c"], 1),  # the stream began too late
        (["ab"], "abc", ["a", "b", "c"], 1),  # split differently
        ([{"n": 1}], "abc", [{"n": 1}, 2], 0),  # not text
        ([], "abc", ["a", "b", "c"], 1),  # after a poll that shows the first item
    ],
)
async def test_items_without_a_schema(colour: str, begun: Any, told: str, made: Any, connections: int) -> None:
    """`output_iterator` yields each item once: from events if the first items are text, else from polls."""
    url = "https://stream.replicate.com/v1/s1"
    looks = [
        streaming(url, status="processing", output=begun or None),
        streaming(url, status="processing", output=begun or ["a"]),
        streaming(url, status="succeeded", output=made),
    ]
    streams = Streams([*(("output", each, each) for each in told), ("done", "{}", "end")])
    client = offering(colour, streams, Script(get=looks))
    Clock(client)
    found = await got(client.predictions.get("p1"))
    assert await collect(found.output_iterator()) == made
    assert streams.requests == connections


async def test_unknown_events_pass_through(colour: str) -> None:
    """An event of an unknown kind is yielded, and is no text."""
    client = offering(colour, Streams([("progress", "50"), ("output", "a"), ("done", "{}")]), Script())
    seen = [(event.event, event.data, str(event)) async for event in each(client.stream("me/model"))]
    assert seen == [("progress", "50", ""), ("output", "a", "a"), ("done", "{}", "")]


@pytest.mark.parametrize("way", WAYS)
async def test_a_stream_keeps_to_the_timeout(colour: str, way: str) -> None:
    """A stream that sends only comments ends at the timeout."""
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
        model=[model_or_version(output=TEXT)],
        create=[streaming("https://stream.replicate.com/v1/s1")],
        get=[prediction("processing")],
    )
    client = scripted(colour, alive)
    clock = Clock(client)
    with pytest.raises(PredictionTimeout, match="after 10 s"):
        await collect(await begun(client, way, timeout=10))
    assert clock.time <= 13
    assert limits == [10]
