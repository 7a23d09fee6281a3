"""Middleware of the application: authentication, common response headers, and a log of the requests."""

from __future__ import annotations

import json
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs
from starlette.datastructures import Headers, MutableHeaders

from replicate.local.files import is_loopback
from replicate.local.problems import Problem, ProblemResponse, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_REMEMBERED = 10_000
_LARGEST_REMEMBERED = 1 << 20
_OPEN = ("/streams/", "/delivery/")  # these paths are unguessable
_CREATES = ("/predictions", "/trainings")


@attrs.define
class Received:
    """A request as received, without its token; `status` is that of the response, once there is one.

    `size` is the size of the body, and `body` its content if it is JSON and not huge.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    size: int = 0
    body: bytes = b""
    status: int | None = None

    @property
    def json(self) -> Any:
        """The parsed body, or None if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Gate:
    """ASGI middleware around the application."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token
        self.log: deque[Received] = deque(maxlen=_REMEMBERED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        headers = Headers(scope=scope)
        received = Received(
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            {name: value for name, value in headers.items() if name != "authorization"},
        )
        self.log.append(received)
        scope["path"] = scope["path"].removeprefix("/v1") or "/"
        app = self._app
        if problem := self._problem(scope, headers):
            app = ProblemResponse(problem)
        await app(scope, _recording(receive, received), _marking(send, received, scope))

    def _problem(self, scope: Scope, headers: Headers) -> Problem | None:
        host = _hostname(headers.get("host", ""))
        if not is_loopback(host):
            return Problem(
                403, f"The local server answers on 127.0.0.1 and localhost only, not as {host!r}.", title="Wrong host"
            )
        if b"%2f" in scope.get("raw_path", b"").lower():
            return not_found()
        path = scope["path"]
        if path.startswith(_OPEN) or (path.startswith("/files/") and path.endswith("/download")):
            return None
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() in {"bearer", "token"} and secrets.compare_digest(token.encode(), self._token.encode()):
            return None
        article = "a valid" if token else "an"
        return Problem(401, f"You did not pass {article} authentication token", title="Unauthenticated")


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return host


def _recording(receive: Receive, received: Received) -> Receive:
    """Record the size of the body as it is received, and its content if the log keeps it."""
    is_json = received.headers.get("content-type", "").startswith("application/json")

    async def recorded() -> Message:
        message = await receive()
        body = message.get("body", b"")
        received.size += len(body)
        if is_json:
            received.body = received.body + body if received.size <= _LARGEST_REMEMBERED else b""
        return message

    return recorded


def _marking(send: Send, received: Received, scope: Scope) -> Send:
    """Add the headers that every response of the API has."""
    create = scope["method"] == "POST" and scope["path"].endswith(_CREATES)

    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            received.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["ratelimit-remaining"] = "599" if create else "2999"
            headers["ratelimit-reset"] = "1"
            headers["x-request-id"] = secrets.token_hex(16)
            headers["x-content-type-options"] = "nosniff"
        await send(message)

    return marked
