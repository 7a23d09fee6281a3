"""Timeouts, put together."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from replicate._core.options import read_timeout, with_read_timeout, within

INFINITE = float("inf")


@pytest.mark.parametrize(
    ("timeout", "seconds"), [(None, None), (3, 3), (httpx.Timeout(1, read=9), 9), (httpx.Timeout(None), None)]
)
def test_how_long_the_server_may_keep_us_waiting(timeout: Any, seconds: float | None) -> None:
    """It is the read timeout, however the timeout was given."""
    assert read_timeout(timeout) == seconds


@pytest.mark.parametrize(
    ("timeout", "seconds", "read"),
    [(5, 70, 70), (100, 70, 100), (None, 70, None), (httpx.Timeout(1, connect=2), 70, 70)],
)
def test_more_time_for_an_answer(timeout: Any, seconds: float, read: float | None) -> None:
    """The read timeout is raised where it is too short; the others stay."""
    made = with_read_timeout(timeout, seconds)
    assert made.read == read
    assert (made.connect, made.write, made.pool) == (
        httpx.Timeout(timeout).connect,
        httpx.Timeout(timeout).write,
        httpx.Timeout(timeout).pool,
    )


def test_no_more_time_than_is_left() -> None:
    """No part of a timeout is longer than the time that is left; without a limit it stays as it is."""
    assert within(60, 5) == httpx.Timeout(5)
    assert within(None, 5) == httpx.Timeout(5)
    assert within(httpx.Timeout(60, connect=1), 5) == httpx.Timeout(5, connect=1)
    assert within(60, INFINITE) == 60
    assert within(None, INFINITE) is None
