"""Clocks, and time that a test moves by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from replicate.local import Clock, ManualClock
from replicate.local.clock import stamp


def test_a_time_has_the_format_of_the_api() -> None:
    """A time is written as ISO 8601 in UTC, with microseconds and a Z."""
    moment = datetime(2025, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=1)))
    assert stamp(moment) == "2025-01-02T02:04:05.000006Z"


@pytest.mark.parametrize("clock", [Clock(), ManualClock()])
def test_a_timer_fires_once_unless_canceled(clock: Clock) -> None:
    """Timers of both clocks call back on the event loop, in order, and not if canceled."""
    rung: list[str] = []

    async def scenario() -> None:
        done = asyncio.Event()
        clock.after(0.02, done.set)
        clock.after(0.01, lambda: rung.append("first"))
        clock.after(0.015, lambda: rung.append("second"))
        clock.after(0.005, lambda: rung.append("never"))()
        if isinstance(clock, ManualClock):
            clock.advance(0.005)
            clock.advance(1)
        await asyncio.wait_for(done.wait(), 10)

    asyncio.run(scenario())
    assert rung == ["first", "second"]


def test_a_timer_of_a_closed_loop_does_not_fire() -> None:
    """Moving the time after the server has stopped is harmless."""
    clock = ManualClock()

    async def scenario() -> None:
        clock.after(1, lambda: None)

    asyncio.run(scenario())
    clock.advance(2)
    assert clock.now() == datetime(2025, 1, 1, 0, 0, 2, tzinfo=UTC)


def test_waiting_for_a_timer_times_out() -> None:
    """Waiting for a timer that is never set raises a TimeoutError that says so."""
    with pytest.raises(TimeoutError, match="0 of 1 timers"):
        ManualClock().wait_for_timers(1, timeout=0)
