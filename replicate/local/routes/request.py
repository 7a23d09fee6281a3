"""Helpers of the endpoints: the cloud, origin, body and page position of a request, and pages as the response."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from dateutil.parser import isoparse

from replicate.local.problems import Problem
from replicate.local.store import Place
from replicate.local.validation import complaints, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from replicate.local.cloud import Cloud
    from replicate.local.validation import Schema

T = TypeVar("T")


def cloud_of(request: Request) -> Cloud:
    """Return the cloud that a request is for."""
    cloud: Cloud = request.app.state.cloud
    return cloud


def origin_of(request: Request) -> str:
    """Return the scheme and host that the client used."""
    return f"{request.url.scheme}://{request.headers['host']}"


async def json_of(request: Request) -> Any:
    """Return the JSON body of a request."""
    try:
        return parsed(await request.body())
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"The request body is not valid JSON: {error}", title="Invalid request body") from error


def parsed(text: str | bytes) -> Any:
    """Return parsed JSON. Raises ValueError, RecursionError if it is invalid, or could not be sent as UTF-8."""
    value = json.loads(text)
    json.dumps(value, ensure_ascii=False).encode()
    return value


async def form_of(request: Request, form: Schema) -> dict[str, Any]:
    """Return the JSON body of a request if it matches a schema; raise the API's 422 if not."""
    body = await json_of(request)
    if found := list(complaints(body, form, {})):
        raise refusal(found)
    return dict(body)


def check_accepted(request: Request, kind: str) -> None:
    """Raise a 406 unless the request accepts content of a media type."""
    allowed: dict[str, float] = {}
    for part in ",".join(request.headers.getlist("accept") or ["*/*"]).split(","):
        wanted, _, rest = part.partition(";")
        quality = re.search(r"\bq\s*=\s*([01](?:\.[0-9]*)?)", rest)
        allowed[wanted.strip().lower()] = float(quality[1]) if quality else 1.0
    kind = kind.partition(";")[0].strip().lower()
    ranges = (kind, f"{kind.partition('/')[0]}/*", "*/*")  # the most specific one decides (RFC 9110, section 12.5.1)
    if not next((allowed[each] for each in ranges if each in allowed), 0.0):
        raise Problem(406, f"This is {kind}, which the Accept header excludes.", title="Not acceptable")


def moment_of(request: Request, name: str) -> datetime | None:
    """Return a time from the query; a time without an offset is in UTC."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        moment = isoparse(text)
    except ValueError as error:
        raise Problem(400, f"{name} must be an ISO 8601 date and time, not {text!r}.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def place_of(request: Request) -> Place:
    """Return the place where the requested page begins."""
    cursor = request.query_params.get("cursor")
    if not cursor:
        return Place()
    try:
        direction, number = base64.urlsafe_b64decode(cursor).decode().split("=")
        return Place(int(number), newer={"older": False, "newer": True}[direction])
    except (binascii.Error, ValueError, KeyError) as error:
        raise Problem(400, "The cursor is not one that this server gave.", title="Invalid cursor") from error


def page(request: Request, found: Sequence[tuple[int, T]], show: Callable[[T], Any], **query: str) -> dict[str, Any]:
    """Return one page of a list, newest first, from one more item than fits on it.

    `query` has parameters for the URLs of the other pages, besides those of the request.
    """
    size, place = cloud_of(request).page_size, place_of(request)
    more = len(found) > size
    items = found[-size:] if place.newer else found[:size]
    older, newer = (True, more) if place.newer else (more, place.number is not None)
    return {
        "previous": _link(request, "newer", items[0][0], query) if newer and items else None,
        "next": _link(request, "older", items[-1][0], query) if older and items else None,
        "results": [show(item) for _number, item in items],
    }


def page_of_all(request: Request, items: Sequence[T], show: Callable[[T], Any], **query: str) -> dict[str, Any]:
    """Return one page of a complete list, in the given order."""
    size, place = cloud_of(request).page_size + 1, place_of(request)
    numbered = [(len(items) - index, item) for index, item in enumerate(items)]
    if place.newer:
        found = [pair for pair in numbered if pair[0] > (place.number or 0)][-size:]
    else:
        found = [pair for pair in numbered if place.number is None or pair[0] < place.number][:size]
    return page(request, found, show, **query)


def _link(request: Request, direction: str, number: int, query: dict[str, str]) -> str:
    cursor = base64.urlsafe_b64encode(f"{direction}={number}".encode()).decode()
    text = urlencode({**request.query_params, **query, "cursor": cursor})
    return f"{origin_of(request)}/v1{request.url.path.removeprefix('/v1')}?{text}"
