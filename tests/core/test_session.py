"""Requests of a session: where they go, what they carry, when they are sent again."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sessions import API, TOKEN, Scripted, config, scripted

from replicate import Replicate
from replicate._core.dual import Async, Sync, drive
from replicate._core.options import DEFAULT_TIMEOUT, check_keywords
from replicate._core.raw import exchange
from replicate._core.session import Session
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
from replicate_api.api.files import files_create
from replicate_api.types import Part, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

GET, POST = Request("GET", "/models"), Request("POST", "/predictions", json={"input": {}})


def sent(session: Session[Any], request: Request) -> httpx.Request:
    """Send a request, and give what went out."""
    drive(session.send(request))
    transport: Any = session.transport
    made: httpx.Request = transport.requests[-1]
    return made


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
    assert url.params.multi_items() == [("a", "1"), ("b", " "), ("cursor", "request"), ("tag", "1"), ("tag", "2"), ("flag", "true")]


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
    [500, 502, 503, 408, 520, httpx.ReadError("reset"), httpx.ReadTimeout("late"), httpx.WriteError("reset"), httpx.RemoteProtocolError("closed")],
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


@pytest.mark.parametrize("answer", [429, httpx.ConnectError("refused"), httpx.ConnectTimeout("late"), httpx.PoolTimeout("full"), httpx.ProxyError("503")], ids=repr)
def test_what_was_certainly_not_done_is_asked_for_again(answer: Any) -> None:
    """A POST that has certainly not been accepted is sent again."""
    session, transport = scripted(answer, 201)
    assert drive(session.send(POST)).status_code == 201
    assert [json.loads(request.content) for request in transport.requests] == [{"input": {}}] * 2


@pytest.mark.parametrize("cause", [httpx.UnsupportedProtocol("ftp"), httpx.LocalProtocolError("header"), httpx.TooManyRedirects("20")], ids=repr)
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
        (httpx.ConnectError("refused"), APIConnectionError, False, "api.example.test could not be reached at GET /v1/models (ConnectError: refused). Check the network"),
        (httpx.ConnectTimeout(""), APITimeoutError, False, "could not be reached at GET /v1/models (ConnectTimeout). Check"),
        (httpx.ReadTimeout(""), APITimeoutError, True, "did not answer in time at GET /v1/models (ReadTimeout)."),
        (httpx.ReadError("reset"), APIConnectionError, True, "broke off at GET /v1/models (ReadError: reset)."),
    ],
)
def test_connection_errors(cause: Exception, kind: type[APIConnectionError], was_sent: bool, text: str) -> None:  # noqa: FBT001
    """httpx's errors become ours: they tell what broke, and whether the request may have arrived; httpx's is the cause."""
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


# ---- options


def test_extra_headers_query_and_body_go_out() -> None:
    """What a request is given extra is added to it, or replaces what it has."""
    session, _ = scripted(headers={"X-A": "client", "X-B": "client"}, query={"q": 1})
    given = session.given({"extra_headers": {"x-a": "mine", "Accept": "text/plain"}, "extra_query": {"r": "ü"}, "extra_body": {"n": 1}})
    outgoing = sent(given, POST)
    assert outgoing.headers.get_list("X-A") == ["mine"]
    assert outgoing.headers.get_list("Accept") == ["text/plain"]
    assert outgoing.headers["X-B"] == "client"
    assert dict(outgoing.url.params) == {"q": "1", "r": "ü"}
    assert json.loads(outgoing.content) == {"input": {}, "n": 1}
    assert json.loads(sent(session, POST).content) == {"input": {}}


def test_extra_body_of_a_form() -> None:
    """Of a multipart body the extra members are more fields."""
    session, _ = scripted()
    request = files_create.build_request(body={"content": Part("content", b"abc", "a.bin", "x/y")})
    body = sent(session.given({"extra_body": {"note": "n1"}}), request).content
    assert b'name="note"\r\n\r\nn1' in body
    assert b'name="content"; filename="a.bin"\r\nContent-Type: x/y\r\n\r\nabc' in body


@pytest.mark.parametrize("timeout", [7, None, httpx.Timeout(1, read=2)])
def test_timeouts(timeout: Any) -> None:
    """A request's `timeout` goes before the client's; without both there is the default."""
    for session in (scripted()[0].given({"timeout": timeout}), scripted(timeout=timeout)[0]):
        assert httpx.Timeout(sent(session, GET).extensions["timeout"]) == httpx.Timeout(timeout)
    assert httpx.Timeout(sent(scripted()[0], GET).extensions["timeout"]) == DEFAULT_TIMEOUT


def test_options_change_nothing_for_others() -> None:
    """A session given options shares connections and memory with the one it came from, which stays as it was."""
    session, transport = scripted()
    other = session.given({"max_retries": 7})
    assert session.given({}) is session
    assert (other.config.max_retries, session.config.max_retries) == (7, 2)
    assert other.transport is transport
    assert other.memory is session.memory


@pytest.mark.parametrize(("wrong", "text"), [("max_retrys", "did you mean 'max_retries'"), ("timeuot", "did you mean 'timeout'"), ("zzz", "it takes extra_headers")])
def test_an_unknown_keyword_is_a_type_error(wrong: str, text: str) -> None:
    """A keyword that does not exist raises TypeError, and names the one that was probably meant."""
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{wrong}'; {text}"):
        scripted()[0].given({wrong: 1})
    check_keywords({"a": 1}, ("a",))


def test_the_other_colour() -> None:
    """A session in the other colour has the same configuration and memory; in its own it is itself."""
    session, _ = scripted()
    other = session.of_colour(Async)
    assert session.of_colour(Sync) is session
    assert (other.blocking, other.config, other.memory) == (False, session.config, session.memory)
    assert other.of_colour(Async) is other


# ---- low-level requests


def raw(session: Session[Any], url: str = "/things", **options: Any) -> httpx.Request:
    drive(exchange(session, "get", url, options))
    transport: Any = session.transport
    made: httpx.Request = transport.requests[-1]
    return made


def test_a_low_level_request_takes_the_options_of_all_others() -> None:
    """Headers, parameters and bodies go out as given, and before what the client adds."""
    session, _ = scripted(headers={"X-A": "client"}, query={"a": "client", "b": "client"})
    outgoing = raw(session, headers={"X-A": "1"}, extra_headers={"X-B": "2"}, params={"a": True, "n": None}, extra_query={"c": 3}, json={"x": 1}, extra_body={"y": 2}, timeout=4, max_retries=0)
    assert outgoing.method == "GET"
    assert (outgoing.headers["X-A"], outgoing.headers["X-B"]) == ("1", "2")
    assert dict(outgoing.url.params) == {"a": "true", "b": "client", "c": "3"}
    assert json.loads(outgoing.content) == {"x": 1, "y": 2}
    assert outgoing.extensions["timeout"] in (4, httpx.Timeout(4))


def test_a_low_level_request_elsewhere_carries_what_it_was_given() -> None:
    """To another origin go the headers and parameters of the request itself, but neither the client's nor the token."""
    session, _ = scripted(headers={"X-A": "client"}, query={"a": "client"})
    outgoing = raw(session, "https://elsewhere.test/x", headers={"X-B": "1"}, extra_query={"c": 3})
    assert {"X-A", "Authorization"} & {*map(str.title, outgoing.headers)} == set()
    assert outgoing.headers["X-B"] == "1"
    assert dict(outgoing.url.params) == {"c": "3"}


@pytest.mark.parametrize("options", [{"json": {"a": 1}}, {"body": {"a": 1}}, {"body": [1]}, {"json": "text"}])
def test_json_and_body_are_the_same(options: Mapping[str, Any]) -> None:
    """Either name gives a JSON body, of any type."""
    outgoing = raw(scripted()[0], **options)
    assert json.loads(outgoing.content) == next(iter(options.values()))
    assert outgoing.headers["Content-Type"] == "application/json"


def test_both_are_one_too_many() -> None:
    """Passing a body twice, or a keyword that does not exist, is a TypeError."""
    with pytest.raises(TypeError, match="pass one of them"):
        raw(scripted()[0], json={}, body={})
    with pytest.raises(TypeError, match="did you mean 'params'"):
        raw(scripted()[0], parms={})


def test_clients_share_all_this() -> None:
    """A client's settings reach its session."""
    client = Replicate(bearer_token="t", base_url="https://x.test/v9", timeout=3, max_retries=0, default_headers={"A": "1"}, default_query={"q": 1})
    settings = client._session.config
    assert str(settings.base_url) == "https://x.test/v9"
    assert (settings.timeout, settings.max_retries, settings.headers, settings.query) == (3, 0, {"A": "1"}, {"q": 1})


def test_sessions_say_where_they_talk_to() -> None:
    """Their repr has the base URL."""
    assert repr(scripted()[0]) == f"<Session {API}>"
    assert next(itertools.islice(Replicate(bearer_token="t").predictions.__repr__().split(), 0, None)) == "<Predictions"
