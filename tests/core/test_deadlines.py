"""Requests end at their deadline, whatever has arrived by then."""

from __future__ import annotations

import math
from contextlib import aclosing
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import RUN, leaves_streams
from support.faults import ENDLESS, SILENCE, STALLED, Faults
from support.sessions import API, Scripted, config

from replicate._dual.drive import drive
from replicate._http import session as sessions
from replicate._http.connections.deadline_backend import Exchange
from replicate._http.connections.sending import CHUNK, Chunks
from replicate._http.connections.transport import AsyncTransport, BlockingTransport
from replicate._http.deadline import Deadline
from replicate._http.session import Session
from replicate._jobs.events import events
from replicate._jobs.matching import Asked
from replicate._jobs.ownership import LAST_WILL, CancelOnExit
from replicate._jobs.recovery import CreateAttempt
from replicate._jobs.wait import Watch
from replicate.exceptions import APITimeoutError, PredictionTimeout
from replicate.resources.predictions import Prediction
from replicate_api.types import Request

if TYPE_CHECKING:
    from collections.abc import Callable

GET = Request("GET", "/account")
SECONDS = 0.1


@pytest.fixture(params=list(RUN))
def exchange(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that runs a coroutine function against a fault, on a session with a deadline of 0.1 s."""
    monkeypatch.setattr(sessions, "LAST_CHANCE", SECONDS)

    def run(fault: Any, work: Callable[[Session[Any]], Any], timeout: float | None = None) -> float:
        transport = BlockingTransport() if request.param == "blocking" else AsyncTransport()

        async def main(base_url: str) -> float:
            session: Session[Any] = Session(config(base_url, timeout=timeout, max_retries=0), transport)
            started = monotonic()
            try:
                await work(Deadline(session, SECONDS).bound(session) if timeout is None else session)
                return monotonic() - started
            finally:
                await transport.close()

        with Faults(fault) as server:
            elapsed: float = RUN[request.param](main(server.base_url))
            return elapsed

    return run


async def send(session: Session[Any]) -> None:
    with pytest.raises(APITimeoutError, match="did not answer in time") as caught:
        await session.send(GET)
    assert caught.value.sent


async def read_streamed(session: Session[Any]) -> None:
    response = await session.send(GET, stream=True)
    with pytest.raises(APITimeoutError):
        await session.read(response)


async def iterate(session: Session[Any]) -> None:
    response = await session.send(GET, stream=True)
    with pytest.raises(APITimeoutError):
        async for _ in session.chunks(response):
            pass


async def listen(session: Session[Any]) -> None:
    prediction: Prediction[Any] = Prediction.bind({"id": "p1", "status": "processing"}, session)
    with pytest.raises(PredictionTimeout):
        async for _ in events(Watch(prediction, Deadline(session, SECONDS)), "/account"):
            pass


@pytest.mark.parametrize("fault", [ENDLESS, STALLED, SILENCE])
def test_a_request_ends_at_the_deadline(exchange: Callable[..., Any], fault: str) -> None:
    """A response that never comes, stalls or never ends raises APITimeoutError at the deadline."""
    assert exchange(fault, send) < 5


@leaves_streams
@pytest.mark.parametrize("fault", [ENDLESS, STALLED])
@pytest.mark.parametrize("work", [read_streamed, iterate, listen])
def test_a_streamed_answer_ends_at_the_deadline(exchange: Callable[..., Any], fault: str, work: Any) -> None:
    """A streamed response ends at the deadline too, also a stream of events."""
    assert exchange(fault, work) < 5


@leaves_streams
def test_a_timeout_bounds_each_wait(exchange: Callable[..., Any]) -> None:
    """Without a deadline, a timeout bounds each wait for data, as in httpx, and not the whole response."""

    async def work(session: Session[Any]) -> None:
        response = await session.send(GET, stream=True)
        started = monotonic()
        async with aclosing(session.chunks(response)) as chunks:
            async for _ in chunks:
                if monotonic() - started > 3 * SECONDS:
                    return

    assert exchange(ENDLESS, work, timeout=SECONDS) > 3 * SECONDS


class Slow(Scripted):
    """A transport whose requests last as long as they may, less a moment if the answer is no error."""

    async def send(self, request: Any, *, seconds: float = math.inf, **options: Any) -> httpx.Response:
        self.time += seconds
        self.requests += [request]
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise httpx.ReadTimeout("late")
        self.time -= 0.01
        answer.request = httpx.Request(request["method"], request["url"])
        return answer


def slow(*answers: Any) -> Session[Any]:
    transport: Any = Slow(*answers)
    return Session(config(), transport)


def page(following: str | None) -> httpx.Response:
    listed = {"id": "p1", "input": {"a": 1}, "version": "v1", "created_at": datetime.now(UTC).isoformat()}
    return httpx.Response(200, json={"results": [listed], "next": following, "previous": None})


def test_a_cancellation_takes_five_seconds() -> None:
    """However late each request of a cancellation fails or is answered, all of them end within five seconds."""
    more = page(f"{API}/predictions?cursor=a")
    moved = httpx.Response(302, headers={"Location": f"{API}/predictions"})
    for answers in ((None,), (httpx.Response(503),), (page(None), None), (more,), (moved,)):
        session = slow(*answers)
        started = CreateAttempt(session, Prediction.endpoints, CancelOnExit(cancel=True))
        started.asked, started.out = Asked.of("/predictions", {"version": "v1", "input": {"a": 1}}), True
        drive(started.end(session))
        assert session.transport.now() <= LAST_WILL + 0.1, answers
    for answers in ((None,), (httpx.Response(503),)):
        session = slow(*answers)
        prediction: Prediction[Any] = Prediction.bind({"id": "p1", "status": "processing"}, session)
        drive(CancelOnExit(prediction, cancel=True).end(session))
        assert session.transport.now() <= LAST_WILL + 0.1, answers


def test_redirects_end_after_the_deadline() -> None:
    """Redirects are not followed any more when the time is up."""
    session = slow(httpx.Response(302, headers={"Location": f"{API}/account"}))
    with pytest.raises(APITimeoutError, match="after a redirect"):
        drive(Deadline(session, SECONDS).bound(session).send(GET))
    assert len(session.transport.requests) == 2  # type: ignore[attr-defined]


def test_the_time_for_a_response_begins_when_the_request_is_sent() -> None:
    """While a long body is being sent, which HTTP/2 interrupts to read, the time for the response does not begin."""
    body = Chunks(bytes(2 * CHUNK))
    made = httpx.Request("POST", API, extensions={"timeout": httpx.Timeout(5).as_dict()})
    made.stream = body
    exchange = Exchange.within(math.inf, 5)
    exchange.limit(made)
    parts = iter(body)
    next(parts)
    assert exchange.left() == math.inf
    next(parts)
    assert exchange.left() <= 5
    exchange.answered(stream=True)
    assert exchange.left() == math.inf
    assert Exchange.within(math.inf, httpx.Timeout(5)).left() == math.inf
