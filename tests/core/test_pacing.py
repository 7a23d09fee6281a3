"""All requests with one token keep to its quota, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sessions import scripted

from replicate import Replicate
from replicate._dual.drive import drive
from replicate._http.connections.process import forget_inherited
from replicate._http.deadline import Deadline
from replicate._http.rate_limit import BURST, QUOTA, RATE, RateLimiter
from replicate._http.retry import LONGEST_DELAY
from replicate._jobs.pauses import backoff
from replicate._jobs.polling import acquire
from replicate.exceptions import RateLimitError
from replicate_api.types import Request

GET, POST = Request("GET", "/predictions/1"), Request("POST", "/predictions", json={})


def busiest_minute(times: list[float]) -> int:
    """Return the number of requests in the busiest minute."""
    times = sorted(times)
    first = most = 0
    for last, time in enumerate(times):
        while times[first] <= time - 60:
            first += 1
        most = max(most, last - first + 1)
    return most


@given(st.integers(1, 400), st.floats(0, 3), st.floats(0, 100))
def test_tasks_never_take_more_than_the_quota(tasks: int, wish: float, rest: float) -> None:
    """However many tasks poll, however often and after whatever rest, no minute has more requests than the quota."""
    pace = RateLimiter()
    looks: list[float] = []
    due = [rest] * tasks
    while len(looks) < 4000:
        now = min(due)
        task = due.index(now)
        slot = now + pace.reserve(now)
        looks.append(slot)
        due[task] = slot + max(wish, 0.001)
    assert busiest_minute(looks) <= QUOTA
    assert looks == sorted(looks), "first come, first served"


@given(st.lists(st.floats(0.1, 10), max_size=200))
def test_one_task_is_not_slowed(pauses: list[float]) -> None:
    """A task that polls ten times a second, or less often, never waits for a slot."""
    pace, now = RateLimiter(), 0.0
    for each in pauses:
        assert pace.reserve(now) == 0
        now += each


def test_unused_quota_does_not_accumulate() -> None:
    """After an hour of rest, no more requests go out at once than after a second; the others follow one by one."""
    pace = RateLimiter()
    pace.reserve(0)
    at_once = [pace.reserve(3600) for _ in range(200)].count(0)
    assert at_once == pytest.approx(RATE * BURST, abs=1)
    assert pace.reserve(3600) == pytest.approx((200 - RATE * BURST) / RATE, abs=0.1)


def test_few_remaining_requests_are_spread() -> None:
    """When the API says that few requests are left, they are spread until the quota is reset."""
    pace = RateLimiter()
    pace.learn({"ratelimit-remaining": "10", "ratelimit-reset": "20"}, now=100)
    assert [pace.reserve(100) for _ in range(4)] == pytest.approx([0, 2, 4, 6])
    pace.learn({"ratelimit-remaining": "2999", "ratelimit-reset": "60"}, now=121)
    assert [pace.reserve(121) for _ in range(3)] == [0, 0, 0]


def test_no_remaining_requests_cause_a_pause() -> None:
    """If no request is left, nobody polls before the quota is reset, and then not all at once."""
    pace = RateLimiter()
    pace.learn({"ratelimit-remaining": "0", "ratelimit-reset": "20"}, now=100)
    assert pace.paused(119)
    assert not pace.paused(120)
    assert [pace.reserve(100) for _ in range(3)] == pytest.approx([20, 20 + 1 / RATE, 20 + 2 / RATE])


@pytest.mark.parametrize("reset", ["1763700000", "-1", "0", "soon", ""])
def test_an_invalid_reset_is_ignored(reset: str) -> None:
    """A reset that is not a plausible number of seconds, such as a date, changes nothing."""
    pace = RateLimiter()
    pace.learn({"ratelimit-remaining": "0", "ratelimit-reset": reset}, now=0)
    pace.learn({}, now=0)
    assert pace.reserve(0) == 0


def test_a_pause_has_a_bound() -> None:
    """One response never makes a task wait for more than two minutes."""
    pace = RateLimiter()
    pace.pause(1e9, now=0)
    assert pace.reserve(0) == 120


def test_a_fork_frees_the_lock() -> None:
    """A child process can take slots even if a thread of the parent held the lock at the fork."""
    pace = RateLimiter()
    pace._lock.acquire()
    forget_inherited()
    assert pace.reserve(0) == 0


@given(st.integers(1, 300), st.lists(st.booleans(), min_size=300, max_size=300), st.floats(0, 5))
def test_returned_slots_are_used(tasks: int, gives: list[bool], rest: float) -> None:
    """Later tasks get the returned slots first, and no minute exceeds the quota."""
    pace, now = RateLimiter(), 100.0
    slots = [now + pace.reserve(now) for _ in range(tasks)]
    waiting, gone = [], []
    for slot, goes in zip(slots, gives, strict=False):
        (gone if goes and slot > now else waiting).append(slot)
    for slot in gone:
        pace.give_back(slot)
    usable = [slot for slot in gone if slot >= now + rest - BURST]
    later = [now + rest + pace.reserve(now + rest) for _ in range(3000)]
    assert later[: len(usable)] == pytest.approx([max(slot, now + rest) for slot in usable])
    assert busiest_minute(waiting + later) <= QUOTA


def test_returned_slots_are_spread_when_few_requests_are_left() -> None:
    """If few requests are left, returned slots are as far apart as others."""
    pace = RateLimiter()
    slots = [100 + pace.reserve(100) for _ in range(400)]
    pace.learn({"ratelimit-remaining": "10", "ratelimit-reset": "20"}, now=100)
    for slot in slots:
        pace.give_back(slot)
    assert sum(pace.reserve(100) < 20 for _ in range(20)) <= 11


def test_a_slot_that_is_too_late_is_not_taken() -> None:
    """A task that cannot wait that long is told the wait, and takes no slot."""
    pace = RateLimiter()
    pace.pause(5, now=0)
    assert [pace.reserve(0, most=2) for _ in range(9)] == [5] * 9
    assert pace.reserve(0, most=6) == 5
    assert pace.reserve(0) == pytest.approx(5 + 1 / RATE)


# ---- sessions


def answered(status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={}, headers={name.replace("_", "-"): text for name, text in headers.items()})


def test_a_session_reads_the_quota_from_responses() -> None:
    """The remaining quota is read from responses to GETs of the API, not from those to creates or of other hosts."""
    few = {"ratelimit_remaining": "0", "ratelimit_reset": "7"}
    session, _ = scripted(lambda _: answered(**few))
    drive(session.send(POST))
    drive(session.send(Request("GET", "https://files.test/a")))
    assert session.pace.reserve(0) == 0
    drive(session.send(GET))
    assert session.pace.reserve(0) == 7


def test_a_rejected_poll_pauses_all() -> None:
    """A 429 for a GET pauses all polling with the token; a 429 for a create does not."""
    session, _ = scripted(lambda _: answered(429, retry_after="9"), max_retries=0)
    for request, wait in ((POST, 0), (GET, 9)):
        with pytest.raises(RateLimitError):
            drive(session.send(request))
        assert session.pace.reserve(0) == wait


@pytest.mark.parametrize("blocking", [True, False])
def test_a_wait_ends_at_the_slot_or_the_deadline(*, blocking: bool) -> None:
    """A task sleeps until its slot, or until its deadline, and then does not poll."""
    session, transport = scripted(blocking=blocking)
    session.pace.pause(5, now=0)

    async def work() -> None:
        assert not await acquire(session, Deadline(session, 2))
        assert transport.time == 2
        assert await acquire(session, Deadline(session, 60))
        assert transport.time == pytest.approx(5, abs=0.1)

    drive(work()) if blocking else asyncio.run(work())


@pytest.mark.parametrize("blocking", [True, False])
def test_an_unused_slot_goes_to_others(*, blocking: bool) -> None:
    """An interrupted wait returns its slot; a wait whose deadline is before its slot takes none."""
    session, transport = scripted(blocking=blocking)
    session.pace.pause(5, now=0)
    sleep = transport.sleep

    async def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    async def work() -> None:
        for _ in range(100):
            with pytest.raises(KeyboardInterrupt):
                await acquire(session, Deadline(session, 60))
        vars(transport)["sleep"] = sleep
        for _ in range(100):
            assert not await acquire(session, Deadline(session, 0.01))
        assert await acquire(session, Deadline(session, 60))
        assert transport.time == pytest.approx(5)

    vars(transport)["sleep"] = interrupted
    drive(work()) if blocking else asyncio.run(work())


def test_a_pause_applies_to_waiting_tasks() -> None:
    """A task that has a slot already takes another one when the API asks for a pause."""
    session, transport = scripted()
    session.pace.pause(5, now=0)
    sleep = transport.sleep

    async def told_meanwhile(seconds: float) -> None:
        if not transport.sleeps:
            session.pace.pause(30, now=0)
        await sleep(seconds)

    vars(transport)["sleep"] = told_meanwhile
    assert drive(acquire(session, Deadline(session, None)))
    assert transport.time == pytest.approx(30, abs=0.1)


def test_who_shares_a_rate_limiter() -> None:
    """Clients with one token share a rate limiter, also across colours; another token has its own."""
    client = Replicate(bearer_token="one")
    pace: Any = client._session.pace
    assert client.with_options(timeout=5)._session.pace is pace
    assert client.predictions._session.pace is pace
    assert client.use("a/b", use_async=True)._invocation.session.pace is pace
    assert client.with_options(bearer_token="two")._session.pace is not pace


@given(st.integers(1, 1000))
def test_the_backoff_grows(failures: int) -> None:
    """The pause after failures doubles from half a second to eight, minus a random part of up to half."""
    longest = min(LONGEST_DELAY, 0.5 * 2 ** (min(failures, 10) - 1))
    assert longest / 2 <= backoff(failures) <= longest
