"""Sessions send requests to the API: authenticated, retried, checked, timed.

A session knows where the API is and who calls it. It deliberately does not know what an operation means: that is in
the generated endpoints, and in the resources above.
"""

from __future__ import annotations

import copy
import json
import random
import re
import sys
from copy import deepcopy
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import httpx
from attrs import evolve

from replicate._dual.colours import Async, C, ColouredSession, Other, P, Sync, T
from replicate._dual.generators import closing
from replicate._dual.signatures import check_keywords
from replicate._http import retry
from replicate._http.attempt import Attempt
from replicate._http.config import LAST_CHANCE, configured_values
from replicate._http.config import Config as Config  # noqa: PLC0414 - with the session it is of
from replicate._http.connections.interface import ThirdPartyRequest
from replicate._http.connections.transport import AsyncTransport, BlockingTransport
from replicate._http.environment import log as log_variable
from replicate._http.error_responses import UNANSWERED, connection_error, unreadable, without_context
from replicate._http.libraries import own_timeout, own_url
from replicate._http.options import REQUEST_OPTIONS, check_values, encoded, merged, put, within
from replicate._http.rate_limit import RateLimiter
from replicate._http.redirects import BODILESS, Route, is_file_of, origin
from replicate._http.secrecy.hiding import BEARER, hide
from replicate._version import __version__
from replicate.exceptions import APIConnectionError, APIResponseValidationError, APIStatusError, ReplicateError
from replicate_api.types import UNSET, MalformedResponse, multipart, query

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from replicate._http.connections.interface import Transport
    from replicate._http.observing import ResponseCapture, Started
    from replicate_api.types import Endpoint, Request


url_of = lru_cache(64)(httpx.URL)  # many requests go to the same URLs, and parsing is slow
ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
USER_AGENT = f"replicate/{__version__} python/{sys.version.split()[0]}"
HEADERS = httpx.Headers({"User-Agent": USER_AGENT, "Accept": "application/json"}, encoding="latin-1")
"""The headers of each request, unless it has others."""


class Session(ColouredSession[C]):
    """A conversation with the API, of one colour."""

    def __init__(self, config: Config, transport: Transport) -> None:
        self.config: Config = config
        self.transport: Transport = transport
        self.blocking: bool = transport.blocking
        self.memory: dict[Any, Any] = {}
        """What the client remembers of models; shared with the sessions derived from this one."""
        self.paces: dict[httpx.URL, RateLimiter] = {}
        """The rate limiters of polls, by base URL; shared likewise."""
        self._known: tuple[httpx.URL, str, RateLimiter, dict[httpx.URL, RateLimiter]] | None = None
        self.reached: dict[tuple[str, bytes, int | None], set[str]] = {}
        """Private addresses of hosts to which connections may exist; shared likewise."""
        self.capture: ResponseCapture | None = None
        """Captures the response of the method that this session is used for, if any."""

    @property
    def pace(self) -> RateLimiter:
        """The rate limiter of polls."""
        return self._place()[2]

    @property
    def address(self) -> str:
        """The base URL as text, without a trailing slash."""
        return self._place()[1][:-1]

    def _place(self) -> tuple[httpx.URL, str, RateLimiter, dict[httpx.URL, RateLimiter]]:
        """Return the base URL, its text with a trailing slash, its rate limiter, and the dictionary of limiters.

        The tuple is kept while the base URL is the same object, because turning it into text is slow.
        """
        url = self.config.base_url
        if (known := self._known) is None or known[0] is not url or known[3] is not self.paces:
            pace = self.paces.get(url) or self.paces.setdefault(url, RateLimiter())
            known = self._known = url, f"{str(url).rstrip('/')}/", pace, self.paces
        return known

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.config.base_url}>"

    def __copy__(self) -> Session[C]:
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Session[C]:
        """Return a session with a copy of the settings, over the same connections."""
        config = self.config
        headers, query, body = (
            {**configured_values(config.headers)},
            deepcopy(configured_values(config.query), memo),
            config.body,
        )
        return self.evolve(headers=headers, query=query, body=deepcopy(body, memo))

    def given(self, options: Mapping[str, Any]) -> Session[C]:
        """Return this session with other options. Raises TypeError or ValueError for invalid ones."""
        options = {name: value for name, value in options.items() if value is not UNSET}
        if not options:
            return self
        check_keywords(options, REQUEST_OPTIONS)
        check_values(options)
        changes: dict[str, Any] = {
            name: own_timeout(options[name]) for name in ("timeout", "max_retries") if name in options
        }
        if extra := options.get("extra_headers"):
            changes["headers"] = merged(self.config.headers, extra)
        for name in ("query", "body"):
            if extra := options.get(f"extra_{name}"):
                changes[name] = {**getattr(self.config, name), **extra}
        return self.evolve(**changes)

    def evolve(self, **changes: Any) -> Session[C]:
        """Return this session with a changed configuration, over the same connections."""
        other = copy.copy(self)
        other.config = evolve(self.config, **changes)
        return other

    def uncaptured(self) -> Session[C]:
        """Return this session for the secondary requests of a method, which are not captured."""
        if self.capture is None:
            return self
        other = copy.copy(self)
        other.capture = None
        return other

    def remaining(self) -> float:
        """Return the seconds until the deadline."""
        deadline = self.config.deadline
        return float("inf") if deadline is None else deadline - self.transport.now()

    # ---- the API's operations

    async def call(self, endpoint: Endpoint[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Send a generated endpoint's request and parse the response.

        Raises APIStatusError, APIConnectionError; APIResponseValidationError for an unreadable response; TypeError or
        ValueError, before anything is sent, for invalid parameters.
        """
        response = await self.answer(endpoint.build_request(*args, **kwargs))
        return self.parse(endpoint, response)

    async def answer(
        self,
        wanted: Request | Callable[[], Request],
        *,
        started: Started | None = None,
        redirects: bool | None = None,
    ) -> httpx.Response:
        """Send the main request of a method, as `send` does. The response can be captured before it has been read.

        `started` is the create that this request belongs to, if any.
        """
        if (capture := self.capture) is None:
            return await self.send(wanted, redirects=redirects, started=started)
        stream, capture.streaming = capture.streaming, False  # if this fails, the requests after it are not streamed
        response = await self.send(wanted, stream=stream, redirects=redirects, started=started)
        if stream:
            await capture.pause(response, started)
            await self.read(response)
        else:
            capture.note(response)
        return response

    async def look_up(self, request: Request, parse: Callable[[httpx.Response], T]) -> T:
        """Send a GET and parse the response. An unreadable response is retried like an error."""
        retries = 0
        while True:
            response = await self.answer(request)
            try:
                return parse(response)
            except APIResponseValidationError:
                if self.capture is not None and self.capture.paused:
                    raise  # the caller has it already
                failure = retry.Failure(repeatable=True, refused=False, transient=True)
                pause = retry.delay(retries, failure, max_retries=self.config.max_retries, jitter=random.random())
                if pause is None or pause >= self.remaining():
                    raise
            retries += 1
            await self.transport.sleep(pause)

    def parse(self, endpoint: Endpoint[..., T], response: httpx.Response) -> T:
        """Parse a response as its endpoint does."""
        try:
            return endpoint.parse_response(response.content)
        except MalformedResponse as error:
            raise unreadable(response, str(error)) from without_context(error)

    # ---- requests

    async def send(
        self,
        wanted: Request | Callable[[], Request],
        *,
        stream: bool = False,
        redirects: bool | None = None,
        file: bool = False,
        started: Started | None = None,
    ) -> httpx.Response:
        """Send a request until it succeeds. Raises the error when a retry is not allowed or cannot help.

        If `wanted` is a function, it builds the request for each attempt. The response's content has been read, unless
        `stream`. GET and HEAD follow redirects; with `redirects`, so do all requests that start nothing; with False,
        the redirect is returned. A retry starts from the first URL. The URL of a `file` is untrusted: it gets the token
        only if it is a file of the API, and must not be private; neither must the target of a redirect. `started` is
        the create that this request belongs to, and is notified when it is sent.
        """
        log_variable.follow()
        retries = refusals = 0
        route = Route(wanted, follow=redirects, file=file)
        while True:
            attempt = Attempt(self, route, started, retries + 1)
            error: APIConnectionError | APIStatusError
            try:
                response = await attempt.exchange(stream=stream)
                if route.ends(response):
                    attempt.succeeded(response)
                    response.extensions["retries_taken"] = retries
                    return response
                response = await attempt.whole_error(response)
                if attempt.follows(response):
                    attempt.succeeded(response)
                    continue
            except UNANSWERED as cause:
                error, failure = attempt.unanswered(cause)
            else:
                error, failure = attempt.refused(response)
            most, left, chance = self.config.max_retries, self.remaining(), random.random()
            pause = retry.delay(retries, failure, max_retries=most, jitter=chance, remaining=left, refusals=refusals)
            pause = None if pause is None or pause >= left else pause
            attempt.failed(error, pause)
            if pause is None:
                raise error
            retries, refusals = retries + 1, refusals + failure.waited_out(most, left)
            route.restart()
            await self.transport.sleep(pause)

    def arguments(self, request: Request, *, trusted: bool = True, file: bool = False) -> dict[str, Any]:
        """Return a request as arguments of httpx: with the token if it goes to the API, else as a ThirdPartyRequest.

        A URL of the API that another host redirects to is not `trusted`, and gets no token. Neither does a `file` that
        is not one of the API's.
        """
        config = self.config
        url = self.url(request.path)
        parameters: Any = [*request.query]  # httpx's type for it has invariant lists
        headers = HEADERS.copy()
        if request.headers:
            headers.update(encoded(request.headers))
        # Client-wide headers and parameters go to the API only: not to file hosts, not to streams elsewhere.
        below = not ABSOLUTE.match(request.path)  # paths are below the base URL
        ours = trusted and (self.is_file(url) if file else below or self.is_api(url))
        if ours:
            if config.query:
                given = {name for name, _ in parameters}
                parameters += [(name, value) for name, value in query(**config.query) if name not in given]
            said = (name.lower() == "authorization" for name in (*request.headers, *config.headers))
            if not any(said) and (header := config.credentials.header()):
                headers["Authorization"] = BEARER
                hide(headers, header)
            put(headers, config.headers)
        if "sealed" not in vars(headers):
            hide(headers)
        url = url.copy_merge_params(parameters) if parameters else url
        arguments: dict[str, Any] = {
            "method": request.method,
            "url": url,
            "headers": headers,
            "timeout": within(config.timeout, max(LAST_CHANCE, self.remaining())),
        }
        bodiless = request.method in BODILESS and request.json is UNSET
        body: Mapping[str, Any] = config.body if ours and not bodiless else {}
        if request.parts:
            parts = (*request.parts, *multipart(body))
            arguments["files"] = [(part.name, (part.filename, part.content, part.content_type)) for part in parts]
        elif request.content is not None:
            arguments["content"] = request.content
        elif body or request.json is not UNSET:
            arguments["content"] = as_json({**(request.json or {}), **body} if body else request.json)
            headers.setdefault("Content-Type", "application/json")
        if not ours:
            return ThirdPartyRequest(arguments)
        # An httpx client with its own parameters would replace a URL's parameters, but not these.
        return {**arguments, "params": url.params} if url.query else arguments

    def url(self, path: str) -> httpx.URL:
        """Resolve a path below the API's base URL; an absolute URL is kept. Raises ReplicateError."""
        start = "" if ABSOLUTE.match(path) else self._place()[1]
        try:
            return (url_of if start else httpx.URL)(start + path.lstrip("/"))
        except (httpx.InvalidURL, UnicodeError) as error:
            shown = re.split(r"[?#]", path, maxsplit=1)[0][:200]  # the rest may be a signature
            raise ReplicateError(f"{shown!r} cannot be fetched, for it is no URL: {error}.") from error

    def is_api(self, url: httpx.URL | str) -> bool:
        """Return whether a URL has the API's origin: scheme, host and port. Any text can be passed."""
        try:
            url = httpx.URL(url)
        except (httpx.InvalidURL, UnicodeError):
            return False
        return origin(url) == origin(self.config.base_url)

    def is_file(self, url: httpx.URL | str) -> bool:
        """Return whether a URL is a file of the API, which gets the token. Any text can be passed."""
        try:
            return is_file_of(httpx.URL(url), self.config.base_url)
        except (httpx.InvalidURL, UnicodeError):
            return False

    async def chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield a streamed response's content as it arrives, and close it at the end. Raises APIConnectionError."""
        async with closing(self.transport.chunks(response)) as content:
            try:
                async for chunk in content:
                    yield chunk
            except UNANSWERED as cause:
                raise connection_error(cause, response.request.method, own_url(response.request.url)) from cause

    async def read(self, response: httpx.Response) -> None:
        """Read a streamed response to its end. Raises APIConnectionError."""
        try:
            await self.transport.read(response)
        except UNANSWERED as cause:
            raise connection_error(cause, response.request.method, own_url(response.request.url)) from cause

    def afresh(self) -> Session[Sync]:
        """Return a blocking session with the same configuration and its own connections, which the caller closes."""
        return Session(self.config, self.transport.afresh())

    def of_colour(self, colour: type[Other]) -> Session[Other]:
        """Return this session in a colour: itself, or the same configuration over other connections."""
        if self.blocking is (colour is Sync):
            return self  # type: ignore[return-value]  # the condition says so
        other: Any = copy.copy(self)
        other.transport = self.transport.twin()
        other.blocking = other.transport.blocking
        return other  # type: ignore[no-any-return]


def as_json(value: Any) -> bytes:
    """Encode a body as httpx does, before anything counts as sent. Raises ValueError for what JSON cannot express."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the body cannot be JSON: {error}") from error


def blocking_session(config: Config, client: httpx.Client | None = None, **options: Any) -> Session[Sync]:
    """Create a blocking session, over the caller's client or one with the given httpx options."""
    return Session(config, BlockingTransport(client, **options))


def async_session(config: Config, client: httpx.AsyncClient | None = None, **options: Any) -> Session[Async]:
    """Create an asynchronous session, over the caller's client or one with the given httpx options."""
    return Session(config, AsyncTransport(client, **options))
