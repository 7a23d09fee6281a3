"""What a caller can set for one request, and low-level requests."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.sessions import API, scripted, sent

from replicate import Replicate
from replicate._dual.colours import Async, Sync
from replicate._dual.drive import drive
from replicate._dual.signatures import check_keywords
from replicate._http.options import DEFAULT_TIMEOUT
from replicate._objects.custom_request import exchange
from replicate_api.api.files import files_create
from replicate_api.types import Part, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicate._http.session import Session

GET, POST = Request("GET", "/models"), Request("POST", "/predictions", json={"input": {}})


def test_extra_headers_query_and_body_go_out() -> None:
    """`extra_*` options are added to a request, or replace its own values."""
    session, _ = scripted(headers={"X-A": "client", "X-B": "client"}, query={"q": 1})
    given = session.given(
        {"extra_headers": {"x-a": "mine", "Accept": "text/plain"}, "extra_query": {"r": "ü"}, "extra_body": {"n": 1}}
    )
    outgoing = sent(given, POST)
    assert outgoing.headers.get_list("X-A") == ["mine"]
    assert outgoing.headers.get_list("Accept") == ["text/plain"]
    assert outgoing.headers["X-B"] == "client"
    assert dict(outgoing.url.params) == {"q": "1", "r": "ü"}
    assert json.loads(outgoing.content) == {"input": {}, "n": 1}
    assert json.loads(sent(session, POST).content) == {"input": {}}


def test_extra_body_of_a_form() -> None:
    """Extra body members become fields of a multipart body."""
    session, _ = scripted()
    request = files_create.build_request(body={"content": Part("content", b"abc", "a.bin", "x/y")})
    body = sent(session.given({"extra_body": {"note": "n1"}}), request).content
    assert b'name="note"\r\n\r\nn1' in body
    assert b'name="content"; filename="a.bin"\r\nContent-Type: x/y\r\n\r\nabc' in body


@pytest.mark.parametrize("timeout", [7, None, httpx.Timeout(1, read=2)])
def test_timeouts(timeout: Any) -> None:
    """A request's `timeout` overrides the client's; without both, the default applies."""
    for session in (scripted()[0].given({"timeout": timeout}), scripted(timeout=timeout)[0]):
        assert httpx.Timeout(sent(session, GET).extensions["timeout"]) == httpx.Timeout(timeout)
    assert httpx.Timeout(sent(scripted()[0], GET).extensions["timeout"]) == DEFAULT_TIMEOUT


def test_options_do_not_affect_other_sessions() -> None:
    """A session with options shares connections and memory with the original one, which stays unchanged."""
    session, transport = scripted()
    other = session.given({"max_retries": 7})
    assert session.given({}) is session
    assert (other.config.max_retries, session.config.max_retries) == (7, 2)
    assert other.transport is transport
    assert other.memory is session.memory


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ("max_retrys", "did you mean 'max_retries'"),
        ("timeuot", "did you mean 'timeout'"),
        ("zzz", "it takes extra_headers"),
    ],
)
def test_an_unknown_keyword_is_a_type_error(wrong: str, text: str) -> None:
    """An unknown keyword raises TypeError, which names the keyword that was probably meant."""
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{wrong}'; {text}"):
        scripted()[0].given({wrong: 1})
    check_keywords({"a": 1}, ("a",))


def test_the_other_colour() -> None:
    """A session in the other colour has the same configuration and memory; in its own colour it is the same object."""
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


def test_a_low_level_request_takes_all_options() -> None:
    """Headers, parameters and bodies go out as given, and override the client's."""
    session, _ = scripted(headers={"X-A": "client"}, query={"a": "client", "b": "client"})
    outgoing = raw(
        session,
        headers={"X-A": "1"},
        extra_headers={"X-B": "2"},
        params={"a": True, "n": None},
        extra_query={"c": 3},
        json={"x": 1},
        extra_body={"y": 2},
        timeout=4,
        max_retries=0,
    )
    assert outgoing.method == "GET"
    assert (outgoing.headers["X-A"], outgoing.headers["X-B"]) == ("1", "2")
    assert dict(outgoing.url.params) == {"a": "true", "b": "client", "c": "3"}
    assert json.loads(outgoing.content) == {"x": 1, "y": 2}
    assert outgoing.extensions["timeout"] in (4, httpx.Timeout(4))


def test_a_low_level_request_to_another_origin() -> None:
    """It carries the headers and parameters of the request itself, but not the client's, nor the token."""
    session, _ = scripted(headers={"X-A": "client"}, query={"a": "client"})
    outgoing = raw(session, "https://elsewhere.test/x", headers={"X-B": "1"}, extra_query={"c": 3})
    assert {"X-A", "Authorization"} & {*map(str.title, outgoing.headers)} == set()
    assert outgoing.headers["X-B"] == "1"
    assert dict(outgoing.url.params) == {"c": "3"}


@pytest.mark.parametrize("options", [{"json": {"a": 1}}, {"body": {"a": 1}}, {"body": [1]}, {"json": "text"}])
def test_json_and_body_are_equivalent(options: Mapping[str, Any]) -> None:
    """Either keyword gives a JSON body, of any type."""
    outgoing = raw(scripted()[0], **options)
    assert json.loads(outgoing.content) == next(iter(options.values()))
    assert outgoing.headers["Content-Type"] == "application/json"


def test_json_and_body_exclude_each_other() -> None:
    """Passing both bodies, or an unknown keyword, is a TypeError."""
    with pytest.raises(TypeError, match="pass one of them"):
        raw(scripted()[0], json={}, body={})
    with pytest.raises(TypeError, match="did you mean 'params'"):
        raw(scripted()[0], parms={})


def test_a_session_has_the_settings_of_its_client() -> None:
    """A client's settings reach its session."""
    client = Replicate(
        bearer_token="t",
        base_url="https://x.test/v9",
        timeout=3,
        max_retries=0,
        default_headers={"A": "1"},
        default_query={"q": 1},
    )
    settings = client._session.config
    assert str(settings.base_url) == "https://x.test/v9"
    assert (settings.timeout, settings.max_retries, settings.headers, settings.query) == (3, 0, {"A": "1"}, {"q": 1})


def test_the_repr_of_a_session() -> None:
    """The repr of a session has the base URL."""
    assert repr(scripted()[0]) == f"<Session {API}>"
    assert next(itertools.islice(Replicate(bearer_token="t").predictions.__repr__().split(), 0, None)) == "<Predictions"


def test_a_clients_extra_body_goes_to_the_api_only() -> None:
    """A client's extra body is sent to the API only, and adds no body to a request that has none."""
    session, _ = scripted(body={"secret": 1})
    assert sent(session, Request("GET", "https://elsewhere.test/a")).content == b""
    assert sent(session, Request("POST", "https://elsewhere.test/a", json={"a": 1})).content == b'{"a":1}'
    assert sent(session, Request("GET", "account")).content == b""
    assert json.loads(sent(session, Request("POST", "predictions", json={"a": 1})).content) == {"a": 1, "secret": 1}
