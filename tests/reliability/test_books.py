"""With random faults: each call starts one prediction at most, none is lost, and none is left running."""

from __future__ import annotations

import os
from collections.abc import Iterator  # noqa: TC003 - pytest reads the annotations of fixtures
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from reliability.chaos import FAULTS, FINE, Fault, Plan
from reliability.conftest import Place, placed
from support.colours import RUN, each, got, leaves_streams

from replicate import AmbiguousCreateError, PredictionTimeout, ReplicateException, RunError
from replicate._dual.drive import drive

if TYPE_CHECKING:
    from replicate.local import Server

WAYS = ("run official", "run community", "run version", "create", "use", "deployment", "training")
LEAVING = ("deadline", "close", "interrupt")
LEFT = ("read version", "use streaming", "stream")
"""The ways to call a model whose output is read item by item."""
PLANS = int(os.environ.get("FAULT_PLANS", "500"))
"""The number of random plans for blocking calls. The other tests have fewer. A scheduled workflow has many more."""
plans = st.lists(st.sampled_from((FINE, *FAULTS)), max_size=7)


@pytest.fixture(scope="module")
def here(shared_books: Server) -> Iterator[Place]:
    """Yield one client for all examples, so that what it remembers of earlier calls is tested, too."""
    place = Place(shared_books, "blocking")
    yield place
    drive(place.close())


async def call(place: Place, way: str, inputs: dict[str, str]) -> Any:
    """Run a model to its end in one of several ways, and return its output."""
    client = place.client
    match way:
        case "run official":
            return await got(client.run("me/official", inputs, timeout=100))
        case "run community":
            return await got(client.run("me/echo", inputs, timeout=100))
        case "run version":
            return await got(client.run(f"me/echo:{place.version}", inputs))
        case "use":
            return await got(client.use("me/official", timeout=100)(**inputs))
        case "create":
            made = await got(client.predictions.create(place.version, inputs, wait=True))
        case "deployment":
            made = await got(client.predictions.create(deployment="local/books", input=inputs))
        case _:
            made = await got(client.trainings.create(f"me/echo:{place.version}", inputs, "me/trained"))
            return (await got(made.wait(timeout=100))).input["text"]
    return (await got(made.wait(timeout=100))).output


async def booked(place: Place, way: str, faults: list[Fault]) -> None:
    """Call a model with faults, and compare the outcome with the server's record."""
    place.tidy()
    inputs = place.fresh()
    plan = place.line.follow(faults)
    error, output = None, None
    try:
        output = await call(place, way, inputs)
    except ReplicateException as caught:
        error = caught
    place.line.follow(())
    event(f"{way}: {type(error).__name__ if error else 'a result'}")
    balance(place, plan, output, error)


def balance(place: Place, plan: Plan, output: Any, error: ReplicateException | None) -> None:
    """Check that a result has one prediction, and that the caller knows of every prediction."""
    started = place.started()
    assert len(started) <= 1, plan.met
    if error is None:
        assert output == place.text, plan.met
        assert len(started) == 1
    elif isinstance(error, AmbiguousCreateError):
        looks = [fault for line, fault in plan.met if line in ("GET /predictions", "GET /trainings")]
        assert not started or any(fault is not FINE for fault in looks), f"it was there to be found: {plan.met}"
    elif started:
        carried = getattr(error, "prediction", None)
        assert carried is not None, (plan.met, error)
        assert carried.id == started[0].id


@given(way=st.sampled_from(WAYS), faults=plans)
@settings(max_examples=PLANS, deadline=None)
def test_the_books(here: Place, way: str, faults: list[Fault]) -> None:
    """A call that returns has started one prediction. One that raises has started none, or its error says more."""
    drive(booked(here, way, faults))


@pytest.mark.parametrize("colour", ["asyncio", "trio"])
@given(way=st.sampled_from(WAYS), faults=plans)
@settings(max_examples=PLANS // 10, deadline=None)
def test_the_books_of_an_asynchronous_client(shared_books: Server, colour: str, way: str, faults: list[Fault]) -> None:
    """Asynchronous calls keep the same rules."""

    async def main() -> None:
        async with placed(shared_books, colour) as place:
            await booked(place, way, faults)

    RUN[colour](main())


def begin(place: Place, way: str, inputs: dict[str, str], timeout: float | None) -> Any:
    """Call a model that never ends, in one of the ways that return an iterator."""
    match way:
        case "read version":
            return place.client.run(place.by_version("me/endless"), inputs, timeout=timeout, wait=False)
        case "use streaming":
            return place.client.use("me/endless", streaming=True, timeout=timeout)(**inputs)
        case _:
            return entered(place.client.stream("me/endless", inputs, timeout=timeout))


async def entered(stream: Any) -> Any:
    """Start the prediction of a stream."""
    return stream.__enter__() if hasattr(stream, "__enter__") else await stream


async def left(place: Place, way: str, faults: list[Fault], leave: str) -> None:
    """Leave an endless call early, with faults, and check that its prediction was canceled."""
    place.tidy()
    inputs = place.fresh()
    output = await got(begin(place, way, inputs, 20 if leave == "deadline" else None))
    plan = place.line.follow(faults)
    error: BaseException | None = None
    try:
        await read_some(place, output, leave)
    except (KeyboardInterrupt, ReplicateException) as caught:
        error = caught
    await got(output.close())
    event(f"{way}, {leave}: {type(error).__name__}")
    stopped(place, plan, leave, error)


async def waited(place: Place, faults: list[Fault], leave: str) -> None:
    """Leave a call that waits for a whole output without end, and check that its prediction was canceled."""
    place.tidy()
    inputs = place.fresh()
    timeout = 20 if leave == "deadline" else None
    plan = place.line.follow(faults, "* /predictions/*")
    place.clock.wake = interrupt if leave == "interrupt" else lambda _: None
    place.clock.sleeps.clear()
    error: BaseException | None = None
    try:
        await got(place.client.run("me/endless", inputs, timeout=timeout, wait=False))
    except (KeyboardInterrupt, ReplicateException) as caught:
        error = caught
    finally:
        place.clock.wake = lambda _: None
    event(f"run, {leave}: {type(error).__name__}")
    stopped(place, plan, leave, error)


def interrupt(sleeps: int) -> None:
    """Raise KeyboardInterrupt in the fourth pause, and in no later one."""
    if sleeps == 4:
        raise KeyboardInterrupt


def stopped(place: Place, plan: Plan, leave: str, error: BaseException | None) -> None:
    """Check how a call ended, and that its prediction was canceled, unless every cancel request met a fault."""
    place.line.follow(())
    [started] = place.started()
    status = started.status
    started.cancel()
    cancels = [fault for line, fault in plan.met if line.endswith("/cancel")]
    assert type(error) is {"deadline": PredictionTimeout, "interrupt": KeyboardInterrupt}.get(leave, type(None))
    assert not isinstance(error, RunError) or error.prediction.id == started.id
    assert status in {"canceled", "aborted"} or (cancels and not any(each.reaches for each in cancels)), plan.met


async def read_some(place: Place, output: Any, leave: str) -> None:
    """Read an endless output up to the deadline, or up to its fourth item."""
    number = 0
    async with aclosing(each(output)) as items:
        async for _ in items:
            number += 1
            place.clock.time += 2  # items that are streamed without a pause take time, too
            if leave == "close" and number > 3:
                return
            if leave == "interrupt" and number > 3:
                raise KeyboardInterrupt


@given(way=st.sampled_from(LEFT), faults=plans, leave=st.sampled_from(LEAVING))
@settings(max_examples=PLANS // 13, deadline=None)
def test_an_iterator_that_is_left_cancels(here: Place, way: str, faults: list[Fault], leave: str) -> None:
    """A call that is left early cancels its prediction, unless every cancel request meets a fault."""
    drive(left(here, way, faults, leave))


@leaves_streams
@pytest.mark.parametrize("colour", ["asyncio", "trio"])
@given(way=st.sampled_from(LEFT), faults=plans, leave=st.sampled_from(LEAVING))
@settings(max_examples=PLANS // 40, deadline=None)
def test_an_asynchronous_iterator_that_is_left_cancels(
    shared_books: Server, colour: str, way: str, faults: list[Fault], leave: str
) -> None:
    """Asynchronous iterators that are left early cancel their predictions, too."""

    async def main() -> None:
        async with placed(shared_books, colour) as place:
            await left(place, way, faults, leave)

    RUN[colour](main())


@given(faults=plans, leave=st.sampled_from(("deadline", "interrupt")))
@settings(max_examples=PLANS // 13, deadline=None)
def test_a_call_that_is_left_cancels(here: Place, faults: list[Fault], leave: str) -> None:
    """A call for a whole output that is left early cancels its prediction, too."""
    drive(waited(here, faults, leave))


@pytest.mark.parametrize("colour", ["asyncio", "trio"])
@given(faults=plans, leave=st.sampled_from(("deadline", "interrupt")))
@settings(max_examples=PLANS // 40, deadline=None)
def test_an_asynchronous_call_that_is_left_cancels(
    shared_books: Server, colour: str, faults: list[Fault], leave: str
) -> None:
    """An asynchronous call for a whole output that is left early cancels its prediction, too."""

    async def main() -> None:
        async with placed(shared_books, colour) as place:
            await waited(place, faults, leave)

    RUN[colour](main())
