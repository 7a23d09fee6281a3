"""Requests of a session: where they go, what they carry, when they are sent again."""

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
    """A slash more or less, at either side, makes no difference."""
    session = Session(config(base_url), Scripted())
    assert str(sent(session, Request("GET", path)).url) == "https://api.example.test/v1/models"


def test_base_urls_of_other_shapes() -> None:
    """A base URL may have any path, or none."""
    assert str(Session(config("http://localhost:5000"), Scripted()).url("/a")) == "http://localhost:5000/a"
    assert str(Session(config("https://proxy.test/x/y/v1"), Scripted()).url("/a")) == "https://proxy.test/x/y/v1/a"


def test_queries_are_put_together() -> None:
    """A path's own query, the request's, and the client's are sent together; the request's goes before the client's."""
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


def test_a_foreign_url_is_left_as_it_is() -> None:
    """A signed URL elsewhere gets nothing of what the client adds."""
    session, _ = scripted(query={"q": "1"}, headers={"X-Mine": "1"})
    outgoing = sent(session, Request("GET", "https://files.test/a%20b?sig=a%2Fb"))
    assert str(outgoing.url) == "https://files.test/a%20b?sig=a%2Fb"
    assert "X-Mine" not in outgoing.headers


@pytest.mark.parametrize("bad", ["https://a\0b/", "https://\ud800/", "https://" + "x" * 70_000])
def test_what_is_no_url_is_reported_as_such(bad: str) -> None:
    """An impossible URL, which a server may have sent, is a ReplicateError."""
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
        ("//evil.test/v1", True),  # a path, and so below the base URL
    ],
)
def test_the_token_goes_to_the_api_only(url: str, *, ours: bool) -> None:
    """The token is sent where scheme, host and port are the API's, and nowhere else."""
    session, _ = scripted()
    outgoing = sent(session, Request("GET", url))
    assert outgoing.headers.get("Authorization") == (f"Bearer {TOKEN}" if ours else None)
    if ours:
        assert outgoing.url.host == "api.example.test"
    assert session.is_api(session.url(url)) == ours


@given(st.text() | st.text().map("https://".__add__) | st.text().map("data:".__add__))
def test_any_text_may_be_asked_about(text: str) -> None:
    """Whether a text is the API's URL can be asked of any text."""
    assert scripted()[0].is_api(text) in (True, False)


def test_a_token_among_the_headers_stays_at_the_api_too() -> None:
    """A token that a client was given as a header replaces its own, in any case, and goes no further than that."""
    session, _ = scripted(headers={"authorization": "Bearer mine"})
    assert sent(session, GET).headers.get_list("Authorization") == ["Bearer mine"]
    assert "Authorization" not in sent(session, Request("GET", "https://files.test/a")).headers


def test_without_a_token_the_request_is_sent_and_the_answer_explained() -> None:
    """Without a token, the API's 401 says how to set one."""
    session, transport = scripted(401, token=None)
    with pytest.raises(APIStatusError, match="No token was sent"):
        drive(session.send(GET))
    assert "Authorization" not in transport.requests[0].headers


# ---- retries


@pytest.mark.parametrize("blocking", [True, False], ids=["blocking", "async"])
def test_what_may_be_sent_again_is(*, blocking: bool) -> None:
    """A GET is sent again after 5xx, a broken connection and a timeout, with pauses, in both colours."""
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
def test_what_may_have_been_done_is_not_asked_for_twice(method: str, answer: Any) -> None:
    """A POST that may have reached the API is sent once."""
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
def test_what_was_certainly_not_done_is_asked_for_again(answer: Any) -> None:
    """A POST that has certainly not been accepted is sent again."""
    session, transport = scripted(answer, 201)
    assert drive(session.send(POST)).status_code == 201
    assert [json.loads(request.content) for request in transport.requests] == [{"input": {}}] * 2


@pytest.mark.parametrize(
    "cause",
    [httpx.UnsupportedProtocol("ftp"), httpx.LocalProtocolError("header"), httpx.TooManyRedirects("20")],
    ids=repr,
)
def test_what_cannot_go_better_is_not_tried_again(cause: Exception) -> None:
    """Errors that would only repeat are raised at once."""
    session, transport = scripted(cause)
    with pytest.raises(APIConnectionError):
        drive(session.send(GET))
    assert len(transport.requests) == 1


@pytest.mark.parametrize("max_retries", [0, 1, 4])
def test_max_retries_of_the_client_and_of_a_request(max_retries: int) -> None:
    """`max_retries` is how often a request is sent again; one given for a request goes before the client's."""
    for session, transport in (scripted(503, max_retries=max_retries), scripted(503, max_retries=9)):
        with pytest.raises(InternalServerError):
            drive(session.given({"max_retries": max_retries}).send(GET))
        assert len(transport.requests) == max_retries + 1


def test_the_server_says_how_long_to_wait() -> None:
    """The pause after 429 is what the server asks for, and is told on the error when retries are used up."""
    throttled = httpx.Response(429, json={"detail": "resets in ~5s"})
    session, transport = scripted(httpx.Response(429, headers={"Retry-After": "3"}), throttled, max_retries=1)
    with pytest.raises(RateLimitError, match="resets in ~5s") as caught:
        drive(session.send(POST))
    assert 3 <= transport.sleeps[0] <= 3.5
    assert caught.value.retry_after == 5


def test_no_pause_goes_beyond_the_deadline() -> None:
    """With a deadline, a request is not sent again after it, and is given no more time than is left."""
    session, transport = scripted(httpx.Response(429, headers={"Retry-After": "30"}), deadline=20.0)
    with pytest.raises(RateLimitError):
        drive(session.send(GET))
    assert transport.sleeps == []
    timeout = transport.requests[0].extensions["timeout"]
    assert httpx.Timeout(timeout).read == 20 if not isinstance(timeout, httpx.Timeout) else timeout.read == 20


# ---- errors


@pytest.mark.parametrize("status", [300, 304, 399, 400, 418, 499, 500, 520, 599])
def test_any_status_that_is_no_success_raises(status: int) -> None:
    """Every status but 2xx is an APIStatusError with that status."""
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
    """Our errors tell what broke, and whether the request may have arrived; httpx's are their cause."""
    with pytest.raises(kind) as caught:
        drive(scripted(cause, max_retries=0)[0].send(GET))
    assert caught.value.sent is was_sent
    assert text in str(caught.value)
    assert caught.value.__cause__ is cause
    assert caught.value.request is not None
    assert caught.value.request.url == f"{API}/models"


def test_the_host_that_failed_is_named() -> None:
    """An error at a file host names that host, without the query that signs the URL."""
    with pytest.raises(APIConnectionError, match=r"^files.test could not be reached at GET /a \(ConnectError: no\)"):
        drive(scripted(httpx.ConnectError("no"))[0].send(Request("GET", "https://files.test/a?sig=1")))


@pytest.mark.parametrize("content", [b"<html>Welcome to the hotel</html>", b"", b"[1]", b'"text"', b"null"])
def test_a_success_that_is_no_answer(content: bytes) -> None:
    """200 with something else than the API's answer raises an error that shows its beginning, and what it may be."""
    session, _ = scripted(httpx.Response(200, content=content))
    with pytest.raises(APIResponseValidationError, match="check base_url and proxies") as caught:
        drive(session.call(account_get))
    assert caught.value.status_code == 200
    assert content[:30].decode() in str(caught.value)
