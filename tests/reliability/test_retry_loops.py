"""A loop that calls again after errors that promise that nothing was started never pays twice, whatever the faults."""

from __future__ import annotations

import io
import itertools
import os
import pickle
import shutil
import tempfile
from collections.abc import Iterator  # noqa: TC003 - pytest reads the annotations of fixtures
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from reliability.chaos import FAULTS, FINE, HTML, PAGE, PAGE_AFTER, Fault, Plan, problem
from reliability.conftest import Place, placed
from support.colours import RUN, each, got, leaves_streams

from replicate import (
    AmbiguousCreateError,
    FileOutput,
    ModelError,
    PredictionTimeout,
    ReplicateError,
    ReplicateException,
    RunError,
)
from replicate._dual.drive import drive
from replicate.resources.predictions import EventStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from replicate.local import Server

PLANS = int(os.environ.get("FAULT_PLANS", "500"))
TRIES = 4
AGAIN = (ReplicateError, httpx.HTTPError, TimeoutError)
"""The errors after which a careful loop calls again."""
NEVER = AGAIN
"""The errors that never end a call after its start."""


@dataclass(frozen=True)
class Kind:
    """Models that do the same: one that runs by its name, one by a version, and one that yields item by item."""

    official: str
    community: str
    items: str


KINDS = {
    "text": Kind("me/official", "me/echo", "me/spoken"),
    "file": Kind("me/writer", "me/scribe", "me/leaves"),
    "broken": Kind("me/broken", "me/unlucky", "me/unlucky"),
    "endless": Kind("me/endless", "me/endless", "me/endless"),
}


@dataclass(frozen=True)
class Case:
    """A call and its faults."""

    way: str
    kind: str
    faults: list[Fault]
    only: str = "*"
    timeout: float | None = None
    patience: float | None = None
    """The client's timeout for each request, in seconds."""
    saved: bool = False
    meddler: str | None = None
    """What `on_update` does."""
    at: int = 0
    """The number of the update at which it does so."""
    wait: bool | None = None
    cold: bool = False
    """The client remembers nothing of the models."""

    @property
    def is_read(self) -> bool:
        """Whether the output is read item by item instead of waited for."""
        return self.way == "use streaming" or self.wait is (False if self.way.startswith("r") else None)

    @property
    def options(self) -> dict[str, Any]:
        """The options of `run`, `stream` and `use`."""
        timeout = self.timeout or (20 if self.kind == "endless" else None)
        return {} if timeout is None else {"timeout": timeout}


# ---- the ways to call a model to its end


async def run_official(client: Any, place: Place, case: Case, inputs: dict[str, Any], options: dict[str, Any]) -> Any:
    return await whole(place, case, await got(client.run(KINDS[case.kind].official, inputs, **options)))


async def run_community(client: Any, place: Place, case: Case, inputs: dict[str, Any], options: dict[str, Any]) -> Any:
    return await whole(place, case, await got(client.run(KINDS[case.kind].community, inputs, **options)))


async def run_version(client: Any, place: Place, case: Case, inputs: dict[str, Any], options: dict[str, Any]) -> Any:
    ref = place.by_version(KINDS[case.kind].community)
    return await whole(place, case, await got(client.run(ref, inputs, **options)))


async def read_version(client: Any, place: Place, case: Case, inputs: dict[str, Any], options: dict[str, Any]) -> Any:
    ref = place.by_version(KINDS[case.kind].items)
    return await whole(place, case, await got(client.run(ref, inputs, **options)))


async def run_with_file(client: Any, place: Place, case: Case, inputs: dict[str, Any], options: dict[str, Any]) -> Any:
    inputs = {**inputs, "file": io.BytesIO(bytes(300_000))}
    return await got(client.run("me/checker", inputs, **options))


async def use(client: Any, place: Place, case: Case, inputs: dict[str, Any], options: dict[str, Any]) -> Any:
    return await got(client.use(KINDS[case.kind].items, **options)(**inputs))


async def use_streaming(client: Any, place: Place, case: Case, inputs: dict[str, Any], options: dict[str, Any]) -> Any:
    model = client.use(KINDS[case.kind].items, streaming=True, **options)
    return await whole(place, case, await got(model(**inputs)))


async def use_create(client: Any, place: Place, case: Case, inputs: dict[str, Any], options: dict[str, Any]) -> Any:
    run = await got(client.use(KINDS[case.kind].official, **options).create(**inputs))
    return await got(run.output())


async def stream(client: Any, place: Place, case: Case, inputs: dict[str, Any], options: dict[str, Any]) -> Any:
    return await whole(place, case, client.stream(KINDS[case.kind].items, inputs, **options))


async def stream_version(client: Any, place: Place, case: Case, inputs: dict[str, Any], options: dict[str, Any]) -> Any:
    return await whole(place, case, client.stream(place.by_version(KINDS[case.kind].items), inputs, **options))


WAYS: dict[str, Callable[..., Any]] = {
    "run official": run_official,
    "run community": run_community,
    "run version": run_version,
    "read version": read_version,
    "run with a file": run_with_file,
    "use": use,
    "use streaming": use_streaming,
    "use create": use_create,
    "stream": stream,
    "stream version": stream_version,
}
WAITING = ("run official", "run community", "run version", "read version", "run with a file", "stream")
"""The ways that take `wait`."""
FITTING = {"run with a file": ("text",), "use create": ("text", "file", "broken"), "use": ("text", "file", "broken")}
"""The kinds of models that a way can have."""


async def whole(place: Place, case: Case, output: Any) -> Any:
    """Read an iterator to its end. For an endless one, time passes with each item."""
    if not hasattr(output, "__next__") and not hasattr(output, "__anext__"):
        return output
    read: list[Any] = []
    async with aclosing(each(output)) as items:
        async for item in items:
            read.append(item)
            place.clock.time += 10 if case.kind == "endless" else 0
    return [item.data for item in read if item.event == "output"] if isinstance(output, EventStream) else read


async def text_of(output: Any) -> str:
    """Return the text of an output, or of its files."""
    if isinstance(output, list):
        return "".join([await text_of(item) for item in output])
    return (await got(output.read())).decode() if isinstance(output, FileOutput) else str(output)


# ---- the actions of `on_update`


async def asks_for_nothing(client: Any) -> None:
    await got(client.predictions.get("missing"))


async def waits_for_nothing(client: Any) -> None:
    await got(client.predictions.wait("missing"))


async def runs_what_fails(client: Any) -> None:
    await got(client.run("me/broken", {"text": "another"}))


async def runs_what_cannot(client: Any) -> None:
    await got(client.use("me/official")(nothing="another"))


async def is_silent(client: Any) -> None:
    pass


MEDDLERS: dict[str, Callable[[Any], Any]] = {
    "asks for what there is not": asks_for_nothing,
    "waits for what there is not": waits_for_nothing,
    "runs a model that fails": runs_what_fails,
    "runs a model with a wrong input": runs_what_cannot,
    "does nothing": is_silent,
}


def meddling(place: Place, case: Case) -> Any:
    """Return the callback of a case."""
    updates = itertools.count()

    async def meddle(_: Any) -> None:
        if next(updates) == case.at:
            await MEDDLERS[str(case.meddler)](place.client)

    return (lambda prediction: drive(meddle(prediction))) if place.colour == "blocking" else meddle


# ---- the loop


def forged(plan: Plan) -> bool:
    """Return whether a fault has answered 200 instead of a file, which a client cannot notice."""
    return any(line.startswith("GET /delivery/") and fault in FORGERIES for line, fault in plan.met)


async def insist(place: Place, case: Case, inputs: dict[str, str], folder: Path) -> Any:
    """Call again and again, as a careful loop does."""
    client = place.client if case.patience is None else place.client.with_options(timeout=case.patience)
    for number in itertools.count(1):
        options: dict[str, Any] = case.options
        if case.saved:
            options["save_to"] = folder
        if case.meddler:
            options["on_update"] = meddling(place, case)
        if case.wait is not None and case.way in WAITING:
            options["wait"] = case.wait
        try:
            return await WAYS[case.way](client, place, case, inputs, options)
        except AGAIN as error:
            failure = error
        assert place.started() == [], f"{failure!r} says that nothing was started"
        if number == TRIES:
            raise failure
    raise AssertionError


async def balanced(place: Place, case: Case, folder: Path) -> None:
    """Call a model in a loop with faults, and compare the outcome with the server's record."""
    place.tidy()
    if case.cold:
        place.client._session.memory.clear()
    inputs = place.fresh()
    plan = place.line.follow(case.faults, case.only)
    error: ReplicateException | None = None
    output: Any = None
    try:
        output = await insist(place, case, inputs, folder)
    except ReplicateException as caught:
        error = caught
    place.line.follow(())
    started = place.started()
    ids = [each.id for each in started]
    for run in started:
        run.cancel()
    event(f"{case.way}: {type(error).__name__ if error else 'a result'}")
    assert len(ids) <= 1, plan.met
    if error is None:
        assert ids
        assert case.kind in ("text", "file")
        assert (await text_of(output)).strip() == place.text or forged(plan)
        return
    assert type(pickle.loads(pickle.dumps(error))) is type(error)
    if not isinstance(error, RunError):
        assert isinstance(error, ReplicateError)
        assert ids == []
        return
    assert not isinstance(error, NEVER)
    carried = [] if error.prediction is None else [error.prediction.id]
    if isinstance(error, AmbiguousCreateError):
        assert set(carried) <= set(ids)
    else:
        assert carried == ids, (plan.met, error)
    if isinstance(error, ModelError):
        assert case.kind == "broken" or error.prediction.status == "canceled"
    if isinstance(error, PredictionTimeout):
        assert case.options


def raised_by_hook() -> httpx.HTTPStatusError:
    """Make the error that `response.raise_for_status()` raises in a hook of the caller's client."""
    request = httpx.Request("POST", "http://hooked.test/")
    return httpx.HTTPStatusError("502", request=request, response=httpx.Response(502, request=request))


REFUSALS = [
    Fault(f"{status}", reaches=False, outcome=partial(problem, status, detail=f"It is {status}."))
    for status in (400, 401, 402, 403, 404, 409, 422)
]
WITHOUT_ID = Fault("an answer without an id", reaches=True, outcome=lambda: httpx.Response(200, json={"status": "?"}))
FORGERIES = (PAGE, PAGE_AFTER, WITHOUT_ID)
OTHERS = (
    Fault("404, a page", reaches=False, outcome=lambda: httpx.Response(404, html=HTML)),
    Fault("408 after the server acted", reaches=True, outcome=partial(problem, 408)),
    Fault("408 before the server acted", reaches=False, outcome=partial(problem, 408)),
    Fault("TimeoutError after the server acted", reaches=True, outcome=lambda: TimeoutError("slow")),
    Fault("TimeoutError before the server acted", reaches=False, outcome=lambda: TimeoutError("slow")),
    Fault("ConnectionError after the server acted", reaches=True, outcome=lambda: ConnectionResetError("reset")),
    Fault("a hook raises after the server acted", reaches=True, outcome=raised_by_hook),
    WITHOUT_ID,
    Fault("an answer that cannot be decoded", reaches=True, outcome=lambda: httpx.DecodingError("no gzip")),
)
plans = st.lists(st.sampled_from((FINE, *FAULTS, *REFUSALS, *OTHERS)), max_size=12)
ONLY = (
    "*",
    "POST *predictions",
    "GET /predictions/*",
    "GET /predictions*",
    "GET /delivery/*",
    "GET /streams/*",
    "POST /files*",
)
cases = st.builds(
    Case,
    way=st.sampled_from([*WAYS]),
    kind=st.sampled_from([*KINDS]),
    faults=plans,
    only=st.sampled_from(ONLY),
    timeout=st.sampled_from((None, None, 1, 5, 20, 100)),
    patience=st.sampled_from((None, None, 0.5, 3)),
    saved=st.booleans(),
    meddler=st.sampled_from((None, None, *MEDDLERS)),
    at=st.integers(0, 3),
    wait=st.sampled_from((None, None, True, False)),
    cold=st.booleans(),
).filter(lambda case: case.kind in FITTING.get(case.way, KINDS) and (case.kind != "endless" or case.is_read))


@pytest.fixture(scope="module")
def here(shared_books: Server) -> Iterator[Place]:
    """Yield one client for all examples, so that what it remembers of earlier calls is tested, too."""
    place = Place(shared_books, "blocking")
    yield place
    drive(place.close())


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Yield a folder for output files."""
    made = Path(tempfile.mkdtemp())
    yield made
    shutil.rmtree(made)


@given(case=cases)
@settings(max_examples=PLANS, deadline=None)
def test_a_careful_loop_pays_once(here: Place, folder: Path, case: Case) -> None:
    """A loop that calls again on ReplicateError, httpx's errors and TimeoutError starts one prediction at most.

    If a prediction was started, the loop ends with a RunError that carries it.
    """
    drive(balanced(here, case, folder))


@leaves_streams
@pytest.mark.parametrize("colour", ["asyncio", "trio"])
@given(case=cases)
@settings(max_examples=PLANS // 5, deadline=None)
def test_a_careful_loop_pays_once_asynchronously(shared_books: Server, folder: Path, colour: str, case: Case) -> None:
    """Loops of asynchronous calls pay once, too."""

    async def main() -> None:
        async with placed(shared_books, colour) as place:
            await balanced(place, case, folder)

    RUN[colour](main())
