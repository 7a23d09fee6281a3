"""Where an answer sends a request on to, and what may go along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicate_api.types import Request

MAX_REDIRECTS = 10

BODILESS = ("GET", "HEAD")

GOES_ANYWHERE = ("accept", "accept-encoding", "range", "if-range", "last-event-id")
"""Headers of a request that follow a redirect to another origin; any other may be a secret."""


def origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    """Give a URL's scheme, host, and port, also where it is the scheme's own."""
    return url.scheme, url.raw_host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def redirected(request: Request, arguments: Mapping[str, Any], response: httpx.Response) -> Request | None:
    """Give the request that an answer redirects to, or None: one with a body goes to nobody else, and not twice."""
    bodiless = request.method in BODILESS and not arguments.keys() & {"json", "files"}
    if not bodiless or not response.has_redirect_location:
        return None
    try:
        url = arguments["url"].join(response.headers["Location"])
    except (httpx.InvalidURL, UnicodeError):
        return None
    if url.scheme not in ("http", "https") or not url.raw_host:
        return None
    headers = request.headers
    if origin(url) != origin(arguments["url"]):
        headers = {name: value for name, value in headers.items() if name.lower() in GOES_ANYWHERE}
    return request._replace(path=str(url), query=(), headers=headers)
