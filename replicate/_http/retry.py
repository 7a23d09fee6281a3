"""Whether a request is retried, and after how long. Pure decisions: nothing here waits or sends."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from replicate._times import http_date

if TYPE_CHECKING:
    from collections.abc import Mapping

REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "QUERY"})
"""Idempotent methods (RFC 9110, section 9.2.2)."""

RETRIED = frozenset({408, 429})
FIRST_DELAY, LONGEST_DELAY = 0.5, 8.0
LONGEST_TOLD = 120.0
"""Maximum seconds to wait at a server's request. If it asks for more, an error that says so is better."""
RESETS = re.compile(r"resets in ~?([0-9]+(?:\.[0-9]+)?)\s*s")
"""The part of a 429's detail that says when to retry."""


class Failure(NamedTuple):
    """How an attempt failed."""

    repeatable: bool
    """Repeating the request does no harm even if this attempt succeeded."""
    refused: bool
    """The server certainly did nothing: it was not reached, or responded with 429."""
    transient: bool
    """A retry may succeed."""
    told: float | None = None
    """Seconds that the server asks to wait."""

    def waited_out(self, max_retries: int, remaining: float) -> bool:
        """Return whether the retry is not counted: nothing was done, the server said when, and a deadline ends it."""
        return max_retries > 0 and self.refused and self.told is not None and remaining < float("inf")


def delay(
    retries: int,
    failure: Failure,
    *,
    max_retries: int,
    jitter: float,
    remaining: float = float("inf"),
    refusals: int = 0,
) -> float | None:
    """Return the seconds to wait before the next retry, or None for no retry.

    `retries` is the number of retries so far, and `refusals` the number of those that waited out a refusal and do not
    count toward `max_retries`. `jitter` is a random number from 0 to 1, which spreads the retries of many clients over
    the whole interval. `remaining` is the seconds until the deadline.
    """
    if not failure.transient or not (failure.repeatable or failure.refused):
        return None
    if retries - refusals >= max_retries and not failure.waited_out(max_retries, remaining):
        return None
    spread = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(retries, 10))
    if failure.told is None:
        return jitter * spread
    # Many clients are given the same time. With each retry, they spread over a longer interval after it.
    in_time = max(0.0, remaining - failure.told) / 2
    return failure.told + jitter * min(spread, in_time) if failure.told <= LONGEST_TOLD else None


def refusal(status: int, *, repeatable: bool, told: float | None) -> Failure:
    """Describe a response with an error status."""
    return Failure(repeatable, refused=status == 429, transient=status in RETRIED or status >= 500, told=told)


def read_retry_after(
    headers: Mapping[str, str], problem: Mapping[str, Any], now: datetime | None = None
) -> float | None:
    """Return the seconds that the server asks to wait, from Retry-After (seconds or a date) or from the body."""
    header = headers.get("retry-after", "")
    if (seconds := number(header)) is not None:
        return seconds
    if (moment := http_date(header)) is not None:
        return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
    if (seconds := number(problem.get("retry_after"))) is not None:
        return seconds
    detail = problem.get("detail")
    resets = RESETS.search(detail) if isinstance(detail, str) else None
    return number(resets[1]) if resets else None


def number(value: object) -> float | None:
    """Return a value as a finite, non-negative number, or None."""
    if not isinstance(value, (str, int, float)):
        return None
    text = str(value)
    try:
        seconds = float(text) if text.isascii() and "_" not in text else -1.0
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
