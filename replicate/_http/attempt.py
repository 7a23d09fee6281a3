"""One attempt to send a request. Whoever wants to know how it goes is told here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from replicate._http import log, retry
from replicate._http.config import LAST_CHANCE
from replicate._http.connections.interface import Foreign, Unfetchable, beginning
from replicate._http.connections.sending import UNTRACED, traced
from replicate._http.error_responses import error_of, may_have_arrived, redirects_with_the_token, unanswered
from replicate._http.guard import guarded
from replicate._http.rate_limit import limits_of

if TYPE_CHECKING:
    from replicate._http.connections.sending import Sending
    from replicate._http.observing import Started
    from replicate._http.redirects import Route
    from replicate._http.session import Session
    from replicate.exceptions import APIConnectionError, APIStatusError
    from replicate_api.types import Request

HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.TooManyRedirects, Unfetchable)
"""What is raised every time anew."""


class Attempt:
    """One attempt to send a request, the next one of a route.

    The rate limiter learns from its answer. `started` is what the request starts, and learns how far it has gone out.
    """

    def __init__(self, session: Session[Any], route: Route, started: Started | None) -> None:
        self.request: Request = route.request()
        self.arguments: dict[str, Any] = session.arguments(self.request, trusted=route.trusted, file=route.file)
        self._session, self._route, self._started = session, route, started
        self._repeatable = self.request.method in retry.REPEATABLE
        self._to_api = not isinstance(self.arguments, Foreign)
        self._sending: Sending = UNTRACED
        if not self._repeatable:
            self._sending = traced(self.arguments, blocking=session.blocking, own=session.transport.own)

    @property
    def _paced(self) -> bool:
        """Whether the answer tells what is left of the quota for all but creates."""
        return self._repeatable and self._to_api

    async def exchange(self, *, stream: bool) -> httpx.Response:
        """Send the request, and give the answer, its content read unless `stream`. Raises UNANSWERED."""
        session, started = self._session, self._started
        transport, seconds = session.transport, max(LAST_CHANCE, session.remaining())
        where = transport, self.arguments, session.config, session.reached
        how: Any = {"stranger": self._route.strange, "stream": stream, "seconds": seconds}
        if started is None:
            response = await guarded(*where, **how)
        else:
            await transport.prepare(self.arguments["url"])  # what fails here has sent nothing
            started.going_out(self.arguments["headers"], transport.now())
            try:
                response = await guarded(*where, **how, creates=True)
            except BaseException as error:
                started.ended(arrived=may_have_arrived(error, self._sending))
                raise
            started.ended(arrived=response.status_code != 429 and self._sending.arrived(otherwise=True))
        if self._paced and (limits := limits_of(response.headers)):
            session.pace.learn(limits, transport.now())
        return response

    async def whole_error(self, response: httpx.Response) -> httpx.Response:
        """Give an answer that is no success with as much of its content as an error shows. Raises UNANSWERED."""
        if not self._to_api:
            return await beginning(response, self._session.transport)
        await self._session.transport.read(response)
        return response

    def follows(self, response: httpx.Response) -> bool:
        """Tell whether the answer redirects to what the route goes on with."""
        if redirects_with_the_token(response):
            return False
        return self._route.goes_on(self.request, self.arguments, response, api=self._to_api)

    def refused(self, response: httpx.Response) -> tuple[APIStatusError, retry.Failure]:
        """Make the error for an answer that is one, and describe it."""
        authorized = "Authorization" in self.arguments["headers"]
        error = error_of(response, authorized=authorized, missing=self._session.config.credentials.hint)
        repeatable = self._repeatable or not self._sending.arrived(otherwise=True)
        if self._paced and response.status_code == 429:
            self._session.pace.pause(error.retry_after or retry.FIRST_DELAY, self._session.transport.now())
        return error, retry.answered(response.status_code, repeatable=repeatable, told=error.retry_after)

    def unanswered(
        self, cause: httpx.RequestError | TimeoutError | ConnectionError
    ) -> tuple[APIConnectionError, retry.Failure]:
        """Make the error for what was raised in the place of an answer, and describe it."""
        error = unanswered(cause, self.request.method, self.arguments["url"], self._sending)
        error.sent |= self._route.done
        transient = not isinstance(cause, HOPELESS)
        return error, retry.Failure(self._repeatable, refused=not error.sent, transient=transient)

    def succeeded(self, response: httpx.Response) -> None:
        """Tell of an answer that is no error."""
        log.debug("%s %s -> %s", self.request.method, self.arguments["url"].path, response.status_code)

    def failed(self, error: APIConnectionError | APIStatusError, pause: float | None) -> None:
        """Tell of an error, and after how many seconds the request is sent again, if it is."""
        kind, path = type(error).__name__, self.arguments["url"].path
        log.debug("%s %s: %s; retry in %s s", self.request.method, path, kind, pause)
