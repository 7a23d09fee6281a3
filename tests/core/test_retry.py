"""When a request is sent again, and after how long."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sessions import scripted

from replicate._dual.drive import drive
from replicate._http import retry
from replicate._http.retry import Failure, delay, read_retry_after, refusal
from replicate.exceptions import InternalServerError
from replicate_api.types import Request

NOW = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "repeatable", "again"),
    [
        *((status, True, True) for status in (408, 429, 500, 502, 503, 504, 520, 599)),
        *((status, True, False) for status in (301, 400, 401, 402, 403, 404, 409, 410, 413, 422)),
        (429, False, True),
        *((status, False, False) for status in (400, 408, 500, 502, 503, 504, 520, 599)),
    ],
)
def test_which_statuses_are_retried(status: int, *, repeatable: bool, again: bool) -> None:
    """Repeatable requests are retried on transient statuses, others only after 429: then nothing was done."""
    failure = refusal(status, repeatable=repeatable, told=None)
    assert (delay(0, failure, max_retries=1, jitter=0.5) is not None) == again


@pytest.mark.parametrize(
    ("failure", "again"),
    [
        (Failure(repeatable=True, refused=False, transient=True), True),
        (Failure(repeatable=False, refused=True, transient=True), True),
        (Failure(repeatable=True, refused=True, transient=True), True),
        (Failure(repeatable=False, refused=False, transient=True), False),
        (Failure(repeatable=True, refused=True, transient=False), False),
    ],
)
def test_a_request_is_retried_only_if_that_is_safe(failure: Failure, *, again: bool) -> None:
    """A request is retried if it is repeatable or certainly refused, and the failure is transient."""
    assert (delay(0, failure, max_retries=1, jitter=0.5) is not None) == again


FAILURE = Failure(repeatable=True, refused=False, transient=True)


def test_delays_double_up_to_a_limit() -> None:
    """The longest delay doubles from half a second to eight; the actual one is anywhere between 0 and it."""
    longest = [delay(retries, FAILURE, max_retries=10_000, jitter=1) for retries in range(7)]
    assert longest == [0.5, 1, 2, 4, 8, 8, 8]
    assert delay(9_999, FAILURE, max_retries=10_000, jitter=1) == 8
    assert delay(3, FAILURE, max_retries=10, jitter=0) == 0


@pytest.mark.parametrize("max_retries", [0, 1, 5])
def test_retries_are_counted(max_retries: int) -> None:
    """There are never more retries than allowed."""
    assert delay(max_retries, FAILURE, max_retries=max_retries, jitter=0.5) is None
    assert all(delay(made, FAILURE, max_retries=max_retries, jitter=0.5) is not None for made in range(max_retries))


def test_the_servers_wait_is_respected() -> None:
    """The delay is the server's wait and a little more; if the wait is too long, there is no retry."""
    assert delay(0, FAILURE._replace(told=7), max_retries=1, jitter=0) == 7
    assert delay(0, FAILURE._replace(told=7), max_retries=1, jitter=1) == 7.5
    assert delay(0, FAILURE._replace(told=retry.LONGEST_TOLD), max_retries=1, jitter=0) == retry.LONGEST_TOLD
    assert delay(0, FAILURE._replace(told=retry.LONGEST_TOLD + 1), max_retries=1, jitter=0) is None


REFUSED = Failure(repeatable=False, refused=True, transient=True, told=3)


@given(st.integers(0, 50), st.integers(1, 5), st.floats(0, 1), st.floats(0.1, 500))
def test_a_refusal_is_retried_until_the_deadline(made: int, most: int, jitter: float, remaining: float) -> None:
    """With a deadline, a refused request is retried, never before the time that the server gave, until the deadline."""
    pause = delay(made, REFUSED, max_retries=most, jitter=jitter, remaining=remaining)
    assert pause is not None
    assert pause >= 3
    assert (pause < remaining) == (remaining > 3)


def test_which_refusals_count_as_attempts() -> None:
    """A refusal counts if there is no deadline, no time given, or no retry allowed; otherwise it does not."""
    assert delay(2, REFUSED, max_retries=2, jitter=0.5) is None
    assert delay(2, REFUSED._replace(told=None), max_retries=2, jitter=0.5, remaining=60) is None
    assert delay(0, REFUSED, max_retries=0, jitter=0.5, remaining=60) is None
    assert delay(2, FAILURE._replace(told=3), max_retries=2, jitter=0.5, remaining=60) is None
    assert delay(9, FAILURE, max_retries=2, jitter=0.5, remaining=60, refusals=8) is not None
    assert delay(9, FAILURE, max_retries=2, jitter=0.5, remaining=60, refusals=7) is None


@pytest.mark.parametrize(
    ("header", "problem", "seconds"),
    [
        ("3", {}, 3),
        ("0", {}, 0),
        ("1.5", {}, 1.5),
        (" 2 ", {}, 2),
        ("Wed, 01 Jan 2025 00:00:30 GMT", {}, 30),
        ("Wed, 01 Jan 2025 01:00:30 +0100", {}, 30),
        ("Wed, 01 Jan 2025 00:00:30 -0000", {}, 30),
        ("Tue, 31 Dec 2024 00:00:00 GMT", {}, 0),
        ("4", {"retry_after": 9}, 4),
        (None, {"retry_after": 9}, 9),
        (None, {"retry_after": "9.5"}, 9.5),
        (None, {"detail": "Request was throttled. Your rate limit resets in ~5s."}, 5),
        (None, {"detail": "… resets in 2.5 s"}, 2.5),
        ("soon", {"retry_after": 9}, 9),
        ("-1", {"retry_after": -1, "detail": "resets in ~8s"}, 8),
        ("nan", {"retry_after": "inf"}, None),
        ("inf", {"retry_after": None}, None),
        ("1e300", {}, 1e300),
        (None, {"retry_after": [], "detail": {"a": 1}}, None),
        (None, {"retry_after": True}, None),
        ("Wed, 01 Jan 99999999999999999999 00:00:00 GMT", {}, None),
        ("", {}, None),
        (None, {}, None),
    ],
)
def test_the_wait_that_the_server_asks_for(header: str | None, problem: dict[str, Any], seconds: float | None) -> None:
    """It is read from Retry-After, in seconds or as a date, or from the body; invalid values are ignored."""
    headers = httpx.Headers({} if header is None else {"Retry-After": header})
    assert read_retry_after(headers, problem, NOW) == seconds


DATES = st.from_regex(r"\A(\w{3}, )?[0-9]{1,25} (Jan|Foo) [0-9]{1,25} [0-9:]{1,25} ?([+-][0-9]{1,25}|GMT)?\Z")


@given(
    st.text() | DATES, st.dictionaries(st.sampled_from(["retry_after", "detail"]), st.text() | st.floats() | st.none())
)
def test_no_response_makes_the_wait_raise(header: str, problem: dict[str, Any]) -> None:
    """Whatever the server sends, the wait is a non-negative number of seconds, or None."""
    seconds = read_retry_after({"retry-after": header}, problem)
    assert seconds is None or 0 <= seconds < float("inf")


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "UTC"])
def test_a_date_without_a_zone_is_gmt(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A date without a zone is GMT, whatever the local time zone is."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        waits = [
            read_retry_after({"retry-after": date}, {}, NOW)
            for date in ("Wed, 01 Jan 2025 00:00:30", "Wed Jan  1 00:00:30 2025")
        ]
    time.tzset()
    assert waits == [30, 30]


@pytest.mark.parametrize(("method", "sent"), [("PUT", 2), ("DELETE", 2), ("POST", 1), ("PATCH", 1)])
def test_which_methods_are_retried(method: str, sent: int) -> None:
    """PUT and DELETE are retried, since repeating them has no further effect; POST and PATCH are not."""
    session, transport = scripted(503, 200)
    with contextlib.suppress(InternalServerError):
        drive(session.send(Request(method, "/models", json={})))
    assert len(transport.requests) == sent
