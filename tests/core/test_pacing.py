"""All that waits with one token keeps to its quota, in virtual time."""

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
from replicate._http.rate_limit import BURST, QUOTA, RATE, Pace
from replicate._http.retry import LONGEST_DELAY
from replicate._jobs.pauses import backoff
from replicate._jobs.polling import turn
from replicate.exceptions import RateLimitError
from replicate_api.types import Request

GET, POST = Request("GET", "/predictions/1"), Request("POST", "/predictions", json={})


def busiest_minute(times: list[float]) -> int:
    """Count the looks in that minute which has most of them."""
    times = sorted(times)
    first = most = 0
    for last, time in enumerate(times):
        while times[first] <= time - 60:
            first += 1
        most = max(most, last - first + 1)
    return most


@given(st.integers(1, 400), st.floats(0, 3), st.floats(0, 100))
def test_tasks_never_take_more_than_the_quota(tasks: int, wish: float, rest: float) -> None:
    """However many tasks look as often as they wish, after whatever rest, no minute has more than the quota."""
    pace = Pace()
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
    """Who looks ten times a second, or less often, never waits for a slot."""
    pace, now = Pace(), 0.0
    for each in pauses:
        assert pace.reserve(now) == 0
        now += each


def test_a_rest_is_not_saved_up() -> None:
    """After an hour of rest, as many looks as after a second go out at once, and then one after the other."""
    pace = Pace()
    pace.reserve(0)
    at_once = [pace.reserve(3600) for _ in range(200)].count(0)
    assert at_once == pytest.approx(RATE * BURST, abs=1)
    assert pace.reserve(3600) == pytest.approx((200 - RATE * BURST) / RATE, abs=0.1)


def test_few_are_spread_over_the_time_until_there_are_more() -> None:
    """When the API says how few requests are left, they are spread until the quota is whole again."""
    pace = Pace()
    pace.learn({"ratelimit-remaining": "10", "ratelimit-reset": "20"}, now=100)
    assert [pace.reserve(100) for _ in range(4)] == pytest.approx([0, 2, 4, 6])
    pace.learn({"ratelimit-remaining": "2999", "ratelimit-reset": "60"}, now=121)
    assert [pace.reserve(121) for _ in range(3)] == [0, 0, 0]


def test_none_left_means_a_pause() -> None:
    """Without a request left, nobody looks before the quota is whole again, and then not all at once."""
    pace = Pace()
    pace.learn({"ratelimit-remaining": "0", "ratelimit-reset": "20"}, now=100)
    assert pace.paused(119)
    assert not pace.paused(120)
    assert [pace.reserve(100) for _ in range(3)] == pytest.approx([20, 20 + 1 / RATE, 20 + 2 / RATE])


@pytest.mark.parametrize("reset", ["1763700000", "-1", "0", "soon", ""])
def test_what_cannot_be_is_not_believed(reset: str) -> None:
    """A reset that is no number of seconds, such as a date, changes nothing."""
    pace = Pace()
    pace.learn({"ratelimit-remaining": "0", "ratelimit-reset": reset}, now=0)
    pace.learn({}, now=0)
    assert pace.reserve(0) == 0


def test_a_pause_has_a_bound() -> None:
    """Nobody waits for more than two minutes because of one answer."""
    pace = Pace()
    pace.pause(1e9, now=0)
    assert pace.reserve(0) == 120


def test_a_fork_frees_the_lock() -> None:
    """In a child process no thread of the parent can hold what looks wait for."""
    pace = Pace()
    pace._lock.acquire()
    forget_inherited()
    assert pace.reserve(0) == 0


@given(st.integers(1, 300), st.lists(st.booleans(), min_size=300, max_size=300), st.floats(0, 5))
def test_slots_that_are_given_back_are_used(tasks: int, gives: list[bool], rest: float) -> None:
    """Whatever part of a crowd goes away, those who come later get their slots first, and no minute has too many."""
    pace, now = Pace(), 100.0
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


def test_slots_of_a_richer_time_are_not_all_used() -> None:
    """Where few requests are left, slots that were given back are as far apart as others."""
    pace = Pace()
    slots = [100 + pace.reserve(100) for _ in range(400)]
    pace.learn({"ratelimit-remaining": "10", "ratelimit-reset": "20"}, now=100)
    for slot in slots:
        pace.give_back(slot)
    assert sum(pace.reserve(100) < 20 for _ in range(20)) <= 11


def test_a_slot_that_comes_too_late_is_not_taken() -> None:
    """Who cannot wait so long is told how long it would be, and takes nothing."""
    pace = Pace()
    pace.pause(5, now=0)
    assert [pace.reserve(0, most=2) for _ in range(9)] == [5] * 9
    assert pace.reserve(0, most=6) == 5
    assert pace.reserve(0) == pytest.approx(5 + 1 / RATE)


# ---- sessions


def answered(status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={}, headers={name.replace("_", "-"): text for name, text in headers.items()})


def test_a_session_learns_from_answers() -> None:
    """What is left of the quota is read from answers to GETs; creates have one of their own, and others none."""
    few = {"ratelimit_remaining": "0", "ratelimit_reset": "7"}
    session, _ = scripted(lambda _: answered(**few))
    drive(session.send(POST))
    drive(session.send(Request("GET", "https://files.test/a")))
    assert session.pace.reserve(0) == 0
    drive(session.send(GET))
    assert session.pace.reserve(0) == 7


def test_a_refused_look_makes_all_wait() -> None:
    """A 429 for a GET pauses the looks of all; one for a create does not."""
    session, _ = scripted(lambda _: answered(429, retry_after="9"), max_retries=0)
    for request, wait in ((POST, 0), (GET, 9)):
        with pytest.raises(RateLimitError):
            drive(session.send(request))
        assert session.pace.reserve(0) == wait


@pytest.mark.parametrize("blocking", [True, False])
def test_a_turn_comes_or_the_deadline(*, blocking: bool) -> None:
    """Who waits for a slot sleeps until it is there, or until the deadline and then does not look."""
    session, transport = scripted(blocking=blocking)
    session.pace.pause(5, now=0)

    async def work() -> None:
        assert not await turn(session, Deadline(session, 2))
        assert transport.time == 2
        assert await turn(session, Deadline(session, 60))
        assert transport.time == pytest.approx(5, abs=0.1)

    drive(work()) if blocking else asyncio.run(work())


@pytest.mark.parametrize("blocking", [True, False])
def test_who_does_not_look_leaves_the_slot_to_others(*, blocking: bool) -> None:
    """A wait that is interrupted gives its slot back, and one that ends before its slot takes none."""
    session, transport = scripted(blocking=blocking)
    session.pace.pause(5, now=0)
    sleep = transport.sleep

    async def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    async def work() -> None:
        for _ in range(100):
            with pytest.raises(KeyboardInterrupt):
                await turn(session, Deadline(session, 60))
        vars(transport)["sleep"] = sleep
        for _ in range(100):
            assert not await turn(session, Deadline(session, 0.01))
        assert await turn(session, Deadline(session, 60))
        assert transport.time == pytest.approx(5)

    vars(transport)["sleep"] = interrupted
    drive(work()) if blocking else asyncio.run(work())


def test_a_pause_holds_for_those_who_wait_already() -> None:
    """Who had a slot, when the API said to stop, takes another one."""
    session, transport = scripted()
    session.pace.pause(5, now=0)
    sleep = transport.sleep

    async def told_meanwhile(seconds: float) -> None:
        if not transport.sleeps:
            session.pace.pause(30, now=0)
        await sleep(seconds)

    vars(transport)["sleep"] = told_meanwhile
    assert drive(turn(session, Deadline(session, None)))
    assert transport.time == pytest.approx(30, abs=0.1)


def test_who_shares_a_pace() -> None:
    """Clients of one token share one, those of the other colour among them; another token has its own."""
    client = Replicate(bearer_token="one")
    pace: Any = client._session.pace
    assert client.with_options(timeout=5)._session.pace is pace
    assert client.predictions._session.pace is pace
    assert client.use("a/b", use_async=True)._invocation.session.pace is pace
    assert client.with_options(bearer_token="two")._session.pace is not pace


@given(st.integers(1, 1000))
def test_the_backoff_grows(failures: int) -> None:
    """The pause after failures doubles from half a second to eight, less a random part of up to a half."""
    longest = min(LONGEST_DELAY, 0.5 * 2 ** (min(failures, 10) - 1))
    assert longest / 2 <= backoff(failures) <= longest
