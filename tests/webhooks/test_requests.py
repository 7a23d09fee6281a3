"""Deliveries in the request objects of frameworks, checked with the same function."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import django
import flask
import httpx
import pytest
from deliveries import BODY, NOW, SECRET, headers, without
from django.conf import settings
from django.http import RawPostDataException
from django.test import AsyncRequestFactory, RequestFactory
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from replicate.webhook import (
    InvalidSignatureError,
    MissingWebhookBodyError,
    MissingWebhookHeaderError,
    Webhooks,
    WebhookValidationError,
)

if TYPE_CHECKING:
    from starlette.requests import Request

URL = "https://example.com/webhook"


def valid(request: Any, **given: Any) -> bool:
    return Webhooks.validate(request, secret=SECRET, now=NOW, **given)


# ---- httpx


def test_httpx() -> None:
    """A request of httpx is accepted by position or by name, as in version 1."""
    request = httpx.Request("POST", URL, headers=headers(), content=BODY)
    assert valid(request)
    assert Webhooks.validate(request=request, secret=SECRET, now=NOW)
    with pytest.raises(InvalidSignatureError):
        valid(httpx.Request("POST", URL, headers=headers(), content=BODY + b"!"))


def test_an_httpx_stream_that_was_not_read() -> None:
    """An unread body is an error, and is not treated as empty."""
    with pytest.raises(httpx.RequestNotRead):
        valid(httpx.Request("POST", URL, headers=headers(), content=iter([BODY])))


# ---- Flask


def test_flask() -> None:
    """A Flask request is checked in a view, and can still be read afterwards."""
    app = flask.Flask(__name__)

    @app.post("/webhook")
    def webhook() -> str:
        assert valid(flask.request)
        return str(flask.request.get_json()["status"])

    answer = app.test_client().post("/webhook", headers=headers(), data=BODY)
    assert (answer.status_code, answer.text) == (200, "succeeded")


# ---- Django


@pytest.fixture(scope="module")
def _django() -> None:
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], DATABASES={})
        django.setup()


@pytest.mark.usefixtures("_django")
@pytest.mark.parametrize("factory", [RequestFactory, AsyncRequestFactory])
def test_django(factory: Any) -> None:
    """A Django request is accepted, from WSGI and from ASGI."""
    request = factory().post("/webhook", BODY, content_type="application/json", headers=headers())
    assert valid(request)
    request = factory().post("/webhook", BODY + b"!", content_type="application/json", headers=headers())
    with pytest.raises(InvalidSignatureError):
        valid(request)


@pytest.mark.usefixtures("_django")
def test_django_after_the_body_was_read() -> None:
    """If the body was read as a stream, it can be passed as `body=`, and the request's own is not used."""
    request = RequestFactory().post("/webhook", BODY, content_type="application/json", headers=headers())
    content = request.read()
    assert valid(request, body=content)
    with pytest.raises(RawPostDataException):
        valid(request)


# ---- Starlette, FastAPI


def through_starlette(check: Any) -> httpx.Response:
    async def webhook(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(await check(request)))

    async def send() -> httpx.Response:
        app = Starlette(routes=[Route("/webhook", webhook, methods=["POST"])])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            return await client.post(URL, headers=headers(), content=BODY)

    return asyncio.run(send())


def test_starlette() -> None:
    """A Starlette request, which is also FastAPI's, is accepted with its awaited body."""

    async def check(request: Request) -> bool:
        assert Webhooks.validate(
            headers=request.scope["headers"], body=await request.body(), secret=SECRET, now=NOW
        )  # pairs of bytes
        assert Webhooks.validate(headers=request.headers, body=await request.body(), secret=SECRET, now=NOW)
        return valid(request, body=await request.body())

    assert through_starlette(check).text == "True"


def test_starlette_without_await() -> None:
    """Without `body=`, the error says how to get the body."""

    async def check(request: Request) -> str:
        with pytest.raises(TypeError) as caught:
            valid(request)
        return str(caught.value)

    answer = through_starlette(check).text
    assert answer.endswith("Request does not give its body as bytes: add body=, such as body=await request.body()")


def test_an_asynchronous_get_data_is_not_called() -> None:
    """A `get_data` that is a coroutine function, as in Quart, is not called."""

    class Quart:
        headers = headers()

        async def get_data(self) -> bytes:
            raise AssertionError

    with pytest.raises(TypeError, match="add body="):
        valid(Quart())
    assert valid(Quart(), body=BODY)


# ---- AWS Lambda


def gateway_1(body: str | None, *, encoded: bool = False) -> dict[str, Any]:
    """Return the event that API Gateway sends for a REST API."""
    sent = {name.title(): value for name, value in headers().items()}
    return {
        "resource": "/webhook",
        "path": "/webhook",
        "httpMethod": "POST",
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": None,
        "requestContext": {"stage": "prod", "protocol": "HTTP/1.1"},
        "body": body,
        "isBase64Encoded": encoded,
    }


def gateway_2(body: str | None, *, encoded: bool = False) -> dict[str, Any]:
    """Return the event that API Gateway sends for an HTTP API or function URL; an empty body is left out."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/webhook",
        "rawQueryString": "",
        "headers": headers(),
        "requestContext": {"http": {"method": "POST", "path": "/webhook"}, "stage": "$default"},
        "isBase64Encoded": encoded,
    }
    return event if body is None else {**event, "body": body}


def balancer(body: str | None, *, encoded: bool = False) -> dict[str, Any]:
    """Return the event of a load balancer that keeps repeated headers."""
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:…"}},
        "httpMethod": "POST",
        "path": "/webhook",
        "multiValueHeaders": {name: [value] for name, value in headers().items()},
        "body": body or "",
        "isBase64Encoded": encoded,
    }


@pytest.mark.parametrize("event", [gateway_1, gateway_2, balancer])
def test_lambda(event: Any) -> None:
    """An event of AWS Lambda is accepted, with its body as text or in base64."""
    assert valid(event(BODY.decode()))
    assert valid(event(b64encode(BODY).decode(), encoded=True))
    assert valid(event(None), body=BODY)
    with pytest.raises(InvalidSignatureError):
        valid(event(b64encode(BODY).decode()))
    with pytest.raises(MissingWebhookBodyError):
        valid(event(None))
    with pytest.raises(MissingWebhookHeaderError):
        valid({**event(BODY.decode()), "headers": None, "multiValueHeaders": None})


# ---- headers and body


@pytest.mark.parametrize(
    "given",
    [
        headers(),
        {name.upper(): value for name, value in headers().items()},
        httpx.Headers(headers()),
        list(headers().items()),
        [(name.encode(), value.encode()) for name, value in headers().items()],
        {name: [value] for name, value in headers().items()},
        iter(headers().items()),
    ],
    ids=lambda given: type(given).__name__,
)
def test_headers(given: Any) -> None:
    """Headers are a mapping or pairs, in any case, as text or bytes, with a single value or a list."""
    assert Webhooks.validate(headers=given, body=BODY, secret=SECRET, now=NOW)


def test_a_repeated_header() -> None:
    """All signatures of a repeated header count; a second id makes the signature invalid."""
    lines = [*headers().items(), ("webhook-signature", "v1,x")]
    assert Webhooks.validate(headers=lines, body=BODY, secret=SECRET, now=NOW)
    with pytest.raises(InvalidSignatureError):
        Webhooks.validate(headers=[*lines, ("Webhook-Id", "msg_other")], body=BODY, secret=SECRET, now=NOW)


@pytest.mark.parametrize("body", [BODY, BODY.decode(), bytearray(BODY), memoryview(BODY)], ids=type)
def test_bodies(body: Any) -> None:
    """A body is bytes or text."""
    assert Webhooks.validate(headers=headers(), body=body, secret=SECRET, now=NOW)
    assert Webhooks.validate(None, headers(), body, SECRET, None)  # the positional order of version 1


def test_any_bytes_can_be_checked() -> None:
    """A body that is not text is checked too; text that cannot be encoded is refused."""
    assert Webhooks.validate(headers=headers(b"\xff\x00"), body=b"\xff\x00", secret=SECRET, now=NOW)
    with pytest.raises(InvalidSignatureError):
        Webhooks.validate(headers=headers(), body="\ud800", secret=SECRET, now=NOW)


def test_a_body_that_was_parsed() -> None:
    """Parsed JSON is refused with the reason, since it is not what was signed."""
    with pytest.raises(TypeError, match="body must be bytes or str, as it came, not dict"):
        Webhooks.validate(headers=headers(), body={"status": "succeeded"}, secret=SECRET, now=NOW)  # type: ignore[arg-type]


def test_one_source_of_headers() -> None:
    """A request and headers together are refused, as in version 1."""
    with pytest.raises(ValueError, match="request= has headers of its own"):
        valid(httpx.Request("POST", URL, headers=headers(), content=BODY), headers=headers())


@pytest.mark.parametrize("request_", [{"status": "succeeded"}, BODY, object(), 3])
def test_an_object_that_is_not_a_request(request_: Any) -> None:
    """An object without headers is refused."""
    with pytest.raises(TypeError, match="is no request with headers: pass headers= and body= instead"):
        valid(request_)


def test_nothing_at_all() -> None:
    """A missing body and missing headers are reported by name."""
    with pytest.raises(MissingWebhookBodyError, match=r"^Missing webhook body"):
        Webhooks.validate(secret=SECRET)
    for none in (None, {}, []):
        with pytest.raises(MissingWebhookHeaderError, match=r"^Missing webhook headers"):
            Webhooks.validate(headers=none, body=BODY, secret=SECRET)
    with pytest.raises(MissingWebhookHeaderError):
        Webhooks.validate(headers=without(headers(), "webhook-id"), body=BODY, secret=SECRET)


def test_an_event_that_is_not_base64() -> None:
    """An invalid base64 body is an invalid delivery, and not an error of the program."""
    with pytest.raises(WebhookValidationError, match="said to be base64"):
        valid({"headers": headers(), "body": "abcde", "isBase64Encoded": True})
