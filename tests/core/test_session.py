"""Requests of a session: where they go, what they carry, and when they are sent again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sessions import API, TOKEN, Scripted, config, scripted, sent

from replicate._dual.drive import drive
from replicate._http.session import Session
from replicate.exceptions import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    InternalServerError,
    RateLimitError,
    ReplicateError,
)
from replicate_api.api.account import account_get
from replicate_api.types import Request

GET, POST = Request("GET", "/models"), Request("POST", "/predictions", json={"input": {}})


# ---- where requests go


@pytest.mark.parametrize("base_url", ["https://api.example.test/v1", "https://api.example.test/v1/"])
@pytest.mark.parametrize("path", ["/models", "models"])
def test_paths_are_below_the_base_url(base_url: str, path: str) -> None:
    """Slashes at the end of the base URL and at the start of the path make no difference."""
    session = Session(config(base_url), Scripted())
    assert str(sent(session, Request("GET", path)).url) == "https://api.example.test/v1/models"


def test_base_urls_of_other_shapes() -> None:
    """A base URL may have any path, or none."""
    assert str(Session(config("http://localhost:5000"), Scripted()).url("/a")) == "http://localhost:5000/a"
    assert str(Session(config("https://proxy.test/x/y/v1"), Scripted()).url("/a")) == "https://proxy.test/x/y/v1/a"


def test_queries_are_combined() -> None:
    """The query has the parameters of the path, the request and the client; the request's override the client's."""
    session, _ = scripted(query={"cursor": "client", "flag": True, "none": None})
    url = sent(session, Request("GET", "/models?a=1&b=%20", (("cursor", "request"), ("tag", "1"), ("tag", "2")))).url
    assert url.path == "/v1/models"
    assert url.params.multi_items() == [
        ("a", "1"),
        ("b", " "),
        ("cursor", "request"),
        ("tag", "1"),
        ("tag", "2"),
        ("flag", "true"),
    ]


def test_a_foreign_url_is_unchanged() -> None:
    """A signed URL of another host gets no parameters or headers of the client."""
    session, _ = scripted(query={"q": "1"}, headers={"X-Mine": "1"})
    outgoing = sent(session, Request("GET", "https://files.test/a%20b?sig=a%2Fb"))
    assert str(outgoing.url) == "https://files.test/a%20b?sig=a%2Fb"
    assert "X-Mine" not in outgoing.headers


@pytest.mark.parametrize("bad", ["https://a\0b/", "https://\ud800/", "https://" + "x" * 70_000])
def test_an_invalid_url_is_reported(bad: str) -> None:
    """An invalid URL, which may come from a server, raises ReplicateError."""
    with pytest.raises(ReplicateError, match="is no URL"):
        drive(scripted()[0].send(Request("GET", bad)))


# ---- the token


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("/account", True),
        ("https://api.example.test/v1/account", True),
        ("https://api.example.test:443/elsewhere", True),
        ("https://API.example.test/v1", True),
        ("http://api.example.test/v1/account", False),
        ("https://api.example.test:444/v1", False),
        ("https://api.example.test.evil.test/v1", False),
        ("https://evil.test/https://api.example.test/v1", False),
        ("https://api.example.test@evil.test/v1", False),
        ("https://sub.api.example.test/v1", False),
        ("//evil.test/v1", True),  # a path, so it is below the base URL
    ],
)
def test_the_token_goes_to_the_api_only(url: str, *, ours: bool) -> None:
    """The token is sent to the API's scheme, host and port only."""
    session, _ = scripted()
    outgoing = sent(session, Request("GET", url))
    assert outgoing.headers.get("Authorization") == (f"Bearer {TOKEN}" if ours else None)
    if ours:
        assert outgoing.url.host == "api.example.test"
    assert session.is_api(session.url(url)) == ours


@given(st.text() | st.text().map("https://".__add__) | st.text().map("data:".__add__))
def test_any_text_can_be_checked(text: str) -> None:
    """`is_api` accepts any text."""
    assert scripted()[0].is_api(text) in (True, False)


def test_a_token_in_the_headers_goes_to_the_api_only() -> None:
    """An Authorization header given to the client replaces its token, in any case, and goes to the API only."""
    session, _ = scripted(headers={"authorization": "Bearer mine"})
    assert sent(session, GET).headers.get_list("Authorization") == ["Bearer mine"]
    assert "Authorization" not in sent(session, Request("GET", "https://files.test/a")).headers


def test_a_request_without_a_token() -> None:
    """A request without a token is sent, and the error for the API's 401 says that none was sent."""
    session, transport = scripted(401, token=None)
    with pytest.raises(APIStatusError, match="No token was sent"):
        drive(session.send(GET))
    assert "Authorization" not in transport.requests[0].headers


# ---- retries


@pytest.mark.parametrize("blocking", [True, False], ids=["blocking", "async"])
def test_a_get_is_retried(*, blocking: bool) -> None:
    """A GET is retried after 5xx, a broken connection and a timeout, with pauses, in both colours."""
    answers = [503, httpx.ReadError("reset"), httpx.ReadTimeout("late"), 200]
    session, transport = scripted(*answers, blocking=blocking, max_retries=3)
    response = drive(session.send(GET)) if blocking else asyncio.run(session.send(GET))
    assert response.status_code == 200
    assert len(transport.requests) == 4
    assert len(transport.sleeps) == 3
    assert all(0 <= pause <= longest for pause, longest in zip(transport.sleeps, (0.5, 1, 2), strict=True))


@pytest.mark.parametrize(
    "answer",
    [
        500,
        502,
        503,
        408,
        520,
        httpx.ReadError("reset"),
        httpx.ReadTimeout("late"),
        httpx.WriteError("reset"),
        httpx.RemoteProtocolError("closed"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_request_that_may_have_taken_effect_is_not_retried(method: str, answer: Any) -> None:
    """A POST or PATCH that may have reached the API is sent once."""
    session, transport = scripted(answer, max_retries=5)
    with pytest.raises((APIConnectionError, APIStatusError)):
        drive(session.send(POST._replace(method=method)))
    assert len(transport.requests) == 1
    assert transport.sleeps == []


@pytest.mark.parametrize(
    "answer",
    [
        429,
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("late"),
        httpx.PoolTimeout("full"),
        httpx.ProxyError("503"),
    ],
    ids=repr,
)
def test_a_refused_post_is_retried(answer: Any) -> None:
    """A POST that has certainly not been accepted is sent again."""
    session, transport = scripted(answer, 201)
    assert drive(session.send(POST)).status_code == 201
    assert [json.loads(request.content) for request in transport.requests] == [{"input": {}}] * 2


@pytest.mark.parametrize(
    "cause",
    [httpx.UnsupportedProtocol("ftp"), httpx.LocalProtocolError("header"), httpx.TooManyRedirects("20")],
    ids=repr,
)
def test_permanent_errors_are_not_retried(cause: Exception) -> None:
    """Errors that retrying cannot fix are raised at once."""
    session, transport = scripted(cause)
    with pytest.raises(APIConnectionError):
        drive(session.send(GET))
    assert len(transport.requests) == 1


@pytest.mark.parametrize("max_retries", [0, 1, 4])
def test_max_retries_of_the_client_and_of_a_request(max_retries: int) -> None:
    """`max_retries` is how often a request is sent again; a request's value overrides the client's."""
    for session, transport in (scripted(503, max_retries=max_retries), scripted(503, max_retries=9)):
        with pytest.raises(InternalServerError):
            drive(session.given({"max_retries": max_retries}).send(GET))
        assert len(transport.requests) == max_retries + 1


def test_the_server_says_how_long_to_wait() -> None:
    """The pause after 429 is what the server asks for; the final error has it as `retry_after`."""
    throttled = httpx.Response(429, json={"detail": "resets in ~5s"})
    session, transport = scripted(httpx.Response(429, headers={"Retry-After": "3"}), throttled, max_retries=1)
    with pytest.raises(RateLimitError, match="resets in ~5s") as caught:
        drive(session.send(POST))
    assert 3 <= transport.sleeps[0] <= 3.5
    assert caught.value.retry_after == 5


def test_no_retry_after_the_deadline() -> None:
    """A request is not sent again after the deadline, and its timeout is at most the time left."""
    session, transport = scripted(httpx.Response(429, headers={"Retry-After": "30"}), deadline=20.0)
    with pytest.raises(RateLimitError):
        drive(session.send(GET))
    assert transport.sleeps == []
    timeout = transport.requests[0].extensions["timeout"]
    assert httpx.Timeout(timeout).read == 20 if not isinstance(timeout, httpx.Timeout) else timeout.read == 20


# ---- errors


@pytest.mark.parametrize("status", [300, 304, 399, 400, 418, 499, 500, 520, 599])
def test_any_unsuccessful_status_raises(status: int) -> None:
    """Every status other than 2xx raises an APIStatusError with that status."""
    with pytest.raises(APIStatusError) as caught:
        drive(scripted(status, max_retries=0)[0].send(GET))
    assert caught.value.status_code == status


@pytest.mark.parametrize(
    ("cause", "kind", "was_sent", "text"),
    [
        (
            httpx.ConnectError("refused"),
            APIConnectionError,
            False,
            "api.example.test could not be reached at GET /v1/models (ConnectError: refused). Check the network",
        ),
        (
            httpx.ConnectTimeout(""),
            APITimeoutError,
            False,
            "could not be reached at GET /v1/models (ConnectTimeout). Check",
        ),
        (httpx.ReadTimeout(""), APITimeoutError, True, "did not answer in time at GET /v1/models (ReadTimeout)."),
        (httpx.ReadError("reset"), APIConnectionError, True, "broke off at GET /v1/models (ReadError: reset)."),
    ],
)
def test_connection_errors(cause: Exception, kind: type[APIConnectionError], was_sent: bool, text: str) -> None:  # noqa: FBT001
    """Errors say what broke and whether the request may have arrived; their cause is httpx's error."""
    with pytest.raises(kind) as caught:
        drive(scripted(cause, max_retries=0)[0].send(GET))
    assert caught.value.sent is was_sent
    assert text in str(caught.value)
    assert caught.value.__cause__ is cause
    assert caught.value.request is not None
    assert caught.value.request.url == f"{API}/models"


def test_the_error_names_the_host() -> None:
    """An error at a file host names that host, without the query, which signs the URL."""
    with pytest.raises(APIConnectionError, match=r"^files.test could not be reached at GET /a \(ConnectError: no\)"):
        drive(scripted(httpx.ConnectError("no"))[0].send(Request("GET", "https://files.test/a?sig=1")))


@pytest.mark.parametrize("content", [b"<html>Welcome to the hotel</html>", b"", b"[1]", b'"text"', b"null"])
def test_a_200_with_other_content(content: bytes) -> None:
    """A 200 with content that is not the API's raises an error that shows its beginning, and suggests causes."""
    session, _ = scripted(httpx.Response(200, content=content))
    with pytest.raises(APIResponseValidationError, match="check base_url and proxies") as caught:
        drive(session.call(account_get))
    assert caught.value.status_code == 200
    assert content[:30].decode() in str(caught.value)
