"""A call that is left early cancels its prediction and leaves no thread, task or socket behind."""

from __future__ import annotations

import asyncio
import collections.abc
import gc
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import httpx
import pytest
import trio
from support.colours import RUN, Clock, collect, got, scripted
from support.relay import HOLD, LOSE, Relay
from support.sample_models import VERSION, Held, Script, model, prediction, version_of

from replicate import (
    AsyncReplicate,
    DataRemovedError,
    NotFoundError,
    OutputIterator,
    PredictionCanceled,
    PredictionTimeout,
    Replicate,
    RunError,
)
from replicate._http.connections.process import ClosedError
from replicate._http.connections.transport import AsyncTransport, BlockingTransport
from replicate._jobs import recovery
from replicate._jobs.ownership import CancelOnExit, open_blocks
from replicate._models import look_up
from replicate.local import Model, Server
from replicate.local import server as local_server
from replicate.resources.predictions import Prediction
from replicate.resources.trainings import Training
from replicate.resources.versions import Version

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator


def open_sockets() -> set[str]:
    """Return the open sockets of this process."""
    links = set[str]()
    for each in Path("/proc/self/fd").glob("*"):  # exists on Linux only
        with suppress(OSError):
            links.add(str(each.readlink()))
    return {link for link in links if link.startswith("socket:")}


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Check that no thread and no socket outlives the test."""

    def in_use() -> set[Any]:
        return open_sockets() | {each for each in threading.enumerate() if not each.name.startswith("Trio")}

    before = in_use()
    yield
    gc.collect()
    patience = threading.Event()
    for _ in range(300):  # the local server closes its ends when it sees ours closed, and threads take a moment to end
        if in_use() <= before:
            return
        patience.wait(0.01)
    assert in_use() <= before


@pytest.fixture
def place(held: Held) -> Iterator[Server]:
    def learn(text: str = "a") -> str:
        return held.text() + text

    models = {"me/held": Model(held.text, official=True), "me/community": Model(held.text, train=learn)}
    with local_server(models) as srv:
        yield srv
        held.go.set()


def statuses(srv: Server) -> list[str]:
    return [each.status for each in srv.predictions]


HELD, LOOKING, DESCRIBING = "the answer is kept back", "it waits", "the version is looked up"
LEAVING_IT = "it waits and is to leave it"


# ---- Ctrl-C in a real program

PROGRAM = """
import asyncio, sys, time, anyio, replicate

colour, options = sys.argv[1], eval(sys.argv[2])
client = replicate.Replicate() if colour == "blocking" else replicate.AsyncReplicate()

async def sleep(seconds):
    print("waiting", flush=True)
    for _ in range(400):  # a signal that comes just before the program falls asleep is heeded when it wakes
        time.sleep(0.05) if colour == "blocking" else await anyio.sleep(0.05)

client._session.transport.sleep = sleep
if options.pop("looking up", False):
    send = client._session.transport.send

    async def held_up(request, **how):
        return await (sleep(20) if "/versions/" in request["url"].path else send(request, **how))

    client._session.transport.send = held_up
print("go", flush=True)
if colour == "blocking":
    client.run(sys.argv[3], **options)
else:
    anyio.run(lambda: client.run(sys.argv[3], **options), backend=colour)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("colour", list(RUN))
@pytest.mark.parametrize(
    ("way", "stage"),
    [
        *(("run", stage) for stage in (HELD, LOOKING, LEAVING_IT)),
        *(("version", stage) for stage in (HELD, DESCRIBING, LOOKING, LEAVING_IT)),
    ],
)
def test_ctrl_c(place: Server, held: Held, colour: str, stage: str, way: str) -> None:
    """An interrupted program cancels its prediction before it ends, unless `cancel_on_exit=False`."""
    options: dict[str, Any] = {} if stage == HELD else {"wait": False}
    if stage == LEAVING_IT:
        options["cancel_on_exit"] = False
    elif stage == DESCRIBING:
        options["looking up"] = True
    ref = "me/held" if way == "run" else version_of(place, "me/community")
    environment = {**os.environ, "REPLICATE_API_TOKEN": place.token, "REPLICATE_BASE_URL": place.base_url}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, colour, repr(options), ref],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout
        assert program.stdout.readline() == "go\n"
        assert held.started.wait(20)
        if options:
            assert program.stdout.readline() == "waiting\n"
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=20)
    assert program.returncode != 0
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert statuses(place) == (["processing"] if "cancel_on_exit" in options else ["canceled"])


# ---- tasks that are canceled


def from_threads() -> tuple[anyio.Event, Callable[[], Any]]:
    """Return an event of the running loop and a function that sets it from any thread."""
    event = anyio.Event()
    try:
        soon: Callable[..., Any] = asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:
        soon = trio.lowlevel.current_trio_token().run_sync_soon
    return event, lambda: soon(event.set)


def begun(held: Held, many: int = 1) -> anyio.Event:
    """Return an event of the running loop that is set when the model has started the given number of times."""
    starts = count(1)
    event, tell = from_threads()
    held.started.set = lambda: tell() if next(starts) == many else None  # type: ignore[method-assign]
    return event


def looked(client: Any) -> anyio.Event:
    """Return an event that is set when the client waits for its next poll."""
    event = anyio.Event()

    async def sleep(_: float) -> None:
        event.set()
        await anyio.sleep(20)

    client._session.transport.sleep = sleep
    return event


def described(client: Any) -> anyio.Event:
    """Return an event that is set when the client looks up a version, a request that then blocks."""
    event, transport = anyio.Event(), client._session.transport
    send = transport.send

    async def held_up(request: Any, **how: Any) -> Any:
        if "/versions/" not in request["url"].path:
            return await send(request, **how)
        event.set()
        await anyio.sleep(20)
        raise AssertionError

    transport.send = held_up
    return event


async def by_task(call: Callable[[], Awaitable[Any]], event: anyio.Event) -> None:
    task = asyncio.ensure_future(call())
    await event.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_task_twice(call: Callable[[], Awaitable[Any]], event: anyio.Event) -> None:
    task = asyncio.ensure_future(call())
    await event.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_timeout(call: Callable[[], Awaitable[Any]], event: anyio.Event) -> None:
    async def limited() -> None:
        async with asyncio.timeout(None) as limit:

            async def end() -> None:
                await event.wait()
                limit.reschedule(0)

            ending.append(asyncio.ensure_future(end()))
            await call()

    ending: list[asyncio.Task[None]] = []
    with pytest.raises(TimeoutError):
        await limited()
    await ending[0]


async def by_sibling(call: Callable[[], Awaitable[Any]], event: anyio.Event) -> None:
    async def fail() -> None:
        await event.wait()
        raise ValueError

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(call())  # type: ignore[arg-type]
            group.create_task(fail())

    with pytest.raises(BaseExceptionGroup):
        await both()


async def by_scope(call: Callable[[], Awaitable[Any]], event: anyio.Event) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(call)
        await event.wait()
        group.cancel_scope.cancel()


ASYNCIO = [by_task, by_task_twice, by_timeout, by_sibling, by_scope]
WAYS: dict[str, Callable[[Any, Server], Any]] = {
    "run": lambda client, _: client.run("me/held"),
    "version": lambda client, place: client.run(version_of(place, "me/community")),
    "use": lambda client, _: client.use("me/held")(),
}


@pytest.mark.parametrize(
    ("colour", "leave"),
    [*(("asyncio", each) for each in ASYNCIO), ("trio", by_scope)],
    ids=[*(each.__name__ for each in ASYNCIO), "trio"],
)
@pytest.mark.parametrize(
    ("way", "stage"), [*((way, stage) for way in WAYS for stage in (HELD, LOOKING)), ("version", DESCRIBING)]
)
def test_a_canceled_task(place: Server, held: Held, colour: str, leave: Any, stage: str, way: str) -> None:
    """However a task is canceled, its prediction is canceled, and no task of the client's is left."""

    async def main() -> None:
        # A client with a timeout of one second does not ask the API to hold its answer.
        options: dict[str, Any] = {} if stage == HELD else {"timeout": 1}
        client = AsyncReplicate(bearer_token=place.token, base_url=place.base_url, **options)
        event = {HELD: lambda: begun(held), LOOKING: lambda: looked(client), DESCRIBING: lambda: described(client)}
        await leave(lambda: WAYS[way](client, place), event[stage]())
        if colour == "asyncio":
            assert asyncio.all_tasks() == {asyncio.current_task()}

    RUN[colour](main())
    assert statuses(place) == ["canceled"]


@pytest.mark.parametrize("colour", ["asyncio", "trio"])
@pytest.mark.parametrize("what", ["predictions.create", "trainings.create", "output"])
def test_other_calls_that_are_canceled(place: Server, held: Held, colour: str, what: str) -> None:
    """Canceling a task cancels the create it waits for, whose id nobody has, and the Run whose output it awaits."""

    async def main() -> None:
        client = AsyncReplicate(bearer_token=place.token, base_url=place.base_url)
        version = (await client.models.get("me/community")).latest_version.id  # type: ignore[union-attr]
        event = begun(held)

        async def call() -> None:
            if what == "predictions.create":
                await client.predictions.create("me/held", {}, wait=True)
            elif what == "trainings.create":
                await client.trainings.create(f"me/community:{version}", {"text": "a"}, "me/community")
            else:
                await (await client.use("me/held", timeout=20).create()).output()

        if what == "trainings.create":  # the server answers this one at once
            with Relay(place.port, HOLD) as relay:
                client.base_url = relay.base_url  # type: ignore[assignment]
                await by_scope(call, event)
        else:
            await by_scope(call, looked(client) if what == "output" else event)

    RUN[colour](main())
    assert [each.status for each in (*place.predictions, *place.trainings)] == ["canceled"]


@pytest.mark.parametrize("colour", ["asyncio", "trio"])
@pytest.mark.parametrize("stage", [HELD, LOOKING])
def test_a_call_that_only_waits_cancels_nothing(place: Server, held: Held, colour: str, stage: str) -> None:
    """Waiting for a prediction does not own it, and neither does running one with `cancel_on_exit=False`."""
    client = AsyncReplicate(bearer_token=place.token, base_url=place.base_url)

    async def main() -> None:
        if stage == HELD:
            await by_scope(lambda: client.run("me/held", cancel_on_exit=False), begun(held))
            return
        await by_scope((await client.predictions.create("me/held", {})).wait, looked(client))
        started = await client.use("me/held", cancel_on_exit=False).create()
        await by_scope(started.output, looked(client))
        await by_scope(lambda: client.predictions.wait(started.prediction.id), looked(client))

    RUN[colour](main())
    assert "canceled" not in statuses(place)
    assert len(statuses(place)) == (1 if stage == HELD else 2)


# ---- interrupts at a chosen point


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize(
    ("way", "stage"),
    [
        *(("run", stage) for stage in ("sending", "waiting", "reading")),
        *(("version", stage) for stage in ("sending", "describing", "waiting", "reading")),
    ],
)
def test_an_interrupt(place: Server, interrupt: type[BaseException], stage: str, way: str) -> None:
    """An interrupt at any point of a blocking call cancels its prediction and is raised."""
    parts = {"describing": "/versions/", "reading": "/predictions/"}
    with Replicate(bearer_token=place.token, base_url=place.base_url) as client:
        transport = client._session.transport
        send = transport.send

        async def interrupted(request: Any, **how: Any) -> Any:
            response = await send(request, **how)
            path = request["url"].path
            created = request["method"] == "POST" and not path.endswith("/cancel")
            if created if stage == "sending" else parts.get(stage, "nothing") in path:
                transport.send = send  # type: ignore[method-assign]
                raise interrupt
            return response

        async def sleep(_: float) -> None:
            if stage == "waiting":
                transport.sleep = slept  # type: ignore[method-assign]
                raise interrupt

        slept = transport.sleep
        transport.send, transport.sleep = interrupted, sleep  # type: ignore[method-assign]
        with pytest.raises(interrupt):
            client.run("me/held" if way == "run" else version_of(place, "me/community"), wait=False)
    assert statuses(place) == ["canceled"]


def test_an_interrupt_while_the_model_cache_is_updated(place: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt while the answer updates what is remembered of the model cancels the prediction, too."""

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(look_up, "note_version", interrupted)
    with Replicate(bearer_token=place.token, base_url=place.base_url) as client, pytest.raises(KeyboardInterrupt):
        client.run("me/held", wait=False)
    assert statuses(place) == ["canceled"]


def test_an_interrupt_between_refused_attempts(place: Server) -> None:
    """A refused create has started nothing: an interrupt in the pause before a retry sends no request."""
    busy = b"HTTP/1.1 429 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    with Relay(place.port, busy) as relay, Replicate(bearer_token=place.token, base_url=relay.base_url) as client:

        async def sleep(_: float) -> None:
            raise KeyboardInterrupt

        client._session.transport.sleep = sleep  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            client.predictions.create("me/held", {})
        assert relay.creates == 1
    assert [each.path for each in place.requests] == []


def test_an_interrupt_while_a_lost_answer_is_looked_for(place: Server) -> None:
    """An interrupt during the search for a lost create cancels the prediction that the search then finds."""
    with Relay(place.port, LOSE) as relay, Replicate(bearer_token=place.token, base_url=relay.base_url) as client:
        send = client._session.transport.send

        async def interrupted(request: Any, **how: Any) -> Any:
            if request["method"] == "GET":
                client._session.transport.send = send  # type: ignore[method-assign]
                raise KeyboardInterrupt
            return await send(request, **how)

        client._session.transport.send = interrupted  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            client.predictions.create("me/held", {})
    assert statuses(place) == ["canceled"]


@pytest.mark.parametrize("raised", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("lost", [False, True])
async def test_errors_and_interrupts_in_log_handlers(
    clients: Any, place: Server, caplog: pytest.LogCaptureFixture, raised: type[BaseException], *, lost: bool
) -> None:
    """An error in a log handler has no effect. An interrupt in one cancels the prediction that was created or found."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "canceled" not in record.getMessage():
                raise raised

    caplog.set_level("INFO", "replicate")
    handler, log = Handler(), logging.getLogger("replicate")
    with Relay(place.port, *([LOSE] if lost else [])) as relay:
        log.addHandler(handler)
        try:
            with pytest.raises(raised) if raised is KeyboardInterrupt else nullcontext():
                await got(clients(place, base_url=relay.base_url).predictions.create("me/held", {}))
        finally:
            log.removeHandler(handler)
    (status,) = statuses(place)
    assert (status == "canceled") is (raised is KeyboardInterrupt)  # on a busy machine it may not have started yet


@pytest.mark.parametrize(
    ("listed", "cancel", "told"),
    [
        ([], 201, ["an interrupted prediction could not be canceled, and may go on: its id is not known"]),
        (["p1", "p2"], 201, ["an interrupted prediction could not be canceled, and may go on: p1 or p2"]),
        (["p1"], 404, ["p1 could not be canceled: it may go on, and is charged for then"]),
        (["p1"], 200, []),
    ],
)
async def test_an_interrupted_create_that_may_go_on(
    colour: str, caplog: pytest.LogCaptureFixture, listed: list[str], cancel: int, told: list[str]
) -> None:
    """If an interrupted create is not found, is ambiguous, or cannot be canceled, a warning says what may go on."""
    found = [prediction("processing", id=each, created_at="2999-01-01T00:00:00Z") for each in listed]

    def interrupt(_: httpx.Request) -> Any:
        raise KeyboardInterrupt

    ended = httpx.Response(cancel, json=prediction("canceled"))
    client = scripted(colour, Script(create=[interrupt], list=[{"results": found}], cancel=[ended]))
    Clock(client)
    with pytest.raises(KeyboardInterrupt):
        await got(client.predictions.create("me/model", {}))
    warned = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert warned == told


@pytest.mark.parametrize("answers", [[httpx.Response(502)], [httpx.Response(404)], [httpx.Response(200, text="?")]])
async def test_canceling_may_fail(colour: str, answers: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    """If canceling fails, it is retried; then a warning is logged, and the reason for leaving the call is raised."""
    script = Script(model=[model()], create=[prediction()], get=[prediction("processing")], cancel=answers)
    client = scripted(colour, script)
    Clock(client)
    with pytest.raises(PredictionTimeout, match=r"still processing after 20 s.*predictions\.wait"):
        await got(client.run("me/model", timeout=20))
    cancels = script.asked.count("POST /predictions/p1/cancel")
    assert cancels == (1 if answers[0].status_code == 404 else 3)
    warnings = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert warnings == ["p1 could not be canceled: it may go on, and is charged for then"]


async def test_a_cancel_with_another_id_is_repeated(colour: str, caplog: pytest.LogCaptureFixture) -> None:
    """A response to cancel with another prediction's id does not count, and cancel is sent again."""
    answers = [prediction("canceled", id="p2"), prediction("canceled")]
    script = Script(model=[model()], create=[prediction()], get=[prediction("processing")], cancel=answers)
    client = scripted(colour, script)
    Clock(client)
    with pytest.raises(PredictionTimeout, match="was canceled") as raised:
        await got(client.run("me/model", timeout=20))
    assert raised.value.prediction.id == "p1"
    assert script.asked.count("POST /predictions/p1/cancel") == 2
    assert not [each for each in caplog.records if each.levelname == "WARNING"]


class SoftLimit(Exception):  # noqa: N818 - Celery's name
    """Raised by a signal handler."""


@pytest.mark.parametrize("way", ["run", "version", "use", "output", "iterator", "streaming"])
async def test_an_error_of_a_signal_handler(clients: Any, way: str) -> None:
    """An error that a signal handler or a hook raises while a call waits cancels its prediction, and is raised."""
    held = Held()
    models = {"me/held": Model(held.text, official=True), "me/community": held.text, "me/numbers": held_numbers(held)}
    with local_server(models) as srv:
        client = clients(srv)

        async def sleep(_: float) -> None:
            raise SoftLimit

        client._session.transport.sleep = sleep

        async def call() -> None:
            match way:
                case "run":
                    await got(client.run("me/held", wait=False))
                case "version":
                    await got(client.run(version_of(srv, "me/community"), wait=False))
                case "use":
                    await got(client.use("me/held", on_update=lambda _: None)())
                case "output":
                    await got((await got(client.use("me/held").create())).output())
                case "iterator":
                    items = await got(client.run(version_of(srv, "me/numbers"), wait=False))
                    assert isinstance(items, OutputIterator)
                    await collect(items)
                case _:
                    await collect(await got(client.use("me/numbers", streaming=True)()))

        with pytest.raises(SoftLimit):
            await call()
        assert statuses(srv) == ["canceled"]
        held.go.set()


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="POSIX")
@pytest.mark.parametrize("kind", [SoftLimit, TimeoutError])
@pytest.mark.parametrize("stage", ["look-up", "after a 404", "output", "list", "get"])
async def test_an_alarm_while_failures_are_ignored(colour: str, stage: str, kind: type[Exception]) -> None:
    """What a signal handler raises ends the call, also in requests whose failures do not matter to it."""

    def handle(*_: object) -> None:
        raise kind("enough")

    def alarm(_: httpx.Request) -> Any:
        signal.raise_signal(signal.SIGALRM)

    now = {"created_at": datetime.now(UTC).isoformat(), "input": {}, "version": VERSION}
    script = Script(
        model=[alarm],
        create=[prediction("processing", **now)],
        list=[{"results": [prediction("processing", **now)]}],
        get=[alarm],
        cancel=[prediction("canceled", **now)],
    )
    match stage:
        case "after a 404":
            script.answers["create"] = [httpx.Response(404, json={}), prediction("processing", **now)]
        case "list":
            script.answers["create"] = [httpx.Response(502)]
            script.answers["list"] = [alarm, *script.answers["list"]]
        case "get":
            script.answers["create"] = [httpx.Response(502)]
        case _:
            pass
    client = scripted(colour, script)
    Clock(client)
    calls = {
        "look-up": client.use("me/model"),
        "output": lambda: client.run(f"me/model:{VERSION}", wait=False),
    }
    before = signal.signal(signal.SIGALRM, handle)
    try:
        with pytest.raises((kind, RunError)) as raised:
            await got(calls.get(stage, lambda: client.run("me/model", {}))())
    finally:
        signal.signal(signal.SIGALRM, before)
    assert kind in (type(raised.value), type(raised.value.__cause__))
    started = stage in ("output", "list", "get")
    assert script.asked.count("POST /predictions/p1/cancel") == started
    assert sum(line.startswith("POST") and line.endswith("/predictions") for line in script.asked) == (
        stage != "look-up"
    )


def held_numbers(held: Held) -> Callable[[], Iterator[int]]:
    """Return a model that waits before it counts."""

    def numbers() -> Iterator[int]:
        held.go.wait(20)
        yield 1

    numbers.__annotations__["return"] = collections.abc.Iterator[int]
    return numbers


async def test_an_error_of_a_hook_at_the_create(clients: Any, place: Server) -> None:
    """An error of a hook, raised when the response to a create has come, cancels its prediction."""
    client = clients(place)
    transport = client._session.transport
    send = transport.send

    async def hooked(request: Any, **how: Any) -> Any:
        response = await send(request, **how)
        if request["method"] == "POST":
            transport.send = send
            raise SoftLimit
        return response

    transport.send = hooked
    with pytest.raises(SoftLimit):
        await got(client.run("me/held", wait=False))
    assert statuses(place) == ["canceled"]


@pytest.mark.parametrize("way", ["run", "version", "describing", "use", "output", "stream", "wait"])
async def test_a_client_that_is_closed_meanwhile(clients: Any, place: Server, way: str) -> None:
    """The error carries the prediction, which is canceled over another connection if the call has started it.

    A call that has started the prediction raises a RunError. One that only waits for it raises a ReplicateError.
    """
    client = clients(place)
    transport = client._session.transport
    send = transport.send

    async def sleep(_: float) -> None:
        await transport.close()

    async def close_first(request: Any, **how: Any) -> Any:
        if "event-stream" in request["headers"]["accept"] or (
            way == "describing" and "/versions/" in request["url"].path
        ):
            await transport.close()
        return await send(request, **how)

    async def call() -> None:
        match way:
            case "run":
                await got(client.run("me/held", wait=False))
            case "version" | "describing":
                await got(client.run(version_of(place, "me/community"), wait=False))
            case "use":
                await got(client.use("me/held", on_update=lambda _: None)())
            case "output":
                await got((await got(client.use("me/held").create())).output())
            case "stream":
                await collect(client.stream("me/held"))
            case _:
                await got((await got(client.predictions.create("me/held", {}))).wait())

    transport.sleep, transport.send = sleep, close_first
    with pytest.raises(ClosedError if way == "wait" else RunError, match="client has been closed") as raised:
        await call()
    error: Any = raised.value
    assert way == "wait" or isinstance(error.__cause__, ClosedError)
    assert [each.id for each in place.predictions] == [error.prediction.id]
    assert ("canceled" in statuses(place)) is (way != "wait")


@pytest.mark.parametrize("colour", ["asyncio", "trio"])
@pytest.mark.parametrize("many", [1, 3])
@pytest.mark.parametrize("way", ["run", "version", "create"])
def test_a_client_that_is_closed_while_an_answer_is_kept_back(
    place: Server, held: Held, colour: str, way: str, many: int
) -> None:
    """The create's prediction is found over another connection. It is canceled if the call was to wait, else returned.

    The same holds for each of several equal creates.
    """

    async def main() -> None:
        client = AsyncReplicate(bearer_token=place.token, base_url=place.base_url)
        ends, causes, event = list[Any](), list[Any](), begun(held, many)

        async def call() -> None:
            try:
                if way != "create":
                    await WAYS[way](client, place)
                else:
                    ends.append(await client.predictions.create("me/held", {}, wait=True))
            except RunError as error:
                ends.append(error.prediction)
                causes.append(type(error.__cause__))

        async with anyio.create_task_group() as group:
            for _ in range(many):
                group.start_soon(call)
            await event.wait()
            await client.close()
        assert sorted(each.id for each in ends) == sorted(each.id for each in place.predictions)
        assert causes == ([] if way == "create" else [ClosedError] * many)

    RUN[colour](main())
    assert statuses(place) == ["processing" if way == "create" else "canceled"] * many
    held.finish(place)


@pytest.mark.parametrize("colour", ["asyncio", "trio"])
def test_equal_runs_canceled_in_turn(place: Server, held: Held, monkeypatch: pytest.MonkeyPatch, colour: str) -> None:
    """Of several equal runs that are canceled one after the other, none goes on after the last is canceled."""
    monkeypatch.setattr(recovery, "CROWDED_LOOKS", 1)

    async def main() -> None:
        client = AsyncReplicate(bearer_token=place.token, base_url=place.base_url)
        scopes = [anyio.CancelScope() for _ in range(3)]
        ended = [anyio.Event() for _ in range(3)]

        async def sample(scope: anyio.CancelScope, end: anyio.Event) -> None:
            with scope:
                await client.run("me/held")
            end.set()

        async with anyio.create_task_group() as group:
            for scope, end in zip(scopes, ended, strict=True):
                event = begun(held)
                group.start_soon(sample, scope, end)
                await event.wait()
            for scope, end in zip(scopes, ended, strict=True):
                assert "canceled" not in statuses(place)
                scope.cancel()
                await end.wait()

    RUN[colour](main())
    assert statuses(place) == ["canceled"] * 3


async def undisturbed(call: Callable[[], Awaitable[Any]], event: anyio.Event) -> None:
    await call()
    assert event.is_set()


async def by_the_end(call: Callable[[], Awaitable[Any]], event: anyio.Event) -> None:
    left_over.append(asyncio.ensure_future(call()))
    await event.wait()


left_over: list[Any] = []


@pytest.mark.parametrize("method", ["GET", "POST"], ids=["looking", "canceling"])
@pytest.mark.parametrize(
    ("colour", "leave"),
    [
        *(("asyncio", each) for each in (undisturbed, by_task_twice, by_scope, by_the_end)),
        *(("trio", each) for each in (undisturbed, by_scope)),
    ],
)
def test_the_event_loop_of_a_closed_client_goes_on(
    place: Server, held: Held, colour: str, leave: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread searches for the create once and cancels its prediction, whatever the loop does meanwhile."""
    go, sent, tell = threading.Event(), list[str](), list[Any]()
    send, afresh = BlockingTransport.send, AsyncTransport.afresh

    async def held_up(self: Any, request: Any, **how: Any) -> Any:
        sent.append(request["method"])
        if sent[-1] == method and sent.count(method) == 1:
            tell[0]()
            assert go.wait(10)
        return await send(self, request, **how)

    def again(self: Any) -> Any:
        if method in sent:  # a loop that ends starts the search anew
            go.set()
        return afresh(self)

    monkeypatch.setattr(BlockingTransport, "send", held_up)
    monkeypatch.setattr(AsyncTransport, "afresh", again)

    async def main() -> None:
        client = AsyncReplicate(bearer_token=place.token, base_url=place.base_url)
        started, (asked, soon) = begun(held), from_threads()
        tell.append(soon)

        async def close() -> None:
            await started.wait()
            await client.close()
            await asked.wait()
            for _ in range(10):
                await anyio.lowlevel.checkpoint()
            if leave is not by_the_end:
                go.set()

        async def call() -> None:
            with suppress(RunError):
                await client.run("me/held")

        async with anyio.create_task_group() as group:
            group.start_soon(close)
            await leave(call, asked)

    RUN[colour](main())
    left_over.clear()
    assert statuses(place) == ["canceled"]
    assert sent.count("GET") == 1


START: dict[str, Callable[[Any], Any]] = {
    "run": lambda client: client.run("me/model", {}),
    "run by version": lambda client: client.run(f"me/model:{'a' * 64}", {}),
    "use": lambda client: client.use("me/model")(),
    "use, to wait later": lambda client: client.use("me/model").create(),
    "use, streaming": lambda client: client.use("me/model", streaming=True)(),
    "stream": lambda client: collect(client.stream("me/model", {})),
    "predictions.create": lambda client: client.predictions.create("me/model", {}),
    "trainings.create": lambda client: client.trainings.create("me/model:v", {}, destination="me/mine"),
    "version.predict": lambda client: Version[Any].bind({"id": "a" * 64}, client._session).predict(),
}


@pytest.mark.filterwarnings("ignore:version.predict:DeprecationWarning")
@pytest.mark.parametrize("way", START)
async def test_an_interrupt_just_after_the_answer(colour: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a call has started is canceled from the answer on, though the call has made no object of it yet."""

    def bind(*_: object) -> None:
        raise KeyboardInterrupt

    script = Script(create=[prediction("processing")], cancel=[prediction("canceled")], model=[model()])
    client = scripted(colour, script)
    monkeypatch.setattr(Training if way == "trainings.create" else Prediction, "bind", bind)
    with pytest.raises(KeyboardInterrupt):
        await got(START[way](client))
    assert script.asked[-1].endswith("s/p1/cancel")
    assert not recovery.create_registry.under_way
    open_blocks.end()  # as where Python ends
    assert len([each for each in script.asked if each.endswith("cancel")]) == 1


async def test_a_finished_prediction_is_not_canceled(colour: str) -> None:
    """A block around a finished prediction sends nothing, and neither does one that an API error leaves.

    The API error becomes a RunError.
    """
    script = Script(create=[prediction("succeeded"), prediction("processing")])
    client = scripted(colour, script)
    for error, kind in ((KeyboardInterrupt, KeyboardInterrupt), (NotFoundError, RunError)):
        made = await got(client.predictions.create("me/model", {}))
        with pytest.raises(kind):
            async with CancelOnExit(made, cancel=True):
                raise error
    assert len(script.requests) == 2


@pytest.mark.parametrize("colour", ["asyncio", "trio"])
@pytest.mark.parametrize("way", ["closed", "dropped", "dropped at the end", "left behind"])
@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")
def test_a_generator(place: Server, colour: str, way: str) -> None:
    """A generator that owns a prediction cancels it when it is closed or dropped, or when its event loop ends."""

    async def main() -> None:
        client = AsyncReplicate(bearer_token=place.token, base_url=place.base_url)
        made = await client.predictions.create("me/held", {})

        async def generator() -> Any:
            async with CancelOnExit(made, cancel=True):
                yield 1
                yield 2

        items = generator()
        assert await anext(items) == 1
        if way == "closed":
            await items.aclose()
        elif way == "left behind":
            kept.append(items)
        else:
            del items
            gc.collect()
            while way == "dropped" and made.status != "canceled":
                await anyio.lowlevel.checkpoint()

    kept: list[Any] = []
    RUN[colour](main())
    assert statuses(place) == ["canceled"]


# ---- the deadline


async def test_the_timeout_cancels(clients: Any, place: Server) -> None:
    """At its deadline a call cancels its prediction, and PredictionTimeout says so, also after pickling."""
    for way in ("run", "version", "use", "output"):
        client = clients(place)
        Clock(client)

        async def call(client: Any = client, way: str = way) -> None:
            if way == "run":
                await got(client.run("me/held", wait=False, timeout=20))
            elif way == "version":
                await got(client.run(version_of(place, "me/community"), wait=False, timeout=20))
            elif way == "use":
                await got(client.with_options(timeout=1).use("me/held", timeout=20)())
            else:
                await got((await got(client.use("me/held", timeout=20).create())).output())

        with pytest.raises(PredictionTimeout, match="had not finished after 20 s, and was canceled") as raised:
            await call()
        assert raised.value.prediction.status == "canceled"
        assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)
    assert set(statuses(place)) == {"canceled"}


async def test_the_deadline_is_sent_to_the_api(colour: str) -> None:
    """`Cancel-After` is the time left at each attempt, rounded up and at least 5 s, or the value of `cancel_after`."""
    busy = httpx.Response(429, headers={"Retry-After": "8"})
    script = Script(create=[busy, prediction("succeeded", output="a")])
    client = scripted(colour, script)
    Clock(client)
    await got(client.run("a" * 64, timeout=20.5))
    assert [each.headers["cancel-after"] for each in script.requests] == ["21s", "13s"]
    for options, told in (
        ({"timeout": 2}, "5s"),
        ({"timeout": 20, "cancel_after": "1h"}, "1h"),
        ({"timeout": 20, "cancel_on_exit": False}, None),
        ({"timeout": 1e18}, None),
        ({}, None),
    ):
        await got(client.run("a" * 64, **options))
        assert script.requests[-1].headers.get("cancel-after") == told


@pytest.mark.parametrize("status", ["canceled", "aborted"])
@pytest.mark.parametrize(("end", "error"), [(20, PredictionTimeout), (10, PredictionCanceled)])
async def test_a_prediction_that_the_api_cancels_at_the_deadline(
    colour: str, status: str, end: int, error: type[Exception]
) -> None:
    """A prediction found canceled after the deadline is a timeout. One canceled before it is a PredictionCanceled."""

    def seen(_: httpx.Request) -> dict[str, Any]:
        return prediction(status if clock.time >= end else "processing")

    script = Script(create=[prediction()], get=[seen])
    client = scripted(colour, script)
    clock = Clock(client)
    with pytest.raises(error, match=status):
        await got(client.run("a" * 64, timeout=20))
    assert not any(each.endswith("/cancel") for each in script.asked)


async def test_a_prediction_that_cancel_after_has_canceled(colour: str) -> None:
    """A prediction that `cancel_after` has canceled is a PredictionCanceled, and the error names that option."""
    for timeout in (1, 20):
        script = Script(create=[prediction()], get=[prediction("canceled")])
        client = scripted(colour, script)
        Clock(client)
        with pytest.raises(PredictionCanceled, match=r"cancel_after='9s': a longer one"):
            await got(client.run("a" * 64, timeout=timeout, cancel_after="9s"))


@pytest.mark.parametrize("end", [3, 30])
async def test_the_timeout_of_a_run_begins_with_its_start(colour: str, end: int) -> None:
    """After the deadline, `output` still returns an output that exists. Otherwise it raises PredictionTimeout."""

    def seen(_: httpx.Request) -> dict[str, Any]:
        return prediction("succeeded" if clock.time >= end else "processing", output="a")

    script = Script(model=[model()], create=[prediction()], get=[seen], cancel=[prediction("canceled")])
    client = scripted(colour, script)
    clock = Clock(client)
    run = await got(client.use("me/model", timeout=5).create())
    clock.time += 6
    if end == 3:
        assert await got(run.output()) == "a"
    else:
        with pytest.raises(PredictionTimeout, match="had not finished after 5 s, and was canceled"):
            await got(run.output())
    assert script.asked.count("GET /predictions/p1") == 1
    assert clock.time == 6


async def test_a_lost_answer_at_the_deadline(clients: Any, place: Server) -> None:
    """A prediction found after the deadline is on the PredictionTimeout and goes on, as it may be another program's."""
    with Relay(place.port, LOSE) as relay:
        client = clients(place, base_url=relay.base_url)
        clock = Clock(client)
        send = client._session.transport.send

        async def late(request: Any, **how: Any) -> Any:
            try:
                return await send(request, **how)
            except httpx.RequestError:
                clock.time += 30
                raise

        client._session.transport.send = late
        await got(client.models.get("me/held"))
        with pytest.raises(PredictionTimeout, match=r"is still processing after 20 s\. It goes on"):
            await got(client.run("me/held", wait=False, timeout=20))
    assert statuses(place) == ["processing"]
    assert next(each for each in place.requests if each.method == "POST").headers["cancel-after"] == "20s"


# ---- removed data


@pytest.mark.filterwarnings("ignore:model.predict:DeprecationWarning")
@pytest.mark.parametrize("way", ["run", "use", "output", "output_iterator", "stream", "predict"])
async def test_data_that_was_removed(colour: str, way: str) -> None:
    """A removed output raises DataRemovedError instead of being None. The prediction itself shows `data_removed`."""
    gone = prediction("succeeded", data_removed=True)
    script = Script(model=[model(), {"id": "b" * 64}], create=[prediction()], get=[gone])
    client = scripted(colour, script)
    Clock(client)

    async def output() -> Any:
        match way:
            case "run":
                return await got(client.run("me/model"))
            case "use":
                return await got(client.use("me/model")())
            case "output":
                return await got((await got(client.use("me/model").create())).output())
            case "output_iterator":
                made = await got(client.predictions.get("p1"))
                assert made.data_removed
                return await collect(made.output_iterator())
            case "stream":
                return await collect((await got(client.predictions.get("p1"))).stream())
            case _:
                return await got((await got(client.models.get("me/model"))).predict())

    with pytest.raises(DataRemovedError, match=r"prediction p1 has been removed.*an hour") as raised:
        await output()
    assert raised.value.prediction.id == "p1"
    assert pickle.loads(pickle.dumps(raised.value)).prediction.id == "p1"
