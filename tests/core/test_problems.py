"""Error responses as exceptions."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sessions import TOKEN

from replicate import exceptions as e
from replicate._http.credentials import HOW_TO
from replicate._http.error_responses import error_of


def answer(status: int, body: Any = b"", **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = httpx.Request(
        "GET", "https://api.example.test/v1/models?secret=1", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    return httpx.Response(status, content=content, headers=headers, request=request)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, e.APIStatusError),
        (400, e.BadRequestError),
        (401, e.AuthenticationError),
        (402, e.InsufficientCreditError),
        (403, e.PermissionDeniedError),
        (404, e.NotFoundError),
        (409, e.ConflictError),
        (413, e.RequestTooLargeError),
        (418, e.APIStatusError),
        (422, e.UnprocessableEntityError),
        (429, e.RateLimitError),
        (500, e.InternalServerError),
        (503, e.InternalServerError),
        (520, e.InternalServerError),
        (599, e.InternalServerError),
    ],
)
def test_each_status_has_its_class(status: int, kind: type[e.APIStatusError]) -> None:
    """The class follows from the status: APIStatusError for unknown ones, InternalServerError from 500 up."""
    error = error_of(answer(status))
    assert type(error) is kind
    assert error.status == error.status_code == status


def test_a_problem_document_fills_the_fields() -> None:
    """The exception has all fields of the problem, and the request and response."""
    problem = {
        "type": "about:blank",
        "title": "Input validation failed",
        "detail": "- input: prompt is required\n",
        "status": 422,
        "instance": "/p/1",
        "more": [1],
    }
    response = answer(422, problem, **{"X-Request-Id": "r1", "Retry-After": "3"})
    error = error_of(response)
    assert (error.type, error.title, error.detail) == (
        "about:blank",
        "Input validation failed",
        "- input: prompt is required",
    )
    assert (error.instance, error.request_id, error.retry_after, error.body) == ("/p/1", "r1", 3, problem)
    assert error.response is response
    assert error.request is response.request
    assert str(error).splitlines() == [
        "ReplicateError Details:",
        "type: about:blank",
        "title: Input validation failed",
        "status: 422",
        "detail: - input: prompt is required",
        "instance: /p/1",
    ]
    assert (
        error.message
        == "422 Unprocessable Entity from GET /v1/models: Input validation failed: - input: prompt is required"
    )
    assert error.__notes__ == ["422 Unprocessable Entity from GET /v1/models"]
    assert error.to_dict() == {
        "type": "about:blank",
        "title": "Input validation failed",
        "status": 422,
        "detail": "- input: prompt is required",
        "instance": "/p/1",
    }


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"detail": "Not found."}, "Not found."),
        ({"detail": ["a", "b"]}, "a; b"),
        (
            {"detail": [{"loc": ["body", "input", "seed"], "msg": "is no number"}, {"msg": "b"}]},
            "input.seed: is no number; b",
        ),
        ({"detail": {"message": "no"}}, "no"),
        ({"detail": {"code": 7}}, '{"code": 7}'),
        ({"detail": {"loc": "body", "msg": {"a": 1}}}, "{'a': 1}"),
        ({"detail": 7}, "7"),
        ({"title": "Forbidden"}, "Forbidden"),
        ({"title": ["odd"], "detail": "d"}, "d"),
        ({"error": "other shape"}, '{"error": "other shape"}'),
        (["a", "list"], '["a", "list"]'),
        ({"detail": []}, '{"detail": []}'),
        (b"<html>\n  <title>Bad   gateway</title>\n", "<html> <title>Bad gateway</title>"),
        (b"", "no details were given"),
        (b"null", "null"),
        (b"\xff\xfe\xfa", "���"),
        (b"[" * 100_000, "[" * 200 + "…"),
        (b"x" * 500, "x" * 200 + "…"),
    ],
)
def test_any_body_gives_a_readable_message(body: Any, text: str) -> None:
    """The message holds the text of a problem, or the beginning of any other body in one line.

    `str` has the problem's fields, as in version 1; any other body is in a note.
    """
    error = error_of(answer(502, body))
    assert error.message == f"502 Bad Gateway from GET /v1/models: {text}"
    fields = [f"{name}: {value}" for name, value in error.to_dict().items()]
    assert str(error) == "\n".join(["ReplicateError Details:", *fields])
    told = error.title or error.detail
    assert error.__notes__ == ["502 Bad Gateway from GET /v1/models" + ("" if told else f": {text}")]


def test_line_feeds_are_kept() -> None:
    """A text of several lines keeps its lines; control characters are escaped."""
    error = error_of(answer(422, {"title": "Invalid", "detail": "- a: missing\n- b: \x1b[2Jred\u202e\n"}))
    assert error.detail == "- a: missing\n- b: \x1b[2Jred\u202e"
    assert str(error).splitlines()[1:] == [
        "title: Invalid",
        "status: 422",
        "detail: - a: missing",
        r"- b: \x1b[2Jred\u202e",
    ]


def test_an_unnamed_status_reads_well() -> None:
    """A status without a name leaves no gap."""
    error = error_of(answer(520))
    assert error.message == "520 from GET /v1/models: no details were given"
    assert error.__notes__ == [error.message]


def test_fields_of_unexpected_types_are_left_out() -> None:
    """Fields are strings or None, whatever was sent; `body` has the original values."""
    error = error_of(answer(400, {"type": 7, "title": [], "instance": {}, "detail": None}))
    assert (error.type, error.title, error.instance, error.detail) == (None, None, None, None)
    assert error.body["type"] == 7


def test_the_hint_says_what_to_do() -> None:
    """A known remedy is the hint, and a note; the text is only what the API said."""
    for status, word in ((401, "REPLICATE_API_TOKEN"), (402, "billing"), (413, "URL")):
        error = error_of(answer(status, {"detail": "It says so."}))
        assert word in str(error.hint)
        assert error.__notes__[1:] == [error.hint]
        assert str(error) == f"ReplicateError Details:\nstatus: {status}\ndetail: It says so."
    assert error_of(answer(500)).hint is None


@pytest.mark.parametrize(
    ("token", "flaw"),
    [
        (TOKEN, None),
        (f"Bearer {TOKEN}", 'It begins with "Bearer"'),
        (f'r8_"{TOKEN}', "It holds quotes"),
        ("sk-0123456789", 'It does not begin with "r8_"'),
        ("r8_0123 456789", "It holds white space"),
    ],
)
@pytest.mark.parametrize("place", ["code", "environment", "cog"])
def test_a_token_that_was_rejected(token: str, flaw: str | None, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint says where the token comes from and what looks wrong, and does not show the token."""
    if place == "environment":
        monkeypatch.setenv("REPLICATE_API_TOKEN", f' "{token}"\n')
    elif place == "cog":
        cog = SimpleNamespace(current_scope=lambda: SimpleNamespace(context={"replicate_api_token": token}))
        monkeypatch.setitem(sys.modules, "cog", cog)
    response = answer(401, {"detail": "Unauthenticated"})
    response.request.headers["Authorization"] = f"Bearer {token}"
    hint = str(error_of(response).hint)
    said = {
        "code": "The API refused the token that was passed in code. ",
        "environment": "The API refused the token of the environment variable REPLICATE_API_TOKEN. ",
        "cog": "The API refused the token of the running Cog prediction. ",
    }
    assert hint.startswith(said[place] + (flaw or "Set the environment variable"))
    assert hint.endswith(HOW_TO)
    assert token not in hint
    assert "0123" not in hint


@pytest.mark.parametrize(
    ("status", "detail"),
    [(422, "Invalid version or not permitted"), (422, "This version has been disabled.")],
)
def test_a_hint_suggests_a_call_that_works(status: int, detail: str) -> None:
    """The hint suggests `client.models.versions.list` with a model."""
    assert "client.models.versions.list('owner/name')" in str(error_of(answer(status, {"detail": detail})).hint)


def test_a_missing_token_is_reported_in_the_text() -> None:
    """The API cannot know that no token was sent, so our text says so, and how to set one."""
    error = error_of(answer(401, {"detail": "Unauthenticated"}), authorized=False)
    first, status, detail, ours = str(error).splitlines()
    assert [first, status, detail] == ["ReplicateError Details:", "status: 401", "detail: Unauthenticated"]
    assert ours.startswith("No token was sent. ")
    assert "REPLICATE_API_TOKEN" in ours
    assert (error.hint, error.__notes__) == (None, ["401 Unauthorized from GET /v1/models"])


@pytest.mark.parametrize("body", [{"detail": f"bad header Bearer {TOKEN}"}, f"<pre>{TOKEN}</pre>".encode(), [TOKEN]])
def test_an_echoed_token_is_not_shown(body: Any) -> None:
    """The token is removed from everything that the error shows."""
    error = error_of(answer(400, body))
    shown = f"{error}{error!r}{error.body}{error.to_dict()}{vars(error)}{error.__notes__}"
    assert TOKEN not in shown
    assert "[token]" in shown


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["detail", "title", "loc", "msg", "retry_after"]), inner)
        ),
    )
)
def test_any_json_gives_an_error(body: Any) -> None:
    """Any JSON body gives an exception with a text and a message."""
    error = error_of(answer(400, body))
    assert error.message.startswith("400 Bad Request from GET /v1/models: ")
    assert str(error).startswith("ReplicateError Details:\n")
    assert "\nstatus: 400" in str(error)


def test_a_token_echoed_in_the_reason_or_the_request_id_is_removed() -> None:
    """The token is removed from the reason phrase and from the request id too."""
    response = answer(400, {}, **{"X-Request-Id": TOKEN})
    response.extensions["reason_phrase"] = f"Bad {TOKEN}".encode()
    error = error_of(response)
    assert error.message.startswith("400 Bad [token] from")
    assert TOKEN not in f"{error}{error.__notes__}"
    assert error.request_id == "[token]"


def test_a_short_token_is_not_removed() -> None:
    """A token that is shorter than any real one is not removed, since it may be part of many words."""
    response = answer(400, {"detail": "a test of text"})
    response.request.headers["Authorization"] = "Bearer t"
    assert error_of(response).detail == "a test of text"


@pytest.mark.parametrize(
    ("location", "hint"),
    [
        ("https://u:p@other.test:8443/v1/models?key=a", "It points to https://other.test:8443/v1/models: "),
        ("/v2/models", "It points to https://api.example.test/v2/models: "),
    ],
)
def test_a_redirect_says_where_it_leads(location: str, hint: str) -> None:
    """A redirect that is not followed gives its target and what to set, without credentials or query."""
    said = error_of(answer(307, Location=location)).hint
    assert said is not None
    assert said.startswith(hint)
    assert "set base_url to https://" in said
    assert "u:p" not in said
    assert "key=" not in said
    assert error_of(answer(307, Location="http://other.test:port")).hint is None
    assert error_of(answer(304)).hint is None


def test_a_404_of_another_server() -> None:
    """The API answers with JSON; a 404 without it hints that base_url may be wrong."""
    assert "check base_url" in str(error_of(answer(404, b"<html>Not found</html>")).hint)
    assert error_of(answer(404, {"detail": "Not found."})).hint is None
    assert error_of(answer(404, b"gone"), authorized=False).hint is None
