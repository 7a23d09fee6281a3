"""A line to a real server on which things go wrong, one request after the other, as a plan says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HTML = "<html><body><h1>Bad Gateway</h1></body></html>"


def problem(status: int, **members: Any) -> httpx.Response:
    return httpx.Response(status, json={"status": status, **members})


@dataclass(frozen=True)
class Fault:
    """What happens to a request: whether the server gets it, and what the client gets instead of its answer."""

    name: str
    reaches: bool
    """Whether the server acts on the request."""
    outcome: Callable[[], httpx.Response | Exception]

    def __repr__(self) -> str:
        return self.name


FINE = Fault("fine", reaches=True, outcome=lambda: httpx.Response(200))
REFUSED = Fault("connection refused", reaches=False, outcome=lambda: httpx.ConnectError("refused"))
RESET_BEFORE = Fault("reset before the server acted", reaches=False, outcome=lambda: httpx.ReadError("reset"))
RESET_AFTER = Fault("reset after the server acted", reaches=True, outcome=lambda: httpx.ReadError("reset"))
SLOW_BEFORE = Fault(
    "no answer in time, the server did nothing", reaches=False, outcome=lambda: httpx.ReadTimeout("slow")
)
SLOW_AFTER = Fault("no answer in time, server acted", reaches=True, outcome=lambda: httpx.ReadTimeout("slow"))
CUT = Fault("answer cut off", reaches=True, outcome=lambda: httpx.RemoteProtocolError("incomplete"))
THROTTLED = Fault("429, body says to wait 3 s", reaches=False, outcome=lambda: problem(429, retry_after=3))
WORDS = Fault(
    "429, words say to wait 5 s",
    reaches=False,
    outcome=lambda: problem(429, detail="Request was throttled. Your rate limit resets in ~5s."),
)
BROKEN_BEFORE = Fault("500 before the server acted", reaches=False, outcome=lambda: problem(500, detail="oops"))
BROKEN_AFTER = Fault("502 after the server acted", reaches=True, outcome=lambda: httpx.Response(502, html=HTML))
UNAVAILABLE = Fault("503", reaches=False, outcome=lambda: problem(503, detail="busy"))
LATE = Fault("504 after the server acted", reaches=True, outcome=lambda: httpx.Response(504, html=HTML))
PAGE = Fault("HTML and 200, server did nothing", reaches=False, outcome=lambda: httpx.Response(200, html=HTML))
PAGE_AFTER = Fault("HTML and 200, server acted", reaches=True, outcome=lambda: httpx.Response(200, html=HTML))

FAULTS = (
    REFUSED,
    RESET_BEFORE,
    RESET_AFTER,
    SLOW_BEFORE,
    SLOW_AFTER,
    CUT,
    THROTTLED,
    WORDS,
    BROKEN_BEFORE,
    BROKEN_AFTER,
    UNAVAILABLE,
    LATE,
    PAGE,
    PAGE_AFTER,
)


@dataclass
class Plan:
    """What happens to the requests of a call, in turn; after these, nothing goes wrong any more.

    `faults` are of the requests that a pattern does not single out; those of `only`, a method and the end of a path, go
    by that.
    """

    faults: list[Fault] = field(default_factory=list)
    only: tuple[str, str] | None = None
    asked: list[str] = field(default_factory=list)
    met: list[tuple[str, Fault]] = field(default_factory=list)

    def next(self, request: httpx.Request) -> Fault:
        """Tell what happens to a request."""
        line = f"{request.method} {request.url.path.removeprefix('/v1')}"
        self.asked.append(line)
        if self.only and not (request.method == self.only[0] and line.endswith(self.only[1])):
            return FINE
        fault = self.faults.pop(0) if self.faults else FINE
        self.met.append((line, fault))
        return fault


class Chaos(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Hands requests to a real server over real connections, or does not, as the plan says."""

    def __init__(self, *, blocking: bool) -> None:
        self.plan = Plan()
        self._inner: Any = httpx.HTTPTransport() if blocking else httpx.AsyncHTTPTransport()

    def follow(self, faults: Sequence[Fault], only: tuple[str, str] | None = None) -> Plan:
        """Begin a new plan, and give it."""
        self.plan = Plan(list(faults), only)
        return self.plan

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        fault = self.plan.next(request)
        if fault is FINE:
            return self._inner.handle_request(request)
        if fault.reaches:
            answer = self._inner.handle_request(request)
            answer.read()
            answer.close()
        return given(fault, request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        fault = self.plan.next(request)
        if fault is FINE:
            return await self._inner.handle_async_request(request)
        if fault.reaches:
            answer = await self._inner.handle_async_request(request)
            await answer.aread()
            await answer.aclose()
        return given(fault, request)

    def close(self) -> None:
        self._inner.close()

    async def aclose(self) -> None:
        await self._inner.aclose()


def given(fault: Fault, request: httpx.Request) -> httpx.Response:
    outcome = fault.outcome()
    if isinstance(outcome, Exception):
        raise outcome
    outcome.request = request
    return outcome
