"""A transport to a real server that injects faults into requests, according to a plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

HTML = "<html><body><h1>Bad Gateway</h1></body></html>"


def problem(status: int, **members: Any) -> httpx.Response:
    return httpx.Response(status, json={"status": status, **members})


@dataclass(frozen=True)
class Fault:
    """A fault of a request: whether the server gets the request, and what the client gets instead of the response."""

    name: str
    reaches: bool
    """Whether the server acts on the request."""
    outcome: Callable[[], httpx.Response | Exception]
    instead: Mapping[str, Any] | None = None
    """Members of the server's own response to replace, if that is the fault."""

    def __repr__(self) -> str:
        return self.name


def answering(name: str, **members: Any) -> Fault:
    """Make a fault that changes the server's response."""
    return Fault(name, reaches=True, outcome=lambda: httpx.Response(200), instead=members)


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
    """The faults of a call's requests, in order. After these, there are no more.

    With `only`, a pattern such as "GET /predictions/*", the faults apply to matching requests only.
    """

    faults: list[Fault] = field(default_factory=list)
    only: str = "*"
    asked: list[str] = field(default_factory=list)
    met: list[tuple[str, Fault]] = field(default_factory=list)

    def next(self, request: httpx.Request) -> Fault:
        """Return the fault of a request."""
        line = f"{request.method} {request.url.path.removeprefix('/v1')}"
        self.asked.append(line)
        if not fnmatchcase(line, self.only):
            return FINE
        fault = self.faults.pop(0) if self.faults else FINE
        self.met.append((line, fault))
        return fault


class Chaos(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends requests to a real server over real connections, with the faults of the plan."""

    def __init__(self, *, blocking: bool) -> None:
        self.plan = Plan()
        self._inner: Any = httpx.HTTPTransport(verify=False) if blocking else httpx.AsyncHTTPTransport(verify=False)

    def follow(self, faults: Sequence[Fault], only: str = "*") -> Plan:
        """Start a new plan and return it."""
        self.plan = Plan([*faults], only)
        return self.plan

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        fault = self.plan.next(request)
        if not fault.reaches:
            return given(fault, request)
        answer = self._inner.handle_request(request)
        if fault is FINE:
            return answer
        if fault is CUT and is_stream(answer):
            return httpx.Response(200, headers=answer.headers, stream=Broken(answer.stream))
        if not is_stream(answer):  # a stream may have no end
            answer.read()
        answer.close()
        return given(fault, request, answer)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        fault = self.plan.next(request)
        if not fault.reaches:
            return given(fault, request)
        answer = await self._inner.handle_async_request(request)
        if fault is FINE:
            return answer
        if fault is CUT and is_stream(answer):
            return httpx.Response(200, headers=answer.headers, stream=Broken(answer.stream))
        if not is_stream(answer):
            await answer.aread()
        await answer.aclose()
        return given(fault, request, answer)

    def close(self) -> None:
        self._inner.close()

    async def aclose(self) -> None:
        await self._inner.aclose()


class Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A stream of events that breaks off after the first event."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            yield first_event(chunk)
            raise httpx.ReadError("reset")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            yield first_event(chunk)
            raise httpx.ReadError("reset")

    def close(self) -> None:
        self._inner.close()

    async def aclose(self) -> None:
        await self._inner.aclose()


def first_event(chunk: bytes) -> bytes:
    first, end, _ = chunk.partition(b"\n\n")
    return first + end


def is_stream(answer: httpx.Response) -> bool:
    return answer.headers.get("content-type", "").startswith("text/event-stream")


def given(fault: Fault, request: httpx.Request, answer: httpx.Response | None = None) -> httpx.Response:
    if fault.instead is not None and answer is not None:
        return httpx.Response(answer.status_code, json={**answer.json(), **fault.instead}, request=request)
    outcome = fault.outcome()
    if isinstance(outcome, Exception):
        raise outcome
    outcome.request = request
    return outcome
