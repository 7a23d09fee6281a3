"""Where an answer sends a request on to, and what may go along."""

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
"""Headers of a request that follow a redirect to another origin; any other may be a secret."""
SEGMENT = re.compile(rb"(?!\.+\Z)[\w.~=+:@!$'()*, -]+")
"""What may be between the slashes of a file's path, nothing quoted."""
STARTS = ("/predictions", "/trainings")
"""How the path ends of what a POST starts, and costs money. Such a request is sent to no other place."""


class Route:
    """The way of a request: on to where it is redirected, and from its start again when it is repeated.

    `follow` is True for all redirects, as httpx follows them, False for none, and None for those of GET and HEAD. A
    function is asked for the request anew each time that it starts. Of a `file` a stranger may have written the URL.
    """

    def __init__(
        self, wanted: Request | Callable[[], Request], *, follow: bool | None = None, file: bool = False
    ) -> None:
        self._wanted, self._follow = wanted, follow
        self.file: bool = file
        self.strange: bool = file
        """Whether somebody else than the caller has named the host of the next request."""
        self._next: Request | None = None
        self._hops = 0
        self.trusted: bool = True
        """Whether only the API has redirected it."""
        self._start: tuple[Request | None, bool, bool, int] = (None, True, file, 0)

    @property
    def done(self) -> bool:
        """Whether something on the way may have been done already that must not be done twice."""
        return self._start[0] is not None

    def request(self) -> Request:
        """Give the request that is next."""
        return self._next or (self._wanted() if callable(self._wanted) else self._wanted)

    def restart(self) -> None:
        """Go back to the start, or to where a request that must not be sent twice was redirected to."""
        self._next, self.trusted, self.strange, self._hops = self._start

    def ends(self, response: httpx.Response) -> bool:
        """Tell whether this is an answer to give, and not an error or a redirect to follow."""
        return response.is_success or (self._follow is False and 300 <= response.status_code < 400)

    def goes_on(self, request: Request, arguments: Mapping[str, Any], response: httpx.Response, *, api: bool) -> bool:
        """Tell whether an answer of the API, or of somebody else, redirects to what is then the next request."""
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
    """Give a URL's scheme, host, and port, also where it is the scheme's own."""
    return url.scheme, url.raw_host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def is_file_of(url: httpx.URL, base_url: httpx.URL) -> bool:
    """Tell whether a URL is one of a file at the API: `/files/…` below the base URL, however a server may read it.

    Whatever could lead elsewhere is none: a segment that is empty or of dots, or holds what separates segments.
    """
    start = base_url.raw_path.rstrip(b"/") + b"/files/"
    path = url.raw_path.partition(b"?")[0]
    if origin(url) != origin(base_url) or url.userinfo or not path.startswith(start):
        return False
    return all(SEGMENT.fullmatch(unquote_to_bytes(each)) for each in path.removeprefix(start).split(b"/"))


def has_body(arguments: Mapping[str, Any]) -> bool:
    """Tell whether a request, as httpx takes it, has a body."""
    return not arguments.keys().isdisjoint(("content", "files"))


def starts_something(request: Request, url: httpx.URL) -> bool:
    """Tell whether a request starts a prediction or a training."""
    return request.method == "POST" and url.path.rstrip("/").endswith(STARTS)


def redirected(request: Request, arguments: Mapping[str, Any], response: httpx.Response) -> Request | None:
    """Give the request that an answer redirects to, or None. What starts something is not sent anywhere else."""
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
    """Give the method by which a redirect is followed, as httpx and browsers choose it."""
    becomes_get = (status in (302, 303) and method != "HEAD") or (status == 301 and method == "POST")
    return "GET" if becomes_get else method


def without_body(request: Request) -> Request:
    """Give a request without its body, and without what is said of that."""
    headers = {name: value for name, value in request.headers.items() if not name.lower().startswith("content-")}
    bodiless = type(request)(request.method, request.path)
    return bodiless._replace(query=request.query, headers=headers)


def harmless(request: Request) -> dict[str, str]:
    """Give the headers of a request that may go to another origin: among them the type of the body that goes along."""
    allowed = (*GOES_ANYWHERE, "content-type") if request.content is not None else GOES_ANYWHERE
    return {name: value for name, value in request.headers.items() if name.lower() in allowed}
