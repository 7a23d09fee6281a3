"""One attempt to send a request. It notifies the rate limiter, the observers, the log, and the run that it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import httpx

from replicate._http import log, retry
from replicate._http.config import LAST_CHANCE
from replicate._http.connections.addresses import Unfetchable
from replicate._http.connections.interface import ThirdPartyRequest
from replicate._http.connections.sending import UNTRACED, traced
from replicate._http.connections.unpacking import TooLargeError
from replicate._http.error_responses import (
    connection_error,
    error_of,
    excerpt,
    may_have_arrived,
    read_beginning,
    redirects_with_the_token,
    request_id_of,
)
from replicate._http.guard import send_guarded
from replicate._http.rate_limit import limits_of

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from replicate._http.config import Config
    from replicate._http.connections.interface import Transport
    from replicate._http.connections.sending import Sending
    from replicate._http.observing import Started
    from replicate._http.rate_limit import RateLimiter
    from replicate._http.redirects import Route
    from replicate.exceptions import APIConnectionError, APIStatusError
    from replicate_api.types import Request

HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.TooManyRedirects, Unfetchable, TooLargeError)
"""Errors that a retry cannot fix."""


class Sender(Protocol):
    """The part of a session that an attempt uses."""

    config: Config
    transport: Transport
    blocking: bool
    reached: dict[tuple[str, bytes, int | None], set[str]]

    @property
    def pace(self) -> RateLimiter:
        """The rate limiter for the session's API."""
        ...

    def remaining(self) -> float:
        """Return the seconds until the deadline."""
        ...

    def arguments(self, request: Request, *, trusted: bool = ..., file: bool = ...) -> dict[str, Any]:
        """Return a request as httpx's arguments."""
        ...


class Attempt:
    """One attempt to send the next request of a route.

    `started` stands for the run that the request starts, and is notified when the request goes out and when it ends.
    `number` counts from 1.
    """

    def __init__(self, session: Sender, route: Route, started: Started | None, number: int) -> None:
        self.request: Request = route.request()
        self.arguments: dict[str, Any] = session.arguments(self.request, trusted=route.trusted, file=route.file)
        self._session, self._route, self._started, self._number = session, route, started, number
        self._observers = session.config.observers
        self._shown: httpx.Request | None = None
        self._began = self._seconds = 0.0
        self._repeatable = self.request.method in retry.REPEATABLE
        self._to_api = not isinstance(self.arguments, ThirdPartyRequest)
        self._sending: Sending = UNTRACED
        if not self._repeatable:
            self._sending = traced(self.arguments, blocking=session.blocking, own=session.transport.own)

    @property
    def _paced(self) -> bool:
        """Whether the response shows how much is left of the quota for requests other than creates."""
        return self._repeatable and self._to_api

    async def exchange(self, *, stream: bool) -> httpx.Response:
        """Send the request, and return the response, with its content read unless `stream`. Raises UNANSWERED."""
        session, transport, started = self._session, self._session.transport, self._started
        if started is not None:
            await transport.prepare(self.arguments["url"])  # if this fails, nothing was sent
        if self._observers is not None:
            self._shown = self._observers.sending(self.arguments, self._number)
        self._began = transport.now()
        if started is None:
            response = await self._send(stream=stream)
        else:
            started.going_out(self.arguments["headers"], self._began)
            try:
                response = await self._send(stream=stream)
            except BaseException as error:
                started.ended(arrived=may_have_arrived(error, self._sending))
                raise
            started.ended(arrived=response.status_code != 429 and self._sending.arrived(otherwise=True))
        now = transport.now()
        self._seconds = now - self._began
        if self._paced and (limits := limits_of(response.headers)):
            session.pace.learn(limits, now)
        if self._observers is not None:
            self._observers.received(response, self._shown, self._seconds)
        return response

    def _send(self, *, stream: bool) -> Coroutine[Any, Any, httpx.Response]:
        session = self._session
        return send_guarded(
            session.transport,
            self.arguments,
            session.config,
            session.reached,
            stranger=self._route.strange,
            stream=stream,
            seconds=max(LAST_CHANCE, session.remaining()),
            creates=self._started is not None,
        )

    async def whole_error(self, response: httpx.Response) -> httpx.Response:
        """Return an unsuccessful response with as much of its content as an error shows. Raises UNANSWERED."""
        if not self._to_api:
            return await read_beginning(response, self._session.transport)
        await self._session.transport.read(response, self._session.config.max_response_bytes)
        return response

    def follows(self, response: httpx.Response) -> bool:
        """Return whether the response is a redirect that the route follows."""
        if redirects_with_the_token(response):
            return False
        return self._route.goes_on(self.request, self.arguments, response, api=self._to_api)

    def refused(self, response: httpx.Response) -> tuple[APIStatusError, retry.Failure]:
        """Return the error for an error response, and the description of the failure."""
        authorized = "Authorization" in self.arguments["headers"]
        error = error_of(response, authorized=authorized, missing=self._session.config.credentials.hint)
        repeatable = self._repeatable or not self._sending.arrived(otherwise=True)
        if self._paced and response.status_code == 429:
            self._session.pace.pause(error.retry_after or retry.FIRST_DELAY, self._session.transport.now())
        return error, retry.refusal(response.status_code, repeatable=repeatable, told=error.retry_after)

    def unanswered(
        self, cause: httpx.RequestError | TimeoutError | ConnectionError
    ) -> tuple[APIConnectionError, retry.Failure]:
        """Return the error for an exception raised instead of a response, and the description of the failure."""
        self._seconds = self._session.transport.now() - self._began
        error = connection_error(cause, self.request.method, self.arguments["url"], self._sending)
        error.sent |= self._route.done
        transient = not isinstance(cause, HOPELESS)
        return error, retry.Failure(self._repeatable, refused=not error.sent, transient=transient)

    def succeeded(self, response: httpx.Response) -> None:
        """Log a response that is not an error."""
        if log.shows(log.DEBUG):
            self._log(response.status_code, request_id_of(response))

    def failed(self, error: APIConnectionError | APIStatusError, pause: float | None) -> None:
        """Report an error to the observers and the log. `pause` is the seconds until the retry, None without one."""
        if self._observers is not None:
            self._observers.failed(error, pause)
        if log.shows(log.DEBUG):
            again = "not sent again" if pause is None else f"sent again in {pause:.2f} s"
            self._log(error.status_code or "no answer", error.request_id, f"; {type(error).__name__}, {again}")

    def _log(self, result: object, request_id: str | None, rest: str = "") -> None:
        path = self.arguments["url"].raw_path.partition(b"?")[0].decode("ascii")  # a query can hold a signature
        known = f", request id {excerpt(request_id)}" if request_id else ""
        told = self.request.method, path, result, self._seconds * 1000, self._number, known, rest
        log.debug("%s %s -> %s in %.0f ms (attempt %d%s)%s", *told)
