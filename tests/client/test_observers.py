"""Observers of a client: told of each request, of what was started, and of how it ended; and unable to break a call."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import RUN, Clock, collect, connect, got, leaves_streams, scripted
from support.faults import Faults, answer
from support.sample_models import Script, model, prediction, version_of
from support.walking import found

import replicate
from replicate import APIConnectionError, Client, InternalServerError, ModelError, NotFoundError, Observer, Replicate

if TYPE_CHECKING:
    from collections.abc import Callable

    from replicate.local import Server

pytestmark = leaves_streams

TOKEN = "r8_0123456789abcdefghijklmnopqrstuvwxyz"
METHODS = ["started", "sending", "received", "failed", "finished"]


class Recorder(Observer):
    """Notes all that it is told: a short line, and the values themselves."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.values: list[tuple[Any, ...]] = []

    def note(self, line: str, *values: Any) -> None:
        self.lines.append(line)
        self.values.append(values)

    def started(self, prediction: Any) -> None:
        self.note(f"started {type(prediction).__name__} {prediction.status}", prediction)

    def sending(self, request: httpx.Request, attempt: int) -> None:
        self.note(f"sending {request.method} {attempt}", request)

    def received(self, response: httpx.Response, seconds: float) -> None:
        self.note(f"received {response.status_code}", response, seconds)

    def failed(self, error: Any, retry_in: float | None) -> None:
        self.note(f"failed {type(error).__name__}", error, retry_in)

    def finished(self, prediction: Any) -> None:
        self.note(f"finished {type(prediction).__name__} {prediction.status}", prediction)

    def of(self, method: str) -> list[tuple[Any, ...]]:
        return [values for line, values in zip(self.lines, self.values, strict=True) if line.split()[0] == method]

    @property
    def runs(self) -> list[str]:
        """What was told of predictions and trainings."""
        return [line for line in self.lines if line.split()[0] in ("started", "finished")]


class Interrupt(BaseException):
    """What ends a program, as KeyboardInterrupt does, and asyncio does not know."""


class Failing:
    """Raises something in one of its methods, an interrupt only once."""

    def __init__(self, method: str, error: BaseException) -> None:
        self.asked = 0

        def fail(*_: Any) -> None:
            self.asked += 1
            if self.asked == 1 or isinstance(error, Exception):
                raise error

        setattr(self, method, fail)


def lost(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("reset", request=request)


# ---- requests


async def test_a_run_is_told_from_its_request_to_its_end(clients: Any, server: Server) -> None:
    """The request, its answer, the prediction, and its end, in this order."""
    recorder = Recorder()
    client = clients(server, observers=[recorder])
    assert await got(client.run("me/official", {"text": "a"})) == "A!"
    assert recorder.lines == ["sending POST 1", "received 201", "started Prediction starting"][:2] + recorder.runs
    assert recorder.runs == ["started Prediction succeeded", "finished Prediction succeeded"]
    [[request]], [[response, seconds]] = recorder.of("sending"), recorder.of("received")
    assert (request.url.path, response.request) == ("/v1/models/me/official/predictions", request)
    assert b'"text":"a"' in request.content
    assert response.json()["output"] == "A!"
    assert 0 < seconds < 60
    [[made]], [[ended]] = recorder.of("started"), recorder.of("finished")
    assert ended.id == made.id


async def test_attempts_are_told(colour: str) -> None:
    """Each attempt has its number; what failed is told with the pause before it is sent again."""
    answers = [503, httpx.ConnectError("no"), 200, 404]

    def reply(request: httpx.Request) -> httpx.Response:
        now = answers.pop(0)
        if isinstance(now, Exception):
            raise now
        return httpx.Response(now, json={})

    recorder = Recorder()
    client = scripted(colour, reply, observers=[recorder])
    Clock(client)
    await got(client.get("/account"))
    with pytest.raises(NotFoundError) as raised:
        await got(client.get("/account"))
    assert recorder.lines == [
        *("sending GET 1", "received 503", "failed InternalServerError"),
        *("sending GET 2", "failed ConnectError"),
        *("sending GET 3", "received 200"),
        *("sending GET 1", "received 404", "failed NotFoundError"),
    ]
    (first, pause), (second, again), (last, never) = recorder.of("failed")
    assert isinstance(first, InternalServerError)
    assert isinstance(second, APIConnectionError)
    assert 0 <= pause <= 1
    assert 0 <= again <= 2
    assert (last, never) == (raised.value, None)


async def test_files_are_observed(clients: Any, server: Server) -> None:
    """Uploads and downloads are requests, too."""
    recorder = Recorder()
    client = clients(server, observers=[recorder])
    file = await got(client.files.create(io.BytesIO(b"content"), filename="a.txt"))
    assert (await got(replicate.FileOutput(file.urls.get, client).read())).startswith(b"{")
    told = [(request.method, request.url.path.split("/")[2]) for [request] in recorder.of("sending")]
    assert told == [("POST", "files"), ("GET", "files")]
    assert [response.status_code for response, _ in recorder.of("received")] == [201, 200]


async def test_an_answer_may_be_read_and_closed(colour: str, caplog: pytest.LogCaptureFixture) -> None:
    """What an observer does with an answer does not matter: it has a copy, without content that is yet to come."""
    unread: list[type[Exception]] = []

    class Reading:
        def received(self, response: Any, seconds: float) -> None:
            response.headers["Location"] = "https://elsewhere.test/"
            try:
                response.read()
            except httpx.StreamConsumed as error:
                unread.append(type(error))
            response.close()
            response.status_code = 500

    with Faults(answer(body=b"whole"), answer(body=b"whole")) as server:
        client = connect(colour, base_url=server.base_url, observers=[Reading()])
        assert (await got(client.get("/x"))).content == b"whole"
        assert unread == []
        streamed = await got(client.get("/x", stream=True))
        assert await got(streamed.read()) == b"whole"
        assert unread == [httpx.StreamConsumed]
        await got(client.close())
    assert "observer" not in caplog.text


@pytest.mark.parametrize("kept", [201, 422, "reset"])
async def test_observers_never_see_the_token(colour: str, kept: Any) -> None:
    """It is in nothing that they are told, though the server repeats it in headers and content."""

    def echo(request: httpx.Request) -> httpx.Response:
        if kept == "reset":
            raise httpx.ConnectError("no", request=request)
        secret = request.headers["Authorization"]
        return httpx.Response(kept, json={**prediction("succeeded"), "detail": secret}, headers={"X-Echo": secret})

    recorder = Recorder()
    client = scripted(colour, echo, observers=[recorder], max_retries=0, bearer_token=TOKEN)
    try:
        await got(client.predictions.create("v", {}))
    except replicate.ReplicateError:
        assert kept != 201
    assert len(recorder.of("sending")) == 1
    for values in recorder.of("sending") + recorder.of("received") + recorder.of("failed"):
        assert found(values, TOKEN) is None
    assert recorder.of("sending")[0][0].headers["Authorization"] == "Bearer [hidden]"


async def test_the_token_elsewhere_in_a_request(colour: str) -> None:
    """A caller may send the token in another header, in the query or in the body, too: observers do not see it."""
    recorder = Recorder()
    more = {"default_headers": {"X-Proxy-Key": f"key {TOKEN}"}, "default_query": {"key": TOKEN}}
    script = Script(create=[prediction("succeeded")])
    client = scripted(colour, script, observers=[recorder], bearer_token=TOKEN, **more)
    await got(client.predictions.create("v", {"key": TOKEN}))
    [[request]] = recorder.of("sending")
    assert found(request, TOKEN) is None
    assert request.headers["X-Proxy-Key"] == "key [token]"
    assert request.url.params["key"] == "[token]"
    assert json.loads(request.content)["input"] == {"key": "[token]"}


# ---- predictions and trainings


async def iterated(client: Any, version: str) -> None:
    await collect(await got(client.run(version, {"until": 2})))


async def streamed(client: Any, version: str = "") -> None:
    await collect(await got(client.stream("me/words")))


async def waited(client: Any, version: str = "") -> None:
    made = await got(client.predictions.create("me/words", {}))
    await got(client.predictions.wait(made.id))
    await got(made.wait())


async def failed(client: Any, version: str = "") -> None:
    with pytest.raises(ModelError):
        await got(client.run("me/broken"))


WAYS: dict[str, tuple[str, Callable[[Any, str], Any]]] = {
    "run": ("succeeded", lambda client, _: got(client.run("me/official", {"text": "a"}))),
    "run, looked at": ("succeeded", lambda client, _: got(client.run("me/official", {"text": "a"}, wait=False))),
    "use": ("succeeded", lambda client, _: got(client.use("me/official")(text="a"))),
    "iterator": ("succeeded", iterated),
    "stream": ("succeeded", streamed),
    "wait": ("succeeded", waited),
    "failure": ("failed", failed),
    "create": ("succeeded", lambda client, _: got(client.predictions.create("me/official", {"text": "a"}, wait=True))),
}


@pytest.mark.parametrize("way", WAYS)
async def test_the_end_is_told_once(clients: Any, server: Server, way: str) -> None:
    """Whatever waits tells of the end, once; also of a failure, and of what a create's answer shows as finished."""
    recorder = Recorder()
    client = clients(server, observers=[recorder])
    status, act = WAYS[way]
    await act(client, f"me/numbers:{version_of(server, 'me/numbers')}")
    start, *end = recorder.runs
    assert start.startswith("started Prediction")
    assert end == [f"finished Prediction {status}"]
    [[made]], [[ended]] = recorder.of("started"), recorder.of("finished")
    assert ended.id == made.id


async def test_what_is_left_is_told_as_canceled(colour: str) -> None:
    """A call that is left early cancels its prediction, which is its end."""
    script = Script(
        model=[model()],
        create=[prediction("starting")],
        get=[prediction("processing")],
        cancel=[prediction("canceled")],
    )
    recorder = Recorder()
    client = scripted(colour, script, observers=[recorder])
    Clock(client)
    with pytest.raises(replicate.PredictionTimeout):
        await got(client.run("me/model", timeout=5))
    assert recorder.runs == ["started Prediction starting", "finished Prediction canceled"]


@pytest.mark.parametrize("kind", ["prediction", "training"])
async def test_a_cancellation_by_id_is_told(colour: str, kind: str) -> None:
    """Whoever cancels a prediction or a training by its id sees its end."""
    recorder = Recorder()
    answers = {"cancel": [prediction("canceled")], "cancel_training": [prediction("canceled")]}
    client = scripted(colour, Script(**answers), observers=[recorder])
    await got((client.predictions if kind == "prediction" else client.trainings).cancel("p1"))
    assert recorder.runs == [f"finished {kind.title()} canceled"]


async def test_trainings_are_told(colour: str) -> None:
    """So are trainings."""
    script = Script(create=[prediction("starting")], get=[prediction("processing"), prediction("succeeded")])
    recorder = Recorder()
    client = scripted(colour, script, observers=[recorder])
    Clock(client)
    await got((await got(client.trainings.create("o/n:v", {"data": "a"}, "me/mine"))).wait())
    assert recorder.runs == ["started Training starting", "finished Training succeeded"]


async def test_what_is_found_again_is_told(colour: str) -> None:
    """A create whose answer was lost is told as started when it is found."""
    now = {"created_at": datetime.now(UTC).isoformat(), "version": "v", "input": {}}
    script = Script(create=[lost], list=[{"results": [prediction(**now)]}], get=[prediction(**now)])
    recorder = Recorder()
    client = scripted(colour, script, observers=[recorder])
    await got(client.predictions.create("v", {}))
    assert recorder.lines[:3] == ["sending POST 1", "failed ReadError", "sending GET 1"]
    assert recorder.of("failed")[0][1] is None
    assert recorder.runs == ["started Prediction starting"]


async def test_only_the_end_that_is_wanted_is_looked_for(clients: Any, server: Server, asked: Any) -> None:
    """A stream tells of its end without the prediction being asked for, unless an observer wants to see that."""
    for observer, more in ((None, 0), (Observer(), 0), (Recorder(), 1)):
        before = len(asked())
        await streamed(clients(server, observers=[observer] if observer else None))
        requests = [f"{each.method} {each.path}" for each in asked()[before:]]
        assert len([each for each in requests if "stream" not in each]) == 1 + more


# ---- observers that go wrong


@pytest.mark.parametrize("method", METHODS)
async def test_an_observer_that_raises(colour: str, method: str, caplog: pytest.LogCaptureFixture) -> None:
    """That is logged once, in one line; the call, and the other observers, go on."""
    script = Script(
        model=[model()], create=[lambda _: httpx.Response(429, json={}), prediction("succeeded", output="a")]
    )
    failing, recorder = Failing(method, StopIteration("one\ntwo \x1b[31m")), Recorder()
    client = scripted(colour, script, observers=[failing, recorder])
    Clock(client)
    with caplog.at_level(logging.WARNING, "replicate"):
        assert await got(client.run("me/model")) == "a"
        assert await got(client.run("me/model")) == "a"
    assert failing.asked >= 1
    assert {line.split()[0] for line in recorder.lines} == {*METHODS}
    [line] = [record.getMessage() for record in caplog.records]
    said = f"the observer Failing.{method} raised StopIteration: one two \\x1b[31m"
    assert line == f"{said}, which is ignored, and not logged again"


async def test_a_coroutine_function_is_no_observer(colour: str, caplog: pytest.LogCaptureFixture) -> None:
    """It would never be awaited: that is logged, too."""

    class Awaited:
        async def started(self, prediction: Any) -> None: ...

    client = scripted(colour, Script(create=[prediction()]), observers=[Awaited()])
    with caplog.at_level(logging.WARNING, "replicate"):
        await got(client.predictions.create("v", {}))
    assert "an observer's methods are plain functions" in caplog.text


@pytest.mark.parametrize("method", METHODS)
async def test_an_interrupt_in_an_observer(colour: str, method: str) -> None:
    """It ends the call as anywhere else: one create at most, and what that has started is canceled, or has finished."""
    now = {"created_at": datetime.now(UTC).isoformat(), "version": "v", "input": {}}
    script = Script(
        create=[lambda _: httpx.Response(429, json={}), prediction("processing", **now)],
        list=[{"results": [prediction("processing", **now)]}],
        get=[prediction("succeeded", **now)],
        cancel=[prediction("canceled", **now)],
    )
    client = scripted(colour, script, observers=[Failing(method, Interrupt())])
    Clock(client)
    if method in ("received", "started"):
        script.answers["create"] = script.answers["create"][1:]
    with pytest.raises(Interrupt):
        await got(client.run("o/n:v", {}, wait=False))
    creates, cancels = script.asked.count("POST /predictions"), script.asked.count("POST /predictions/p1/cancel")
    expected = {"sending": (0, 0), "failed": (1, 0), "received": (1, 1), "started": (1, 1), "finished": (2, 0)}
    assert (creates, cancels) == expected[method]


@pytest.mark.parametrize("method", ["sending", "received", "failed", "finished"])
async def test_observers_that_keep_interrupting(colour: str, method: str, caplog: pytest.LogCaptureFixture) -> None:
    """While a call cleans up after itself, an interrupt in an observer does not stop the cancellation."""
    script = Script(
        create=[prediction("processing", version="v", input={})],
        get=[httpx.Response(500, json={}), prediction("processing")],
        cancel=[httpx.Response(500, json={}), prediction("canceled")],
    )
    observer, going = Failing(method, Interrupt()), False

    def fail(*_: Any) -> None:
        if going:
            raise Interrupt

    def now(_: Any) -> None:
        nonlocal going
        going = True

    setattr(observer, method, fail)
    client = scripted(colour, script, observers=[observer])
    Clock(client)
    with pytest.raises(Interrupt if method != "finished" else replicate.PredictionTimeout):
        await got(client.run("o/n:v", {}, wait=False, on_update=now, timeout=30))
    assert script.asked.count("POST /predictions/p1/cancel") == 2
    assert f"the observer Failing.{method} raised Interrupt" in caplog.text


def test_observers_of_real_connections(caplog: pytest.LogCaptureFixture) -> None:
    """A connection that breaks is told as it is over sockets, in both colours."""
    for colour in RUN:
        recorder = Recorder()
        with Faults(b"", answer()) as server:

            async def ask(colour: str = colour, url: str = server.base_url, observer: Any = recorder) -> None:
                client = connect(colour, base_url=url, observers=[observer])
                await got(client.get("/account"))
                await got(client.close())

            RUN[colour](ask())
        assert recorder.lines == [
            *("sending GET 1", "failed RemoteProtocolError"),
            *("sending GET 2", "received 200"),
        ]
    assert not caplog.records


# ---- settings


def test_where_observers_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a client, a copy, later, and for the module; copies have those of their client unless they get others."""
    one, two = Recorder(), Recorder()
    client = Replicate(bearer_token="t", observers=[one])
    assert client.observers == (one,)
    for other in (client.copy(), client.with_options(timeout=1), copy.copy(client), copy.deepcopy(client)):
        assert other.observers == (one,)
    assert client.copy(observers=iter([one, two])).observers == (one, two)
    assert client.copy(observers=[]).observers == ()
    client.observers = [two]
    assert (client.observers, client.predictions._session.config.observers.each) == ((two,), (two,))
    assert Client("t", observers=[one]).observers == (one,)
    assert replicate.AsyncReplicate(bearer_token="t", observers=[one]).observers == (one,)
    monkeypatch.setitem(vars(replicate), "bearer_token", "t")
    replicate._reset_client()
    assert replicate.observers is None
    replicate.observers = [one]
    assert replicate.default_client.observers == (one,)
    del replicate.observers
    assert replicate.default_client.observers == ()
    replicate._reset_client()


def test_pickles_leave_observers_behind() -> None:
    """They belong to their process, whether they could be pickled or not."""
    client = Client(observers=[Observer()])
    assert pickle.loads(pickle.dumps(client)).observers == ()


@pytest.mark.parametrize("wrong", ["abc", Observer(), {"a": Observer()}, 1])
def test_what_is_no_list_of_observers(wrong: Any) -> None:
    """Observers are a list."""
    with pytest.raises(TypeError, match="observers must be a list of objects, not"):
        Client("t", observers=wrong)
    with pytest.raises(TypeError, match="observers must be a list of objects, not"):
        Client("t").observers = wrong


def test_what_is_no_observer() -> None:
    """An object with none of the methods would never be called: its methods may be misspelled."""
    with pytest.raises(TypeError, match=r"an observer needs one of the methods started, .*; object has none"):
        Client("t").copy(observers=[object()])
