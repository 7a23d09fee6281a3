"""Sessions for tests: over scripted responses and virtual time, or over real connections without pauses."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import httpx

from replicate._dual.drive import drive
from replicate._http.connections.transport import AsyncTransport, BlockingTransport
from replicate._http.credentials import Credentials
from replicate._http.secrecy.hiding import true_headers
from replicate._http.session import Config, Session

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from replicate_api.types import Request

TOKEN = "r8_0123456789abcdefghijklmnopqrstuvwxyz"
API = "https://api.example.test/v1"


class Scripted:
    """A transport that returns prepared responses, the last one repeatedly. Time passes only in `sleep`.

    An answer is a response, a status, an exception to raise, or a function of the request that returns one of these.
    """

    def __init__(self, *answers: Any, blocking: bool = True) -> None:
        self.blocking = blocking
        self.own = False
        self.answers = list(answers or [200])
        self.requests: list[httpx.Request] = []
        self.sleeps: list[float] = []
        self.time = 0.0
        self.closed = False

    async def prepare(self, url: httpx.URL | str) -> None:
        pass

    async def send(
        self, request: Mapping[str, Any], *, stream: bool = False, seconds: float = float("inf"), creates: bool = False
    ) -> httpx.Response:
        arguments = {name: value for name, value in request.items() if name not in ("timeout", "extensions")}
        arguments["headers"] = httpx.Headers(true_headers(request["headers"]))
        outgoing = httpx.Request(**arguments, extensions={"timeout": request["timeout"]})
        outgoing.read()
        self.requests.append(outgoing)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(outgoing)
        if isinstance(answer, Exception):
            raise answer
        response = httpx.Response(answer, json={}) if isinstance(answer, int) else answer
        response.request = outgoing
        return response

    async def chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        yield response.content

    async def read(self, response: httpx.Response) -> None:
        response.read()

    async def close_response(self, response: httpx.Response) -> None:
        response.close()

    @property
    def is_closed(self) -> bool:
        return self.closed

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds

    async def offload(self, work: Callable[[], Any]) -> Any:
        return work()

    async def in_time(self, work: Callable[[], Any], seconds: float) -> Any:
        return work()

    def turn(self, key: Any) -> Any:
        return nullcontext()

    def now(self) -> float:
        return self.time

    def twin(self) -> Scripted:
        return Scripted(*self.answers, blocking=not self.blocking)

    async def close(self) -> None:
        self.closed = True


class Hasty(BlockingTransport):
    """The real transport without pauses, which it only records."""

    async def sleep(self, seconds: float) -> None:
        self.__dict__.setdefault("sleeps", []).append(seconds)


class HastyAsync(AsyncTransport):
    """The asynchronous transport without pauses."""

    async def sleep(self, seconds: float) -> None:
        self.__dict__.setdefault("sleeps", []).append(seconds)


def config(base_url: str = API, token: str | Callable[[], str | None] | None = TOKEN, **settings: Any) -> Config:
    return Config(base_url=httpx.URL(base_url), credentials=Credentials(token), **settings)


def scripted(*answers: Any, blocking: bool = True, **settings: Any) -> tuple[Session[Any], Scripted]:
    """Return a session over scripted responses, and its transport."""
    transport = Scripted(*answers, blocking=blocking)
    return Session(config(**settings), transport), transport


def sent(session: Session[Any], request: Request) -> httpx.Request:
    """Send a request, and return it as it was sent."""
    drive(session.send(request))
    transport: Any = session.transport
    made: httpx.Request = transport.requests[-1]
    return made
