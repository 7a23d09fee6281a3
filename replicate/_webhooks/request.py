"""Reading a webhook delivery from the request object of a web framework. No framework is imported."""

from __future__ import annotations

from base64 import b64decode
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from replicate._json import elements, members
from replicate._webhooks.signature import (
    Delivery,
    MissingWebhookBodyError,
    MissingWebhookHeaderError,
    WebhookValidationError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeAlias

    Headers: TypeAlias = "Mapping[str, Any] | Iterable[tuple[Any, Any]]"
    Body: TypeAlias = "str | bytes | bytearray | memoryview"


ALL_HEADERS = "Pass all headers of the request. If they are, Replicate did not send it, or a proxy dropped it."


def received(request: Any, headers: Headers | None, body: Body | None) -> Delivery:
    """Read a delivery from a request, or from headers and body. Raises MissingWebhook…Error, TypeError, ValueError."""
    if request is not None and headers is not None:
        raise ValueError("request= has headers of its own: pass request=, or headers= and body=")
    content: Any = body
    if request is not None:
        headers, content = contents(request, body)
    lines = [*each_line(headers or ())]
    content = raw(content)
    if not content:
        raise MissingWebhookBodyError("Missing webhook body.", hint="Pass it as it came: body=…, as bytes or str.")
    if not lines:
        raise MissingWebhookHeaderError("Missing webhook headers: there are none at all.", hint=ALL_HEADERS)
    return Delivery(
        only(lines, "webhook-id"), only(lines, "webhook-timestamp"), only(lines, "webhook-signature"), content
    )


def contents(request: Any, body: Body | None) -> tuple[Any, Any]:
    """Return a request's headers and body. If a body is passed, the request's own is not read."""
    headers = getattr(request, "headers", None)
    if headers is not None:
        return headers, own_body(request) if body is None else body
    event = members(request)
    if not {"headers", "multiValueHeaders"} & event.keys():
        raise TypeError(f"{named(request)} is no request with headers: pass headers= and body= instead")
    return event.get("headers") or event.get("multiValueHeaders"), event_body(event) if body is None else body


def own_body(request: Any) -> Any:
    """Return a request's body as bytes. Raises TypeError if it must be awaited."""
    get_data = getattr(request, "get_data", None)
    if get_data is not None and not iscoroutinefunction(get_data):  # Flask's
        return get_data()
    for name in ("body", "content"):  # Django's, httpx's
        content = getattr(request, name, None)
        if isinstance(content, bytes):
            return content
    raise TypeError(f"{named(request)} does not give its body as bytes: add body=, such as body=await request.body()")


def event_body(event: Mapping[str, Any]) -> Any:
    """Return the body of an AWS Lambda event, from API Gateway, a function URL or a load balancer."""
    body = event.get("body")
    if not body or not event.get("isBase64Encoded"):
        return body
    try:
        return b64decode(body)
    except ValueError as error:
        raise WebhookValidationError(f"The body of the event is said to be base64, and is not: {error}.") from error


def named(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def each_line(headers: Any) -> Iterable[tuple[str, str]]:
    """Yield all headers as pairs of a lower-case name and a value."""
    if isinstance(headers, (str, bytes)) or not hasattr(headers, "__iter__"):
        raise TypeError(f"headers must be a mapping, or pairs of names and values, not {type(headers).__name__}")
    pairs: Iterable[Any] = headers.items() if hasattr(headers, "items") else headers
    for name, value in pairs:
        for each in elements(value) or [value]:
            yield text(name).lower(), text(each)


def text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def only(lines: Iterable[tuple[str, str]], name: str) -> str:
    """Return a header's value, joined if there are several. Raises MissingWebhookHeaderError."""
    values = [value for each, value in lines if each == name and value]
    if not values:
        said = f"Missing {name.replace('-', ' ')}: the header {name} is not there."
        raise MissingWebhookHeaderError(said, hint=ALL_HEADERS)
    return " ".join(values)


def raw(body: Body | None) -> bytes:
    """Return a body as bytes. Raises TypeError if it has been parsed already."""
    match body:
        case None:
            return b""
        case str():
            return body.encode("utf-8", "surrogatepass")
        case bytes() | bytearray() | memoryview():
            return bytes(body)
        case _:
            raise TypeError(f"body must be bytes or str, as it came, not {type(body).__name__}: its bytes are signed")
