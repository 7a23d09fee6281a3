"""Callers that wait for a prediction, or follow it, can watch its progress."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator  # noqa: TC003 - the server reads the models' signatures
from contextlib import aclosing, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from io import StringIO
from threading import Thread
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import Clock, collect, each, got, leaves_streams, scripted
from support.sample_models import Held, Script, model, prediction, version_of

from replicate import ModelError, NotFoundError, Prediction, PredictionTimeout, RunError
from replicate._objects.progress_bar import Display
from replicate.local import Model
from replicate.local import server as local_server
from replicate.resources.trainings import Training

if TYPE_CHECKING:
    from replicate._jobs.updates import Timings

pytestmark = leaves_streams

HALF = " 50%|#####     | 5/10 [00:01<00:01]\n"
STATES = [
    prediction("starting"),
    prediction("starting"),
    prediction("processing", logs="one\n"),
    prediction("processing", logs="one\n" + HALF),
    prediction("succeeded", logs="one\n" + HALF + "two", output="done"),
]
SEEN = [
    ("starting", ""),
    ("processing", "one\n"),
    ("processing", "one\n" + HALF),
    ("succeeded", "one\n" + HALF + "two"),
]
WAYS = ["run", "use", "create", "wait", "wait for an id", "wait for a training"]


def changing(colour: str, states: list[Any] | None = None, **answers: Any) -> tuple[Any, Script]:
    """Return a client whose prediction has a new state at each poll, and its server."""
    states = states or STATES
    script = Script(model=[model()], create=states[:1], get=states[1:], cancel=[prediction("canceled")])
    script.answers.update(answers)
    client = scripted(colour, script)
    Clock(client)
    return client, script


async def watch(client: Any, way: str, **options: Any) -> Any:
    """Wait for the end of a prediction in one of several ways."""
    match way:
        case "run":
            return await got(client.run("me/model", {}, **options))
        case "use":
            return await got(client.use("me/model", **options)())
        case "create":
            return await got((await got(client.use("me/model", **options).create())).output())
        case "wait":
            return await got((await got(client.predictions.create("v", {}))).wait(**options))
        case "wait for an id":
            return await got(client.predictions.wait("p1", **options))
        case _:
            return await got(client.trainings.wait("p1", **options))


@pytest.mark.parametrize("way", WAYS)
async def test_each_new_state_is_passed_once(colour: str, way: str) -> None:
    """The callback gets the prediction first as it is, and then whenever a poll shows a change."""
    client, _ = changing(colour)
    seen: list[tuple[Any, ...]] = []
    await watch(client, way, on_update=lambda run: seen.append((run.status, run.logs)))
    assert seen == SEEN


@pytest.mark.parametrize("way", WAYS)
async def test_a_callback_is_awaited_by_an_asynchronous_client(colour: str, way: str) -> None:
    """A coroutine function is awaited. With a blocking client it is a TypeError, and nothing is sent."""
    client, script = changing(colour)
    seen: list[str] = []

    async def note(run: Any) -> None:
        seen.append(run.status)

    class Noting:
        async def __call__(self, run: Any) -> None:
            await note(run)

    if colour == "blocking":
        for callback in (note, Noting()):
            script.requests.clear()
            with pytest.raises(TypeError, match=r"on_update is a coroutine function.*AsyncReplicate"):
                await watch(client, way, on_update=callback)
            assert script.asked in ([], ["POST /predictions"])  # for `wait`, the prediction must exist before
    else:
        await watch(client, way, on_update=Noting())
        assert seen == [status for status, _ in SEEN]


@pytest.mark.parametrize("name", ["on_update", "progress"])
@pytest.mark.parametrize("way", ["run", "use", "stream"])
async def test_invalid_callbacks_are_refused(colour: str, name: str, way: str) -> None:
    """A callback that is not callable, or a progress that is no bool, is a TypeError before anything is sent."""
    client, script = changing(colour)
    with pytest.raises(TypeError, match=f"{name} must be"):
        await (collect(client.stream("me/model", **{name: 5})) if way == "stream" else watch(client, way, **{name: 5}))
    assert script.asked == []


@pytest.mark.parametrize("options", [{"on_update": 5}, {"progress": "yes"}])
def test_a_function_refuses_at_once(colour: str, options: Any) -> None:
    """`use` itself raises for invalid callbacks, not the first call of its function."""
    with pytest.raises(TypeError, match=r"on_update must be|progress must be"):
        changing(colour)[0].use("me/model", **options)


def test_a_blocking_callback_that_returns_a_coroutine() -> None:
    """A blocking client's callback that returns a coroutine is a TypeError, and the prediction is canceled."""
    client, script = changing("blocking")

    async def note() -> None:
        raise AssertionError

    with pytest.raises(TypeError, match="on_update gave something to await"):
        client.run("me/model", {}, on_update=lambda _: note())
    assert script.asked[-1] == "POST /predictions/p1/cancel"


@pytest.mark.parametrize("when", ["starting", "processing"])
@pytest.mark.parametrize("kind", [ZeroDivisionError, NotFoundError, ModelError])
@pytest.mark.parametrize("way", WAYS)
async def test_a_callback_that_fails(colour: str, way: str, kind: type[Exception], when: str) -> None:
    """A callback's error is raised, and the prediction is canceled if the call has started it.

    An error of this package becomes the cause of a RunError with the call's own prediction, since another call would
    start another one.
    """
    client, script = changing(colour)
    other: Any = Prediction.from_dict(prediction("failed", id="p2", error="oh"))
    error = kind(other) if kind is ModelError else kind("oh")
    vars(error)["prediction"] = other

    def fail(run: Any) -> None:
        if run.status == when:
            raise error

    with pytest.raises(Exception, match="oh") as raised:
        await watch(client, way, on_update=fail)
    owns = way in ("run", "use", "create")
    if owns and kind is not ZeroDivisionError:
        assert type(raised.value) is RunError
        assert raised.value.__cause__ is error
        assert raised.value.prediction
        assert raised.value.prediction.id == "p1"
    else:
        assert raised.value is error
        assert error.prediction.id == "p2"  # type: ignore[attr-defined]
    assert (script.asked[-1] == "POST /predictions/p1/cancel") is owns


async def test_a_callback_that_cancels(colour: str) -> None:
    """A callback may cancel the prediction. It is called for that state, too, and the wait ends."""
    client, script = changing(colour)
    seen: list[str] = []

    def stop(run: Any) -> Any:
        seen.append(run.status)
        return run.cancel() if run.status == "processing" else None

    done = await watch(client, "wait for an id", on_update=stop)
    assert (done.status, seen) == ("canceled", ["starting", "processing", "canceled"])
    assert script.asked[-1] == "POST /predictions/p1/cancel"


async def test_a_watched_prediction_is_polled(colour: str) -> None:
    """With a callback, the API is not asked to hold its answer, except by an explicit `wait`."""
    for options, held in (({}, None), ({"wait": 5}, "wait=5")):
        client, script = changing(colour)
        await watch(client, "run", on_update=lambda _: None, **options)
        assert script.asked[0] == "POST /models/me/model/predictions"
        assert script.requests[0].headers.get("prefer") == held


# ---- streams and iterators


def told(text: str = "one two three") -> Iterator[str]:
    """Print a line and yield a word, for each word."""
    for number, word in enumerate(text.split()):
        print(f"word {number}")  # noqa: T201 - printed into the log
        yield word + " "


@pytest.mark.parametrize("way", ["stream", "run", "version", "use"])
async def test_events_are_states_too(clients: Any, way: str) -> None:
    """Logs and output from events are in the prediction, with callbacks for each. The last state is "succeeded"."""
    seen: list[Any] = []

    def note(run: Any) -> None:
        seen.append((run.status, run.logs, [*(run.output or ())]))

    with local_server({"me/told": Model(told, official=True), "me/community": told}) as srv:
        client = clients(srv)
        if way == "stream":
            source = client.stream("me/told", {}, on_update=note)
        elif way == "run":
            source = await got(client.run("me/told", {}, on_update=note))
        elif way == "version":
            source = await got(client.run(version_of(srv, "me/community"), {}, on_update=note))
        else:
            source = await got(client.use("me/told", streaming=True, on_update=note)())
        text = "".join(map(str, source if way == "run" else await collect(source)))
    assert text == "one two three "
    assert seen[0][0] == "starting"
    assert seen[-1] == ("succeeded", "word 0\nword 1\nword 2\n", ["one ", "two ", "three "])
    lengths = [(len(logs), len(output)) for _, logs, output in seen]
    assert lengths == sorted(lengths)
    assert len({*lengths}) > 1


async def test_an_output_that_is_read_twice(clients: Any) -> None:
    """A second iterator over the output of one call reports no logs or items twice."""
    seen: list[Any] = []
    with local_server({"me/told": Model(told, official=True)}) as srv:
        client = clients(srv)
        note = lambda made: seen.append((made.logs, made.output))  # noqa: E731
        run = await got(client.use("me/told", streaming=True, on_update=note).create())
        for _ in range(2):
            assert "".join(map(str, await collect(await got(run.output())))) == "one two three "
    assert seen[-1] == ("word 0\nword 1\nword 2\n", ["one ", "two ", "three "])
    assert all(len(output or ()) <= 3 for _, output in seen)


@pytest.mark.parametrize("kind", [ZeroDivisionError, NotFoundError, PredictionTimeout])
@pytest.mark.parametrize("way", ["stream", "version", "use"])
async def test_a_callback_that_fails_ends_a_stream(clients: Any, held: Held, way: str, kind: type[Exception]) -> None:
    """A callback's error at an event is raised, and the prediction is canceled.

    An error of this package becomes the cause of a RunError, which is raised again if the iterator is read on.
    """
    other: Any = Prediction.from_dict(prediction("failed", id="p2"))
    error = kind(other, 5) if kind is PredictionTimeout else kind("oh")

    def fail(run: Any) -> None:
        if run.output:
            raise error

    async def begin() -> Any:
        match way:
            case "stream":
                return client.stream("me/held", {}, on_update=fail)
            case "version":
                return await got(client.run(version_of(srv, "me/community"), {}, on_update=fail))
            case _:
                return await got(client.use("me/held", streaming=True, on_update=fail)())

    with held.served({"me/held": Model(held.words, official=True), "me/community": held.words}) as srv:
        client = clients(srv)
        items = await begin()
        for _ in range(2):
            with pytest.raises(kind if kind is ZeroDivisionError else RunError) as raised:
                await collect(items)
        if kind is not ZeroDivisionError:
            assert (raised.value.prediction, raised.value.__cause__) == (items.prediction, error)  # type: ignore[attr-defined]
        else:
            assert raised.value is error
        assert [run.status for run in srv.predictions] == ["canceled"]


# ---- the display


@pytest.fixture
def without_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)


@pytest.mark.usefixtures("without_tqdm")
@pytest.mark.parametrize("way", WAYS)
async def test_lines_of_progress(colour: str, way: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without tqdm, each new status or percentage is a line on stderr."""
    client, _ = changing(colour)
    await watch(client, way, progress=True)
    said = capsys.readouterr()
    assert said.err.splitlines() == ["p1: starting", "p1: processing", "p1: processing 50%", "p1: succeeded 50%"]
    assert said.out == ""


@pytest.mark.parametrize("way", WAYS)
async def test_a_bar_of_progress(colour: str, way: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With tqdm, the progress is a bar with the status, and no thread is left."""
    from tqdm import tqdm

    client, _ = changing(colour)
    await watch(client, way, progress=True)
    said = capsys.readouterr().err
    frames = [frame.partition("|")[0] for frame in said.replace("\n", "\r").split("\r") if "|" in frame]
    assert [*dict.fromkeys(frames)] == [
        "p1: starting:   0%",
        "p1: processing:   0%",
        "p1: processing:  50%",
        "p1: succeeded: 100%",
    ]
    assert said.endswith("\n")
    assert tqdm.monitor is None


async def test_a_bar_ends_with_a_call_that_fails(colour: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The bar of a failed prediction stays where it was, and its line is ended."""
    client, _ = changing(colour, [*STATES[:4], prediction("failed", error="no", logs=HALF)])
    with suppress(ModelError):
        await watch(client, "run", progress=True)
    said = capsys.readouterr().err
    assert "p1: failed:  50%" in said
    assert said.endswith("\n")


class BrokenPipe:
    """A stderr whose reader is gone."""

    def write(self, _: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise BrokenPipeError


@pytest.mark.parametrize("stderr", [None, BrokenPipe()], ids=["none", "broken"])
@pytest.mark.parametrize("kind", ["lines", "a bar"])
@pytest.mark.parametrize("way", WAYS[:4])
async def test_a_display_that_fails(
    colour: str, way: str, stderr: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a bar or a line cannot be written, the display is dropped and the call goes on."""
    if kind == "lines":
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    client, script = changing(colour)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)
        await watch(client, way, progress=True)
    assert not any(each.endswith("/cancel") for each in script.asked)


class Breaking(StringIO):
    """A stderr whose reader goes away later."""

    broken = False

    def write(self, text: str) -> int:
        if self.broken:
            raise BrokenPipeError
        return super().write(text)


@pytest.mark.parametrize("fractions", [[0.0], [0.0, 0.5]], ids=["at once", "later"])
def test_a_bar_that_fails_releases_the_shared_lock(fractions: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock that all bars share is released even if a bar cannot be drawn, at first or later."""
    from tqdm.std import TqdmDefaultWriteLock

    def take() -> None:
        if TqdmDefaultWriteLock.th_lock.acquire(blocking=False):
            TqdmDefaultWriteLock.th_lock.release()
            taken.append(True)

    taken, stderr, display = list[bool](), Breaking(), Display()
    monkeypatch.setattr(sys, "stderr", stderr)
    for fraction in fractions:
        assert display._shown is not None
        stderr.broken = fraction == fractions[-1]
        display.draw("one", fraction)
    assert display._shown is None
    thread = Thread(target=take)
    thread.start()
    thread.join()
    assert taken == [True]


async def test_no_bar_is_left_open(colour: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The line of a bar is ended if a callback raises at the first state, and if no output is waited for."""

    def fail(_: Any) -> None:
        raise NotFoundError

    async def call(client: Any, way: str) -> None:
        match way:
            case "run":
                await got(client.run("me/model", {}, on_update=fail, progress=True))
            case "version":
                await got(client.run("a" * 64, {}, on_update=fail, progress=True))
            case "stream":
                await collect(client.stream("me/model", {}, on_update=fail, progress=True))
            case _:
                await got(client.use("me/model", progress=True).create())

    for way in ("run", "version", "stream", "create"):
        client, _ = changing(colour, model=[model(output={"type": "array", "x-cog-array-type": "iterator"})])
        with nullcontext() if way == "create" else pytest.raises(RunError):
            await call(client, way)
        said = capsys.readouterr().err
        assert "p1: starting" in said
        assert said.endswith("\n")


@pytest.mark.parametrize("way", [*WAYS[:3], "stream"])
@pytest.mark.parametrize("end", [StopIteration, StopAsyncIteration])
async def test_a_callback_that_raises_stop_iteration(colour: str, way: str, end: type[Exception]) -> None:
    """StopIteration from a callback is the cause of a RuntimeError, and the prediction is canceled."""

    def stop(_: Any) -> None:
        raise end

    client, script = changing(colour)
    ran = collect(client.stream("me/model", on_update=stop)) if way == "stream" else watch(client, way, on_update=stop)
    with pytest.raises(RuntimeError, match=f"on_update raised {end.__name__}") as raised:
        await ran
    assert isinstance(raised.value.__cause__, end)
    assert script.asked[-1] == "POST /predictions/p1/cancel"


def test_tqdm_is_loaded_for_progress_only() -> None:
    """Waiting and callbacks do not import tqdm."""
    program = (
        "import sys, replicate._jobs.updates, replicate.resources.predictions, replicate._flows.run\n"
        "assert not [name for name in sys.modules if name.startswith('tqdm')]"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# ---- times


AT = datetime(2025, 1, 1, tzinfo=UTC)


def at(seconds: float) -> str:
    return (AT + timedelta(seconds=seconds)).isoformat()


@pytest.mark.parametrize("kind", [Prediction, Training])
def test_timings(kind: Any) -> None:
    """The time queued and the time run come from the API's times, and are None without these."""

    def timings(status: str, **times: Any) -> Timings:
        made: Timings = kind.from_dict(prediction(status, created_at=at(0), **times)).timings
        return made

    assert timings("succeeded", started_at=at(2), completed_at=at(7.5)) == (2.0, 5.5, 7.5)
    assert timings("canceled", completed_at=at(3)) == (None, None, 3.0)
    assert timings("succeeded") == (None, None, None)
    assert timings("succeeded", started_at=at(-1), completed_at=at(1)).queued == 0
    assert timings("succeeded", started_at="soon", completed_at=at(1)) == (None, None, 1.0)
    assert kind.from_dict({"id": "p1", "status": "starting"}).timings == (None, None, None)


def test_timings_so_far() -> None:
    """The timings of a running prediction count up to now."""
    now = datetime.now(UTC)
    times = {
        "created_at": (now - timedelta(seconds=60)).isoformat(),
        "started_at": (now - timedelta(seconds=20)).isoformat(),
    }
    made = Prediction.from_dict(prediction("processing", **times)).timings
    assert made.queued == pytest.approx(40)
    assert made.running == pytest.approx(20, abs=10)
    assert made.total == pytest.approx(60, abs=10)


# ---- logs


async def test_logs_are_followed_by_polls(colour: str) -> None:
    """Each line of the logs comes once: earlier ones, new ones, and a last one without a line end."""
    logs = ["old\nha", "old\nhalf\r", "old\nhalf\r\n\nbar 1\rbar 2\r", "old\nhalf\r\n\nbar 1\rbar 2\rend"]
    states = [prediction("processing", logs=text) for text in logs]
    client, _ = changing(colour, [*states[:3], prediction("failed", logs=logs[3])])
    made = await got(client.predictions.create("v", {}))
    assert await collect(made.follow_logs()) == ["old", "half", "", "bar 1", "bar 2", "end"]
    assert made.status == "failed"
    assert await collect(made.follow_logs()) == ["old", "half", "", "bar 1", "bar 2", "end"]


@pytest.mark.parametrize("look", [False, True])
async def test_logs_are_followed_by_events(clients: Any, held: Held, *, look: bool) -> None:
    """Lines come while the model runs, including earlier ones, each once."""

    def talk() -> Iterator[str]:
        print("before")  # noqa: T201 - printed into the log
        yield "a"
        yield from held.words()
        print("after", end="")  # noqa: T201

    with local_server({"me/talk": Model(talk, official=True)}) as srv:
        client = clients(srv)
        made = await got(client.predictions.create("me/talk", {}))
        assert held.started.wait(10)
        if look:
            await got(made.reload())
        said: list[str] = []
        async for line in each(made.follow_logs()):
            said.append(line)
            if line == "before":
                assert [run.status for run in srv.predictions] == ["processing"]
                held.go.set()
        assert said == ["before", "after"]


def stream(*events: tuple[str, str]) -> httpx.Response:
    """Return a stream of events that ends before `done`."""
    made = "".join(f"event: {kind}\nid: {number}\ndata: {data}\n\n" for number, (kind, data) in enumerate(events))
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=made.encode())


@pytest.mark.parametrize(
    "events", [[("logs", "b\ndata: "), ("logs", "c\ndata: ")], [("logs", "a"), ("logs", "b")], [("logs", "a\ndata: ")]]
)
async def test_a_stream_with_other_logs_is_left(colour: str, events: Any) -> None:
    """If the stream starts late, has no line ends or breaks off, the logs come from the prediction."""
    states = [prediction("processing", logs="a\n"), prediction("succeeded", logs="a\nb\nc\n")]
    for each_state in states:
        each_state["urls"] = {"stream": "https://stream.example.com/p1"}
    answers = iter([stream(*events)])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "stream.example.com":
            return next(answers, httpx.Response(404))
        return httpx.Response(200, json=states[0] if request.method == "POST" else states[1])

    client = scripted(colour, answer)
    Clock(client)
    made = await got(client.predictions.create("v", {}))
    assert await collect(made.follow_logs()) == ["a", "b", "c"]


async def test_logs_of_a_stream_without_ids(colour: str) -> None:
    """If such a stream breaks off, a new connection could repeat lines: the rest comes from the prediction."""
    states = [prediction("processing", logs=""), prediction("succeeded", logs="a\nb\nc\n")]
    for each_state in states:
        each_state["urls"] = {"stream": "https://stream.example.com/p1"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "stream.example.com":
            text = "".join(f"event: logs\ndata: {line}\ndata: \n\n" for line in "ab")
            return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=text)
        return httpx.Response(200, json=states[0] if request.method == "POST" else states[1])

    client = scripted(colour, answer)
    Clock(client)
    made = await got(client.predictions.create("v", {}))
    assert await collect(made.follow_logs()) == ["a", "b", "c"]


async def test_leaving_logs_cancels_nothing(clients: Any, held: Held) -> None:
    """To follow the logs is not to own the prediction: nothing is canceled."""

    def talk() -> Iterator[str]:
        print("before")  # noqa: T201 - printed into the log
        yield from held.words()

    with local_server({"me/talk": Model(talk, official=True)}) as srv:
        made = await got(clients(srv).predictions.create("me/talk", {}))
        async with aclosing(each(made.follow_logs())) as source:
            async for line in source:
                assert line == "before"
                break
        assert held.started.wait(10)
        assert [run.status for run in srv.predictions] == ["processing"]


# ---- the line in the log


@pytest.mark.parametrize("web", [None, "https://replicate.com/p/other"])
async def test_a_start_is_logged(colour: str, web: str | None, caplog: pytest.LogCaptureFixture) -> None:
    """One line at level INFO has the id and the page of what was started, and neither the token nor an input."""
    answer = prediction(urls={"web": web} if web else None)
    client, _ = changing(colour, create=[answer])
    page = web or "https://replicate.com/p/p1"
    with caplog.at_level(logging.INFO, "replicate"):
        await got(client.predictions.create("v", {"prompt": "secret"}))
        await got(client.trainings.create("o/n:v", {"data": "secret"}, "me/mine"))
    lines = [record.message for record in caplog.records if "started" in record.message]
    assert lines == [f"prediction p1 started: {page}", f"training p1 started: {page}"]


async def test_a_create_that_was_found_is_logged(colour: str, caplog: pytest.LogCaptureFixture) -> None:
    """A create that was found after a lost answer is logged, too."""
    found = prediction(created_at=datetime.now(UTC).isoformat(), version="v", input={})

    def lost(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset", request=request)

    client, _ = changing(colour, create=[lost], list=[{"results": [found]}], get=[found])
    with caplog.at_level(logging.INFO, "replicate"):
        await got(client.predictions.create("v", {}))
    lines = [record.message for record in caplog.records if "started: " in record.message]
    assert lines == ["prediction p1 started: https://replicate.com/p/p1"]
