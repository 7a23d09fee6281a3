"""How often to look, and when to stop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sessions import Scripted, scripted

from replicate._dual.drive import drive
from replicate._http.deadline import Deadline
from replicate._jobs.pauses import LONGEST, SHORTEST, interval
from replicate._jobs.polling import until_due


@given(st.floats(0, 1e6))
def test_the_interval_is_a_tenth_of_the_wait(waited: float) -> None:
    """It is within a fifth of a tenth of the wait, and between a tenth of a second and two seconds."""
    assert (SHORTEST, LONGEST) == (0.1, 2.0)
    middle = min(LONGEST, max(SHORTEST, waited / 10))
    assert middle * 0.8 <= interval(waited) <= middle * 1.2


class Work:
    """Something that is finished after a time, and counts how often it is looked at."""

    def __init__(self, transport: Scripted, seconds: float) -> None:
        self.transport, self.seconds, self.looks = transport, seconds, 0
        self.done = False

    def finished(self) -> bool:
        return self.done

    async def look(self) -> None:
        self.looks += 1
        self.done = self.transport.time >= self.seconds


async def poll(session: Any, work: Work, deadline: Deadline) -> bool:
    while not work.finished():
        if not await until_due(session, deadline):
            return False
        await work.look()
    return True


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize(("seconds", "at_most"), [(0.05, 1), (1, 13), (60, 75), (3600, 1900)])
def test_few_looks_and_little_delay(seconds: float, at_most: int, *, blocking: bool) -> None:
    """What is quick is found quickly; what takes long takes few requests, and is found a tenth or two seconds late."""
    session, transport = scripted(blocking=blocking)
    work = Work(transport, seconds)
    polling: Any = poll(session, work, Deadline(session, None))
    assert (drive(polling) if blocking else asyncio.run(polling)) is True
    assert work.looks <= at_most
    assert transport.time - seconds <= min(max(0.12 * seconds, 1.2 * SHORTEST), 1.2 * LONGEST) + 1e-6


def test_what_is_finished_is_not_looked_at() -> None:
    """Nothing is asked about what has finished already."""
    session, transport = scripted()
    work = Work(transport, 0)
    work.done = True
    assert drive(poll(session, work, Deadline(session, 1)))
    assert (work.looks, transport.sleeps) == (0, [])


@pytest.mark.parametrize("seconds", [0.01, 1, 7.5])
def test_the_deadline_is_kept(seconds: float) -> None:
    """Polling ends at the deadline, not later, and looks once more then."""
    session, transport = scripted()
    work = Work(transport, 1e9)
    assert drive(poll(session, work, Deadline(session, seconds))) is False
    assert transport.time == pytest.approx(seconds)
    assert work.looks == len(transport.sleeps)

    session, transport = scripted()
    work = Work(transport, seconds)
    assert drive(poll(session, work, Deadline(session, seconds))) is True


def test_a_deadline_tells_the_time() -> None:
    """It knows what has passed and what remains; without one, there is always time."""
    session, transport = scripted()
    transport.time = 100.0
    deadline, never = Deadline(session, 5), Deadline(session, None)
    transport.time = 103.0
    assert (deadline.elapsed(), deadline.remaining()) == (3, 2)
    assert (never.elapsed(), never.remaining()) == (3, float("inf"))


def test_a_session_bound_to_a_deadline() -> None:
    """A session bound to a deadline knows what remains of it; the one it came from does not."""
    session, transport = scripted()
    bound = Deadline(session, 5).bound(session)
    transport.time = 3.0
    assert bound.remaining() == 2
    assert session.remaining() == float("inf")
    assert Deadline(session, None).bound(session) is session


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_deadline_must_be_ahead(seconds: float) -> None:
    """A timeout that is not positive is a mistake."""
    with pytest.raises(ValueError, match="positive number of seconds"):
        Deadline(scripted()[0], seconds)
