"""How timeouts are combined and checked."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.sessions import scripted

from replicate import Replicate
from replicate._http.options import read_timeout, with_read_timeout, within

INFINITE = float("inf")


@pytest.mark.parametrize(
    ("timeout", "seconds"), [(None, None), (3, 3), (httpx.Timeout(1, read=9), 9), (httpx.Timeout(None), None)]
)
def test_the_longest_wait_for_the_server(timeout: Any, seconds: float | None) -> None:
    """It is the read timeout, in whatever form the timeout was given."""
    assert read_timeout(timeout) == seconds


@pytest.mark.parametrize(
    ("timeout", "seconds", "read"),
    [(5, 70, 70), (100, 70, 100), (None, 70, None), (httpx.Timeout(1, connect=2), 70, 70)],
)
def test_a_longer_read_timeout(timeout: Any, seconds: float, read: float | None) -> None:
    """The read timeout is raised if it is too short; the others stay."""
    made = with_read_timeout(timeout, seconds)
    assert made.read == read
    assert (made.connect, made.write, made.pool) == (
        httpx.Timeout(timeout).connect,
        httpx.Timeout(timeout).write,
        httpx.Timeout(timeout).pool,
    )


def test_a_timeout_within_the_time_left() -> None:
    """No part of a timeout exceeds the time that is left; without a limit the timeout stays as it is."""
    assert within(60, 5) == httpx.Timeout(5)
    assert within(None, 5) == httpx.Timeout(5)
    assert within(httpx.Timeout(60, connect=1), 5) == httpx.Timeout(5, connect=1)
    assert within(60, INFINITE) == 60
    assert within(None, INFINITE) is None


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"timeout": "5"}, TypeError),
        ({"timeout": True}, TypeError),
        ({"timeout": 0}, ValueError),
        ({"timeout": -1}, ValueError),
        ({"timeout": INFINITE}, ValueError),
        ({"timeout": float("nan")}, ValueError),
        ({"max_retries": None}, TypeError),
        ({"max_retries": "2"}, TypeError),
        ({"max_retries": True}, TypeError),
        ({"max_retries": 1.5}, TypeError),
        ({"max_retries": -1}, ValueError),
        ({"extra_headers": {"Authorization": "Bearer r8_secret\n"}}, ValueError),
        ({"extra_headers": {"X-A": "r8_secret\0"}}, ValueError),
    ],
)
def test_invalid_options_are_refused(options: Any, kind: type[Exception]) -> None:
    """Options of a request and of a client are checked when they are given; header values are not shown."""
    with pytest.raises(kind, match=r"timeout|max_retries|header") as caught:
        scripted()[0].given(options)
    assert "secret" not in str(caught.value)
    with pytest.raises(kind, match=r"timeout|max_retries|header"):
        Replicate(bearer_token="t", **{name.replace("extra", "default"): each for name, each in options.items()})


@pytest.mark.parametrize("timeout", [1, 0.5, None, httpx.Timeout(None)])
def test_valid_options_are_accepted(timeout: Any) -> None:
    """Numbers, None and httpx timeouts are accepted; a header value may contain a tab."""
    given = scripted()[0].given({"timeout": timeout, "max_retries": 0, "extra_headers": {"X-A": "a\tb"}})
    assert given.config.timeout == timeout
