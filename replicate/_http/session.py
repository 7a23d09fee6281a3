"""Sends requests to the API, with authentication, retries, checks and timeouts.

A session knows the API's URL and the token. It deliberately does not know what an operation means: the generated
endpoints know that, and the resources above them.
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
from replicate._http.config import Config as Config  # noqa: PLC0414 - exported with Session
from replicate._http.connections.interface import ThirdPartyRequest
from replicate._http.connections.transport import AsyncTransport, BlockingTransport
from replicate._http.environment import log as log_variable
from replicate._http.error_responses import UNANSWERED, connection_error, unreadable, without_context
from replicate._http.libraries import own_timeout, own_url
from replicate._http.options import REQUEST_OPTIONS, check_parts, check_values, merged, put, within
from replicate._http.rate_limit import RateLimiter
from replicate._http.redirects import BODILESS, Route, is_file_of, origin
from replicate._http.secrecy.hiding import BEARER, hide
from replicate._version import __version__
from replicate._wording import harmless, safe_repr
from replicate.exceptions import APIConnectionError, APIResponseValidationError, APIStatusError, ReplicateError
from replicate_api.types import UNSET, MalformedResponse, multipart, query

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from replicate._http.connections.interface import Transport
    from replicate._http.observing import ResponseCapture, Started
    from replicate_api.types import Endpoint, Request


url_of = lru_cache(64)(httpx.URL)  # caches frequent URLs: parsing takes longer than a look-up
ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
USER_AGENT = f"replicate/{__version__} python/{sys.version.split()[0]}"
JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
HEADERS = httpx.Headers({"User-Agent": USER_AGENT, "Accept": "application/json"}, encoding="latin-1")
"""The default headers of every request."""


class Session(ColouredSession[C]):
    """Sends requests to the API in one colour."""

    def __init__(self, config: Config, transport: Transport) -> None:
        self.config: Config = config
        self.transport: Transport = transport
        self.blocking: bool = transport.blocking
        self.memory: dict[Any, Any] = {}
        """What flows remember about models; shared with the sessions that are derived from this one."""
        self.paces: dict[httpx.URL, RateLimiter] = {}
        """The rate limiter for polling at each base URL; shared likewise."""
        self._known: tuple[httpx.URL, str, RateLimiter, dict[httpx.URL, RateLimiter]] | None = None
        self.reached: dict[tuple[str, bytes, int | None], set[str]] = {}
        """The private addresses of hosts to which there may be connections; shared likewise."""
        self.capture: ResponseCapture | None = None
        """Captures the response of the method that this session is used for."""

    @property
    def pace(self) -> RateLimiter:
        """The rate limiter for polling."""
        return self._place()[2]

    @property
    def address(self) -> str:
        """The base URL as text, without a trailing slash."""
        return self._place()[1][:-1]

    def _place(self) -> tuple[httpx.URL, str, RateLimiter, dict[httpx.URL, RateLimiter]]:
        """Return the base URL, the same as text with a trailing slash, its rate limiter, and `paces`, which has that.

        The result is cached while the base URL is the same object, as converting it to text takes long.
        """
        url = self.config.base_url
        if (known := self._known) is None or known[0] is not url or known[3] is not self.paces:
            pace = self.paces.get(url) or self.paces.setdefault(url, RateLimiter())
            known = self._known = url, f"{str(url).rstrip('/')}/", pace, self.paces
        return known

    @safe_repr
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.config.base_url}>"

    def __copy__(self) -> Session[C]:
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Session[C]:
        """Return a session over the same connections, with the same settings, which can be changed independently."""
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
        """Return this session without its capture, for the additional requests of a method."""
        if self.capture is None:
            return self
        other = copy.copy(self)
        other.capture = None
        return other

    def remaining(self) -> float:
        """Return the seconds until the deadline."""
        deadline = self.config.deadline
        return float("inf") if deadline is None else deadline - self.transport.now()

    def _latest(self) -> float:
        """Return the time until which a request that is sent now may last, on the transport's clock."""
        if (deadline := self.config.deadline) is None:
            return float("inf")
        return max(deadline, self.transport.now()) + LAST_CHANCE

    # ---- the API's operations

    async def call(self, endpoint: Endpoint[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Send a generated endpoint's request and parse the response.

        Raises APIStatusError, APIConnectionError, or APIResponseValidationError if the content is not the API's.
        Raises TypeError or ValueError for invalid parameters, before anything is sent.
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
        """Send a method's main request, as `send` does. Its response can be captured before it is read.

        `started` stands for the run that the request starts.
        """
        if (capture := self.capture) is None:
            return await self.send(wanted, redirects=redirects, started=started)
        stream, capture.streaming = capture.streaming, False  # if this fails, a later response is not streamed
        response = await self.send(wanted, stream=stream, redirects=redirects, started=started)
        if stream:
            await capture.pause(response, started)
            await self.read(response)
        else:
            capture.note(response)
        return response

    async def look_up(self, request: Request, parse: Callable[[httpx.Response], T]) -> T:
        """Send a GET and parse the response. If the content is not the API's, retry as after an error."""
        retries = 0
        while True:
            response = await self.answer(request)
            try:
                return parse(response)
            except APIResponseValidationError:
                if self.capture is not None and self.capture.paused:
                    raise  # the caller has already seen the response
                failure = retry.Failure(repeatable=True, refused=False, transient=True)
                pause = retry.delay(retries, failure, max_retries=self.config.max_retries, jitter=random.random())
                if pause is None or pause >= self.remaining():
                    raise
            retries += 1
            await self.transport.sleep(pause)

    def parse(self, endpoint: Endpoint[..., T], response: httpx.Response) -> T:
        """Parse a response as its endpoint does. Raises APIResponseValidationError."""
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
        """Send a request, with retries, and return the success response. Raises APIStatusError, APIConnectionError.

        If `wanted` is a function, it is called for the request at first and before each retry. The response's content
        is read, unless `stream`. GET and HEAD requests follow redirects. If `redirects` is True, so do all requests
        that start nothing; if it is False, the redirect is returned. A retry follows the redirects anew. The URL of a
        `file` may be untrusted: it gets the token only if it is that of a file at the API, and its host must not be
        private. Nor must a redirect lead to a private host. `started` stands for the run that the request starts, and
        is notified whether the request has gone out.
        """
        log_variable.follow()
        retries = refusals = 0
        route = Route(wanted, follow=redirects, file=file)
        latest = self._latest()
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
                    if self.transport.now() > latest:
                        raise httpx.ReadTimeout("The time was up after a redirect.")
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
        """Return a request as httpx's arguments: with the token for the API, or else as a ThirdPartyRequest.

        A request that a third party has redirected to the API is not `trusted`, and gets no token either. Nor does a
        `file` that is not one of the API's.
        """
        config = self.config
        url = self.url(request.path)
        parameters: Any = [*request.query]  # httpx's type has invariant lists
        headers = HEADERS.copy()
        put(headers, request.headers)
        # A client's token, headers and so on go only to the API itself: not to file hosts, not to streams elsewhere.
        below = not ABSOLUTE.match(request.path)  # a path is below the API's URL
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
            check_parts(parts)
            arguments["files"] = [(part.name, (part.filename, part.content, part.content_type)) for part in parts]
        elif request.content is not None:
            arguments["content"] = request.content
        elif body or request.json is not UNSET:
            arguments["content"] = as_json({**(request.json or {}), **body} if body else request.json)
            if "Content-Type" not in headers:
                headers["Content-Type"] = "application/json"
        if not ours:
            return ThirdPartyRequest(arguments)
        # An httpx client's own parameters would replace those of a URL, but not these.
        return {**arguments, "params": url.params} if url.query else arguments

    def url(self, path: str) -> httpx.URL:
        """Resolve a path below the API's base URL; an absolute URL stays unchanged. Raises ReplicateError."""
        start = "" if ABSOLUTE.match(path) else self._place()[1]
        try:
            return (url_of if start else httpx.URL)(start + path.lstrip("/"))
        except (httpx.InvalidURL, UnicodeError) as error:
            shown = re.split(r"[?#]", path, maxsplit=1)[0][:200]  # the rest may be a signature
            raise ReplicateError(f"{shown!r} cannot be fetched, for it is no URL: {error}.") from error

    def link(self, value: object) -> str | None:
        """Return a value of a response if it is an absolute URL that can be requested, else None."""
        if not isinstance(value, str) or not ABSOLUTE.match(value):
            return None
        try:
            return value if self.url(value).host else None
        except ReplicateError:
            return None

    def is_api(self, url: httpx.URL | str) -> bool:
        """Return whether a URL has the API's origin: scheme, host and port. Any text can be passed."""
        try:
            url = httpx.URL(url)
        except (httpx.InvalidURL, UnicodeError):
            return False
        return origin(url) == origin(self.config.base_url)

    def is_file(self, url: httpx.URL | str) -> bool:
        """Return whether a URL is that of a file at the API, which gets the token. Any text can be passed."""
        try:
            return is_file_of(httpx.URL(url), self.config.base_url)
        except (httpx.InvalidURL, UnicodeError):
            return False

    async def chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield a streamed response's content as it arrives, and close it at the end. Raises APIConnectionError."""
        async with closing(self.transport.chunks(response, self.config.max_response_bytes)) as content:
            try:
                async for chunk in content:
                    yield chunk
            except UNANSWERED as cause:
                raise connection_error(cause, response.request.method, own_url(response.request.url)) from cause

    async def read(self, response: httpx.Response) -> None:
        """Read a streamed response to its end. Raises APIConnectionError."""
        try:
            await self.transport.read(response, self.config.max_response_bytes)
        except UNANSWERED as cause:
            raise connection_error(cause, response.request.method, own_url(response.request.url)) from cause

    def afresh(self) -> Session[Sync]:
        """Return a blocking session of the same configuration with its own connections, which must be closed."""
        return Session(self.config, self.transport.afresh())

    def of_colour(self, colour: type[Other]) -> Session[Other]:
        """Return this session in a colour, with the same configuration; itself if it already has that colour."""
        if self.blocking is (colour is Sync):
            return self  # type: ignore[return-value]  # the condition ensures it
        other: Any = copy.copy(self)
        other.transport = self.transport.twin()
        other.blocking = other.transport.blocking
        return other  # type: ignore[no-any-return]


def as_json(value: Any) -> bytes:
    """Encode a body as httpx does, before anything counts as sent. Raises ValueError if JSON cannot express it."""
    try:
        return JSON.encode(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(harmless(f"the body cannot be JSON: {error}")) from error


def blocking_session(config: Config, client: httpx.Client | None = None, **options: Any) -> Session[Sync]:
    """Return a blocking session over the caller's client, or over one with the given httpx options."""
    return Session(config, BlockingTransport(client, **options))


def async_session(config: Config, client: httpx.AsyncClient | None = None, **options: Any) -> Session[Async]:
    """Return an asynchronous session over the caller's client, or over one with the given httpx options."""
    return Session(config, AsyncTransport(client, **options))
