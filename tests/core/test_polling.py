"""How often to poll, and when to stop."""

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
from replicate._jobs.polling import sleep_until_due


@given(st.floats(0, 1e6))
def test_the_interval_is_a_tenth_of_the_wait(waited: float) -> None:
    """The interval is a tenth of the time waited, within 20 %, and between 0.1 and 2 seconds."""
    assert (SHORTEST, LONGEST) == (0.1, 2.0)
    middle = min(LONGEST, max(SHORTEST, waited / 10))
    assert middle * 0.8 <= interval(waited) <= middle * 1.2


class Work:
    """Work that is finished after a time, and counts how often it is polled."""

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
        if not await sleep_until_due(session, deadline):
            return False
        await work.look()
    return True


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize(("seconds", "at_most"), [(0.05, 1), (1, 13), (60, 75), (3600, 1900)])
def test_few_polls_and_little_delay(seconds: float, at_most: int, *, blocking: bool) -> None:
    """Short work is noticed quickly; long work takes few requests, and is noticed at most about two seconds late."""
    session, transport = scripted(blocking=blocking)
    work = Work(transport, seconds)
    polling: Any = poll(session, work, Deadline(session, None))
    assert (drive(polling) if blocking else asyncio.run(polling)) is True
    assert work.looks <= at_most
    assert transport.time - seconds <= min(max(0.12 * seconds, 1.2 * SHORTEST), 1.2 * LONGEST) + 1e-6


def test_finished_work_is_not_polled() -> None:
    """Finished work is not polled."""
    session, transport = scripted()
    work = Work(transport, 0)
    work.done = True
    assert drive(poll(session, work, Deadline(session, 1)))
    assert (work.looks, transport.sleeps) == (0, [])


@pytest.mark.parametrize("seconds", [0.01, 1, 7.5])
def test_the_deadline_is_kept(seconds: float) -> None:
    """Polling ends exactly at the deadline, with one last poll."""
    session, transport = scripted()
    work = Work(transport, 1e9)
    assert drive(poll(session, work, Deadline(session, seconds))) is False
    assert transport.time == pytest.approx(seconds)
    assert work.looks == len(transport.sleeps)

    session, transport = scripted()
    work = Work(transport, seconds)
    assert drive(poll(session, work, Deadline(session, seconds))) is True


def test_a_deadline_knows_the_time() -> None:
    """A deadline knows the elapsed and the remaining time; without a limit, the remaining time is infinite."""
    session, transport = scripted()
    transport.time = 100.0
    deadline, never = Deadline(session, 5), Deadline(session, None)
    transport.time = 103.0
    assert (deadline.elapsed(), deadline.remaining()) == (3, 2)
    assert (never.elapsed(), never.remaining()) == (3, float("inf"))


def test_a_session_bound_to_a_deadline() -> None:
    """A session bound to a deadline knows the remaining time; the original session does not."""
    session, transport = scripted()
    bound = Deadline(session, 5).bound(session)
    transport.time = 3.0
    assert bound.remaining() == 2
    assert session.remaining() == float("inf")
    assert Deadline(session, None).bound(session) is session


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_deadline_must_be_positive(seconds: float) -> None:
    """A timeout that is not positive raises ValueError."""
    with pytest.raises(ValueError, match="positive number of seconds"):
        Deadline(scripted()[0], seconds)
