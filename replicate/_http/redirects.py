"""Redirects: where a response sends a request, and which parts of the request may go there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import httpx

from replicate._http.retry import REPEATABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from replicate_api.types import Request

MAX_REDIRECTS = 10

BODILESS = ("GET", "HEAD")

GOES_ANYWHERE = ("accept", "accept-encoding", "range", "if-range", "last-event-id")
"""Request headers that are kept in a redirect to another origin. Any other may be a secret."""
SEGMENT = re.compile(rb"(?!\.+\Z)[\w.~=+:@!$'()*, -]+")
"""A segment of a file's path that is safe, without percent-encoding."""
STARTS = ("/predictions", "/trainings")
"""Ends of the paths to which a POST starts something that costs money. Such a request is not redirected."""


class Route:
    """The route of a request: along its redirects, and back to its start if it is retried.

    `follow` is True to follow all redirects, as httpx does, False for none, and None for those of GET and HEAD. If
    `wanted` is a function, it is called for the request at each start. The URL of a `file` may be untrusted.
    """

    def __init__(
        self, wanted: Request | Callable[[], Request], *, follow: bool | None = None, file: bool = False
    ) -> None:
        self._wanted, self._follow = wanted, follow
        self.file: bool = file
        self.strange: bool = file
        """Whether somebody other than the caller has named the host of the next request."""
        self._next: Request | None = None
        self._hops = 0
        self.trusted: bool = True
        """Whether only the API has redirected the request."""
        self._start: tuple[Request | None, bool, bool, int] = (None, True, file, 0)

    @property
    def done(self) -> bool:
        """Whether an earlier request of the route may have done something that must not be done twice."""
        return self._start[0] is not None

    def request(self) -> Request:
        """Return the next request."""
        return self._next or (self._wanted() if callable(self._wanted) else self._wanted)

    def restart(self) -> None:
        """Go back to the start, or to the redirect target of a request that must not be sent twice."""
        self._next, self.trusted, self.strange, self._hops = self._start

    def ends(self, response: httpx.Response) -> bool:
        """Return whether a response is final: neither an error nor a redirect to follow."""
        return response.is_success or (self._follow is False and 300 <= response.status_code < 400)

    def goes_on(self, request: Request, arguments: Mapping[str, Any], response: httpx.Response, *, api: bool) -> bool:
        """Return whether a response (from the API if `api`) is followed, and set the next request if so."""
        if self._hops == MAX_REDIRECTS or self._follow is False:
            return False
        if self._follow is None and (request.method not in BODILESS or has_body(arguments)):
            return False
        following = redirected(request, arguments, response)
        if following is None:
            return False
        self._next, self.trusted, self._hops = following, api, self._hops + 1
        self.strange |= httpx.URL(following.path).raw_host != arguments["url"].raw_host
        if request.method not in REPEATABLE and following.method in REPEATABLE:
            self._start = self._next, self.trusted, self.strange, self._hops
        return True


def origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    """Return a URL's scheme, host and port; the port even if it is the scheme's default."""
    return url.scheme, url.raw_host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def is_file_of(url: httpx.URL, base_url: httpx.URL) -> bool:
    """Return whether a URL is that of a file at the API: `/files/…` below the base URL, however a server may read it.

    A URL that could lead elsewhere is not: one with a segment that is empty, is only dots, or contains a separator.
    """
    start = base_url.raw_path.rstrip(b"/") + b"/files/"
    path = url.raw_path.partition(b"?")[0]
    if origin(url) != origin(base_url) or url.userinfo or not path.startswith(start):
        return False
    return all(SEGMENT.fullmatch(unquote_to_bytes(each)) for each in path.removeprefix(start).split(b"/"))


def has_body(arguments: Mapping[str, Any]) -> bool:
    """Return whether a request, in httpx's arguments, has a body."""
    return not arguments.keys().isdisjoint(("content", "files"))


def starts_something(request: Request, url: httpx.URL) -> bool:
    """Return whether a request starts a prediction or a training."""
    return request.method == "POST" and url.path.rstrip("/").endswith(STARTS)


def redirected(request: Request, arguments: Mapping[str, Any], response: httpx.Response) -> Request | None:
    """Return the request that a response redirects to, or None. A request that starts something is not redirected."""
    here: httpx.URL = arguments["url"]
    if not response.has_redirect_location or starts_something(request, here):
        return None
    try:
        url = here.join(response.headers["Location"])
    except (httpx.InvalidURL, UnicodeError):
        return None
    if url.scheme not in ("http", "https") or not url.raw_host:
        return None
    method = method_after(request.method, response.status_code)
    kept = request if method == request.method else without_body(request)
    if origin(url) != origin(here):
        kept = kept._replace(headers=harmless(kept))
    return kept._replace(method=method, path=str(url), query=())


def method_after(method: str, status: int) -> str:
    """Return the method to follow a redirect with, chosen as by httpx and browsers."""
    becomes_get = (status in (302, 303) and method != "HEAD") or (status == 301 and method == "POST")
    return "GET" if becomes_get else method


def without_body(request: Request) -> Request:
    """Return a request without its body and the headers that describe the body."""
    headers = {name: value for name, value in request.headers.items() if not name.lower().startswith("content-")}
    bodiless = type(request)(request.method, request.path)
    return bodiless._replace(query=request.query, headers=headers)


def harmless(request: Request) -> dict[str, str]:
    """Return the headers that may go to another origin, including the content type of a body that goes there."""
    allowed = (*GOES_ANYWHERE, "content-type") if request.content is not None else GOES_ANYWHERE
    return {name: value for name, value in request.headers.items() if name.lower() in allowed}
