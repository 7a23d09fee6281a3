"""Errors as programs for earlier versions make and catch them, and their hints."""

from __future__ import annotations

import pickle
from typing import Any

import httpx
import pytest
from support.faults import SILENCE, Faults, refusing_url

import replicate
from replicate import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    NotFoundError,
    RateLimitError,
    Replicate,
    ReplicateError,
)
from replicate._http.error_responses import error_of

API = "https://api.replicate.com/v1"
V1_TEXT = """\
ReplicateError Details:
type: about:blank
title: Bad
status: 400
detail: so bad
instance: /p/1"""
REQUEST = httpx.Request("POST", f"{API}/predictions")
THROTTLED = "Request was throttled. Your rate limit resets in ~5s."
LOW = (
    "Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per minute with a burst "
    "of 1 requests while you have less than $5.0 in credit. Your rate limit resets in ~5s."
)
NO_VERSION = "The specified version does not exist (or perhaps you don't have permission to use it?)"


@pytest.mark.parametrize(
    ("status", "path", "body", "advice"),
    [
        (401, "/predictions", {"title": "Unauthenticated"}, "REPLICATE_API_TOKEN"),
        (402, "/predictions", {"title": "Billing required"}, "payment method at https://replicate.com/account/billing"),
        (404, "/models/o/n/predictions", {"detail": "The requested resource could not be found."}, "client.run("),
        (404, "/models/o/n", {"detail": "The requested resource could not be found."}, None),
        (422, "/predictions", {"title": "Invalid version or not permitted", "detail": NO_VERSION}, "no payment method"),
        (422, "/predictions", {"detail": "- version does not exist"}, "models.versions.list"),
        (422, "/predictions", {"detail": "This version has been disabled."}, "take a newer one"),
        (422, "/predictions", {"title": "Input validation failed", "detail": "- input.seed: no integer"}, None),
        (429, "/predictions", {"detail": THROTTLED}, "fewer requests at once"),
        (429, "/predictions", {"detail": LOW}, "add credit"),
        (500, "/predictions", {}, None),
    ],
)
def test_the_hint_knows_the_cause(status: int, path: str, body: Any, advice: str | None) -> None:
    """The hint depends on the status, the request and the message; it is also a note."""
    method = "GET" if path == "/models/o/n" else "POST"
    error = error_of(httpx.Response(status, json=body, request=httpx.Request(method, f"{API}{path}")))
    where, *notes = error.__notes__
    assert where.startswith(f"{status} {httpx.codes.get_reason_phrase(status)} from {method} /v1{path}")
    assert notes == ([] if error.hint is None else [error.hint])
    assert error.hint is None if advice is None else advice in notes[0]
    lines = [f"{name}: {error.to_dict()[name]}" for name in ("title", "status", "detail") if name in error.to_dict()]
    assert str(error) == "\n".join(["ReplicateError Details:", *lines])


def test_errors_are_made_of_fields_as_in_version_1() -> None:
    """`ReplicateError(type=…, title=…, …)` has version 1's text and returns its fields; a message can come first."""
    error = ReplicateError(type="about:blank", title="Bad", status=400, detail="so bad", instance="/p/1")
    assert str(error) == V1_TEXT
    assert error.message == "Bad: so bad"
    fields = {"type": "about:blank", "title": "Bad", "status": 400, "detail": "so bad", "instance": "/p/1"}
    assert error.to_dict() == fields
    assert str(ReplicateError("text")) == "text"
    assert str(pickle.loads(pickle.dumps(error))) == V1_TEXT


def test_errors_are_made_of_responses_as_in_version_1() -> None:
    """`from_response` returns the error for the status, also for a response without a request."""
    error = ReplicateError.from_response(httpx.Response(404, json={"title": "Not found", "detail": "no"}))
    assert isinstance(error, NotFoundError)
    assert str(error) == "ReplicateError Details:\ntitle: Not found\nstatus: 404\ndetail: no"
    assert (error.message, error.status, error.request) == ("404 Not Found: Not found: no", 404, None)
    assert ReplicateError.from_response(httpx.Response(502, html="<p>bad", request=REQUEST)).status == 502


def test_errors_are_made_of_exchanges_as_in_version_2() -> None:
    """Errors can be constructed as in version 2, for example by tests of programs."""
    response = httpx.Response(429, request=REQUEST)
    error = RateLimitError("slow down", response=response, body={"a": 1})
    assert (error.message, error.status_code, error.status) == ("slow down", 429, 429)
    assert (error.response, error.body) == (response, {"a": 1})
    assert APIStatusError("x", response=response, body=None).body is None
    assert APIError("x", REQUEST, body=None).request is REQUEST
    assert APIConnectionError(request=REQUEST).request is REQUEST
    assert str(APIConnectionError(message="gone", request=REQUEST)) == "gone"
    assert APITimeoutError(request=REQUEST).request is REQUEST
    positional: Any = APITimeoutError(REQUEST)
    assert (positional.request, str(positional)) == (REQUEST, "Request timed out.")


def test_connection_errors_are_errors_of_httpx() -> None:
    """`except httpx.HTTPError`, as in version 1's programs, catches connection errors."""
    with Replicate(api_token="r8_test", base_url=refusing_url(), max_retries=0) as client:
        with pytest.raises(httpx.HTTPError) as raised:
            client.get("/account")
        assert isinstance(raised.value, APIConnectionError)
        assert isinstance(raised.value, httpx.TransportError)
        assert not isinstance(raised.value, httpx.TimeoutException)


def test_timeouts_are_timeouts_of_httpx() -> None:
    """`except httpx.TimeoutException` catches timeouts."""
    with (
        Faults(SILENCE) as faults,
        Replicate(api_token="r8_test", base_url=faults.base_url, max_retries=0, timeout=0.05) as client,
        pytest.raises(httpx.TimeoutException) as raised,
    ):
        client.get("/account")
    assert isinstance(raised.value, replicate.APITimeoutError)
