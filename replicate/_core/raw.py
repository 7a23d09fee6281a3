"""Requests that no generated endpoint describes: what the client's `get`, `post` and `request` send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._core.options import REQUEST_OPTIONS, RequestOptions, check_keywords
from replicate_api.types import UNSET, Request, query

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from replicate._core.session import Session


class RawOptions(RequestOptions, total=False):
    """What a low-level request is made of."""

    json: Any
    """A JSON body."""
    body: Any
    """The same."""
    params: Mapping[str, Any] | None
    """Query parameters."""
    headers: Mapping[str, str] | None
    """Headers to add, or to replace."""


RAW_OPTIONS = ("json", "body", "params", "headers", *REQUEST_OPTIONS)


async def exchange(session: Session[Any], method: str, url: str, options: Mapping[str, Any]) -> httpx.Response:
    """Send a request to a path below the API's base URL, or to a full URL; give the answer, its content read."""
    check_keywords(options, RAW_OPTIONS)
    json = options.get("json", UNSET)
    if json is UNSET:
        json = options.get("body", UNSET)
    elif "body" in options:
        raise TypeError("json= and body= are the same: pass one of them")
    headers: dict[str, str] = {**(options.get("headers") or {}), **(options.get("extra_headers") or {})}
    params: dict[str, Any] = {**(options.get("params") or {}), **(options.get("extra_query") or {})}
    request = Request(method.upper(), url, query(**params), headers, json)
    # As the session's own too: what the caller says here goes before the headers of the client.
    rest = {name: options[name] for name in ("extra_body", "timeout", "max_retries") if name in options}
    return await session.given({**rest, "extra_headers": headers}).send(request)
