"""The log's line of each attempt to send a request, at level debug."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import Clock, connect, got, scripted
from support.faults import Faults, answer

import replicate

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "r8_0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Give the lines so far, with the times as zeros."""
    caplog.set_level(logging.DEBUG, "replicate")
    ours = lambda: [each.getMessage() for each in caplog.records if each.name == "replicate"]  # noqa: E731
    return lambda: [re.sub(r"\d+ ms", "0 ms", re.sub(r"in \d+\.\d+ s", "in 0.00 s", line)) for line in ours()]


async def test_each_attempt_has_a_line(colour: str, lines: Any) -> None:
    """Method, path, status, time, number and request id; and of an error what it is, and when it is sent again."""
    told = {"X-Request-Id": "abc"}
    answers: list[Any] = [
        httpx.Response(503, json={}, headers=told),
        httpx.ConnectError("no"),
        httpx.Response(200, json={}, headers=told),
        httpx.Response(404, json={}),
    ]

    def reply(request: httpx.Request) -> httpx.Response:
        now = answers.pop(0)
        if isinstance(now, Exception):
            raise now
        assert isinstance(now, httpx.Response)
        return now

    client = scripted(colour, reply)
    Clock(client)
    await got(client.get("/account"))
    with pytest.raises(replicate.NotFoundError):
        await got(client.get("/account"))
    assert lines() == [
        "GET /v1/account -> 503 in 0 ms (attempt 1, request id abc); InternalServerError, sent again in 0.00 s",
        "GET /v1/account -> no answer in 0 ms (attempt 2); ConnectError, sent again in 0.00 s",
        "GET /v1/account -> 200 in 0 ms (attempt 3, request id abc)",
        "GET /v1/account -> 404 in 0 ms (attempt 1); NotFoundError, not sent again",
    ]


async def test_redirects_have_lines_too(colour: str, lines: Any) -> None:
    """What redirects is an answer like any other."""
    place = {"Location": "https://api.replicate.com/v1/b"}
    client = scripted(
        colour, lambda asked: httpx.Response(302, headers=place) if asked.url.path == "/v1/a" else httpx.Response(200)
    )
    await got(client.get("/a"))
    assert lines() == ["GET /v1/a -> 302 in 0 ms (attempt 1)", "GET /v1/b -> 200 in 0 ms (attempt 1)"]


async def test_over_sockets(colour: str, lines: Any) -> None:
    """The time is that of the attempt, the content included."""
    with Faults(b"", answer()) as server:
        client = connect(colour, base_url=server.base_url)
        await got(client.get("/account"))
        await got(client.close())
    assert lines() == [
        "GET /v1/account -> no answer in 0 ms (attempt 1); RemoteProtocolError, sent again in 0.00 s",
        "GET /v1/account -> 200 in 0 ms (attempt 2)",
    ]


async def test_no_secret_and_no_control_character_is_logged(colour: str, lines: Any) -> None:
    """Neither the token, which the server repeats, nor a query; what would steer a terminal is shown as what it is."""

    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"X-Request-Id": f"{request.headers['Authorization']} \x1b[31m"})

    client = scripted(colour, echo, bearer_token=TOKEN)
    await got(client.get("/a%0Ab%1B[31m?signature=secret"))
    [line] = lines()
    assert line.startswith("GET /v1/a%0Ab%1B")
    assert line.endswith("-> 200 in 0 ms (attempt 1, request id Bearer [token] \\x1b[31m)")
    assert "secret" not in line
    assert TOKEN not in line
