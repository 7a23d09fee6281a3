"""The faults of a call, one for each row of the page: its name, what the client does, and a call that meets it."""

from __future__ import annotations

import asyncio
import io
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import httpx
from reliability import chaos, wires
from reliability.chaos import BROKEN_AFTER, FAULTS, REFUSED, RESET_AFTER, RESET_BEFORE, Fault, answering, problem
from reliability.conftest import wait_for_end
from support.faults import answer
from support.relay import DROP

if TYPE_CHECKING:
    from collections.abc import Callable

    from reliability.conftest import Place

TOO_LARGE = answer("413 Payload Too Large", b'{"detail": "at most 1 MB"}')
BAD_GATEWAY = answer("502 Bad Gateway")
NO_PROXY = {"NO_PROXY": "[::1],host:word,fe80::/10", "HTTP_PROXY": ""}
HOSTILE = f"{'9' * 5000}/{'9' * 5000}\n400%|####| 4/1\n" + "\n" * 20_000
SENT_IN_PART = "retries: an incomplete request starts nothing"
STARTS, STREAMS, LOOK_UPS, LOOKS = "POST *predictions", "GET /streams/*", "GET /models/*", "GET /predictions/*"


@dataclass(frozen=True)
class Trouble:
    """A fault, what the client does about it, and a call that meets it and returns its result."""

    name: str
    does: str
    call: Callable[[Place], Any]
    colour: str = "blocking"


# ---- calls


def starting(*faults: Fault, only: str = STARTS) -> Callable[[Place], Any]:
    """Run a model with faults at its create."""
    return running("me/official", *faults, only=only)


def running(name: str, *faults: Fault, only: str = LOOK_UPS, **options: Any) -> Callable[[Place], Any]:
    """Run a model with a client that knows nothing of it, with faults at its lookups."""

    def call(place: Place) -> Any:
        inputs = place.fresh()
        place.line.follow(faults, only)
        return place.client.run(name, inputs, **{"timeout": 100, **options})

    return call


def by_version(*faults: Fault) -> Callable[[Place], Any]:
    """Run a model that makes its output item by item, and read the output."""

    def call(place: Place) -> Any:
        inputs = place.fresh()
        place.line.follow(faults, LOOK_UPS)
        output = place.client.run(place.by_version("me/spoken"), inputs, timeout=100)
        return "".join(output)

    return call


def using(*faults: Fault) -> Callable[[Place], Any]:
    """Call a model as a function."""

    def call(place: Place) -> Any:
        inputs = place.fresh()
        place.line.follow(faults, LOOK_UPS)
        return place.client.use("me/official", timeout=100)(**inputs)

    return call


def uploading(*faults: Fault) -> Callable[[Place], Any]:
    """Run a model with a large file."""

    def call(place: Place) -> Any:
        inputs = {**place.fresh(), "file": io.BytesIO(bytes(300_000))}
        place.line.follow(faults, LOOK_UPS)
        return place.client.run(place.by_version("me/checker"), inputs, timeout=100)

    return call


def deploying(place: Place) -> Any:
    inputs = place.fresh()
    place.line.follow([RESET_AFTER], STARTS)
    return place.client.predictions.create(deployment="local/books", input=inputs).id


def training(place: Place) -> Any:
    inputs = place.fresh()
    place.line.follow([RESET_AFTER], "POST *trainings")
    return place.client.trainings.create(f"me/echo:{place.version}", inputs, "me/trained").id


def looking(*faults: Fault) -> Callable[[Place], Any]:
    """Wait for a prediction, with faults at the polls."""

    def call(place: Place) -> Any:
        created = place.client.predictions.create("me/official", place.fresh())
        finish(place, created)
        place.line.follow(faults)
        return created.wait(timeout=60).output

    return call


def finish(place: Place, prediction: Any) -> None:
    """Let the model finish without the client's knowledge, so that the number of polls is not random."""
    [run] = place.started()
    wait_for_end(run)
    prediction.status = "starting"


def told(*, watched: bool = False, **members: Any) -> Callable[[Place], Any]:
    """Run a model whose prediction first has the given members, and then has succeeded."""

    def call(place: Place) -> Any:
        inputs = place.fresh()
        plan = [answering("begins", status="starting", output=None), answering("says", output=None, **members)]
        place.line.follow([*plan, answering("ends", status="succeeded", output=place.text)], "* *predictions*")
        return place.client.run("me/official", inputs, wait=False, timeout=60, progress=watched)

    return call


def logging_badly(place: Place) -> Any:
    """Run a model while the log cannot be written."""

    def refuse(_: logging.LogRecord) -> None:
        raise ValueError("I/O operation on closed file.")

    logger = logging.getLogger("replicate")
    with patch.object(logger, "level", logging.DEBUG), patch.object(logger, "handle", refuse):
        return running("me/official")(place)


def reading(leave: str, **options: Any) -> Callable[[Place], Any]:
    """Read an endless output, and leave it."""

    def call(place: Place) -> Any:
        output = place.client.run(place.by_version("me/endless"), begun(place), wait=False, **options)
        for _ in output:
            if leave == "interrupt":
                raise KeyboardInterrupt
            if leave == "with":
                with output:
                    return None
            if leave == "drop":
                break
            place.clock.time += 10
        del output
        return None

    return call


def waiting(leave: str, **options: Any) -> Callable[[Place], Any]:
    """Wait for an endless output as a whole, and leave it."""

    def interrupt(_: int) -> None:
        if leave == "interrupt":
            raise KeyboardInterrupt

    def call(place: Place) -> Any:
        place.clock.wake = interrupt
        return place.client.run("me/endless", begun(place), wait=False, **options)

    return call


def begun(place: Place) -> dict[str, str]:
    inputs = place.fresh()
    place.line.follow(())
    return inputs


async def canceled_task(place: Place) -> Any:
    inputs, reads = begun(place), asyncio.Event()

    async def read() -> None:
        async for _ in await place.client.run(place.by_version("me/endless"), inputs, wait=False):
            reads.set()

    task = asyncio.ensure_future(read())
    await reads.wait()
    task.cancel()
    await task


async def canceled_wait(place: Place) -> Any:
    task = asyncio.ensure_future(place.client.run("me/endless", begun(place), wait=False))
    place.clock.wake = lambda _: task.cancel()
    await task


def meddled(place: Place) -> Any:
    """Run a model with a callback that asks for a missing prediction."""
    return place.client.run("me/endless", begun(place), on_update=lambda _: place.client.predictions.get("missing"))


def saving(*faults: Fault) -> Callable[[Place], Any]:
    """Run a model and save its output file."""

    def call(place: Place) -> Any:
        inputs = place.fresh()
        place.line.follow(faults, "GET /delivery/*")
        with TemporaryDirectory() as folder:
            return place.client.run("me/writer", inputs, save_to=folder)

    return call


def streaming(*faults: Fault, model: str = "me/words") -> Callable[[Place], Any]:
    """Stream a model's output, with faults at the stream."""

    def call(place: Place) -> Any:
        inputs = place.fresh()
        place.line.follow(faults, STREAMS)
        with place.client.stream(model, inputs) as events:
            finish(place, events.prediction)
            return "".join(str(event) for event in events).strip()

    return call


# ---- faults


def throttled(name: str, **answer: Any) -> Fault:
    return Fault(name, reaches=False, outcome=lambda: httpx.Response(429, **answer))


def scripted_stream(content: str) -> Fault:
    def outcome() -> httpx.Response:
        return httpx.Response(200, content=content, headers={"content-type": "text/event-stream"})

    return Fault("events", reaches=False, outcome=outcome)


def in_half_a_minute() -> httpx.Response:
    moment = datetime.now(UTC) + timedelta(seconds=30)
    return httpx.Response(429, headers={"retry-after": format_datetime(moment, usegmt=True)})


LIMITS = (
    throttled("429, header `Retry-After: 2`", headers={"retry-after": "2"}),
    Fault("429, header `Retry-After` with a date", reaches=False, outcome=in_half_a_minute),
    throttled('429, body `"retry_after": 3`', json={"status": 429, "retry_after": 3}),
    throttled('429, body "resets in ~5s"', json={"detail": "Request was throttled. Your rate limit resets in ~5s."}),
)
REFUSALS = (chaos.REFUSED, chaos.THROTTLED, chaos.WORDS)
LOOKED_FOR = "finds what the request started in the list, and continues with it"
NOT_FOUND = "looks in the list three times, and does not retry"
AGAIN = "retries"
DENIED = Fault("401", reaches=False, outcome=lambda: problem(401, detail="Unauthenticated"))
GONE = Fault("404", reaches=False, outcome=lambda: problem(404, detail="Not found."))
BUSY = Fault("429", reaches=False, outcome=lambda: problem(429))


def at_the_start(fault: Fault) -> str:
    """Return what the client does about a fault of a create."""
    if fault is chaos.REFUSED:
        return "retries: nothing was sent"
    if fault in REFUSALS:
        return "waits as long as the answer says, then retries: nothing was started"
    return LOOKED_FOR if fault.reaches else NOT_FOUND


SECTIONS: dict[str, list[Trouble]] = {
    "The request that starts a prediction": [
        *(Trouble(fault.name, at_the_start(fault), starting(fault)) for fault in FAULTS),
        *(Trouble(fault.name, "waits as long as the answer says, then retries", starting(fault)) for fault in LIMITS),
        Trouble("connection refused, every time", "gives up after its retries", starting(*[REFUSED] * 9)),
        Trouble("429, every time", "gives up after its retries", starting(*[BUSY] * 9)),
        Trouble(
            "reset after the server acted, and the list fails too",
            "looks in the list three times, each with its retries",
            starting(RESET_AFTER, *[RESET_BEFORE] * 20, only="* /*predictions"),
        ),
        Trouble("reset after a deployment's prediction was started", LOOKED_FOR, deploying),
        Trouble("reset after a training was started", LOOKED_FOR, training),
    ],
    "How much of the request was sent": [
        Trouble("413 before a long request was read", "raises", wires.over(TOO_LARGE, long=True)),
        Trouble("502 before a long request was read", SENT_IN_PART, wires.over(BAD_GATEWAY, long=True)),
        Trouble("reset before a long request was read", SENT_IN_PART, wires.over(wires.EARLY_RESET, long=True)),
        Trouble("a proxy refuses the tunnel: 502 at CONNECT", "raises: nothing was sent", wires.tunnel),
        Trouble(
            "the API closes an idle connection as the next request is sent over it",
            "uses another connection, because that one was idle for more than a second",
            wires.over(wires.CLOSING, before=wires.idle),
        ),
    ],
    "Predictions of other requests": [
        Trouble(
            "a cache repeats the answer to the previous request",
            LOOKED_FOR,
            wires.over(wires.REPEAT, wires.REPEAT, before=wires.one_before),
        ),
        Trouble(
            "the request got lost, another program started the same, and the deadline passes",
            "continues with the other program's prediction, and does not cancel it",
            wires.over(None, DROP, model="me/endless", another=True, wait=False, timeout=20),
        ),
        Trouble(
            "the same, and Ctrl-C",
            "cancels the only prediction with exactly this input",
            wires.over(None, DROP, model="me/endless", another=True, wait=False, interrupted=True),
        ),
    ],
    "The environment": [
        Trouble("`NO_PROXY=[::1],host:word`", "ignores unreadable entries", wires.over(environment=NO_PROXY)),
        Trouble("`ALL_PROXY=gopher://…`", "raises", wires.over(environment={"ALL_PROXY": "gopher://example.com"})),
        Trouble("`SSL_CERT_FILE` names no file", "raises", wires.untrusting),
        Trouble(
            "logs with numbers of 5,000 digits, and a bar at 400 %; `progress=True`",
            "shows none of them",
            told(status="processing", logs=HOSTILE, watched=True),
        ),
        Trouble("a log handler raises", "continues", logging_badly),
    ],
    "The look-up of a community model, after a 404 at its name": [
        *(Trouble(fault.name, AGAIN, running("me/echo", fault)) for fault in FAULTS),
        Trouble("502, every time", "raises the 404", running("me/echo", *[BROKEN_AFTER] * 9)),
    ],
    "The other look-ups of a model": [
        Trouble("502, of a version whose output is a list", "continues without it", by_version(BROKEN_AFTER)),
        Trouble("502, before the first call of a `use()` function", AGAIN, using(BROKEN_AFTER)),
        Trouble("the same, every time", "continues without it", using(*[BROKEN_AFTER] * 9)),
        Trouble("502, before an upload of more than 256 kB", AGAIN, uploading(BROKEN_AFTER)),
        Trouble("the same, every time", "continues without it", uploading(*[BROKEN_AFTER] * 9)),
    ],
    "A poll of a prediction": [
        *(Trouble(fault.name, "polls again", looking(fault)) for fault in FAULTS),
        Trouble("502, for a minute", "polls until the deadline", looking(*[BROKEN_AFTER] * 200)),
    ],
    "An error after the start of `run`": [
        Trouble(
            "401 at a poll",
            "raises at once; the prediction goes on",
            running("me/endless", DENIED, only=LOOKS, wait=False),
        ),
        Trouble(
            "502, every time, without `timeout=`",
            "raises after ten polls; the prediction goes on",
            running("me/endless", *[BROKEN_AFTER] * 20, only=LOOKS, wait=False, timeout=None),
        ),
        Trouble("404 of a file, `save_to=`", "raises, with the output", saving(GONE)),
        Trouble("`on_update` raises `NotFoundError`", "cancels", meddled),
    ],
    "The state of the prediction": [
        Trouble("status `failed`", "raises at once", told(status="failed", error="out of llamas")),
        Trouble("status `canceled`", "raises at once", told(status="canceled")),
        Trouble("status `aborted`", "raises at once", told(status="aborted")),
        Trouble("an unknown status, `paused`", "polls again, until the deadline", told(status="paused")),
        Trouble("the output was removed: `data_removed`", "raises", told(status="succeeded", data_removed=True)),
    ],
    "A call that is left early": [
        Trouble("Ctrl-C while `run` waits", "cancels", waiting("interrupt")),
        Trouble("the same, `cancel_on_exit=False`", "leaves it running", waiting("interrupt", cancel_on_exit=False)),
        Trouble("`task.cancel()` while `run` waits", "cancels", canceled_wait, "asyncio"),
        Trouble("the deadline of `run`, `timeout=20`", "polls until then, and cancels", waiting("", timeout=20)),
        Trouble("Ctrl-C while an iterator is read", "cancels", reading("interrupt")),
        Trouble("the same, `cancel_on_exit=False`", "leaves it running", reading("interrupt", cancel_on_exit=False)),
        Trouble("`task.cancel()` while an iterator is read", "cancels", canceled_task, "asyncio"),
        Trouble(
            "the deadline of an iterator, `timeout=20`", "polls one last time, and cancels", reading("", timeout=20)
        ),
        Trouble("a `with` block ends early", "cancels", reading("with")),
        Trouble("a half-read iterator is dropped", "cancels", reading("drop")),
    ],
    "A stream of events": [
        Trouble("cut before `done`", "resumes after the last event", streaming(chaos.CUT)),
        Trouble(
            "cut again and again",
            "reads the rest from the prediction itself",
            streaming(*[chaos.CUT] * 20),
        ),
        Trouble(
            '`done` with `{"reason": "error"}`',
            "checks how the prediction ended, and raises",
            streaming(scripted_stream('event: done\nid: 1:0\ndata: {"reason": "error"}\n\n')),
        ),
        Trouble(
            "an `error` event",
            "checks how the prediction ended, and raises",
            streaming(scripted_stream("event: error\nid: 1:0\ndata: overloaded\n\nevent: done\nid: 1:1\ndata: {}\n\n")),
        ),
        Trouble("the model fails", "yields all events, and raises", streaming(model="me/broken")),
    ],
}
