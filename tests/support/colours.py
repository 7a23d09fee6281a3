"""Fixtures and functions to write a test once for every colour: blocking, asyncio and trio.

A folder's conftest.py imports `each_colour` and `pytest_pyfunc_call`. A test that is a coroutine function and uses
`colour`, or a client, then runs once in each colour.
"""

from __future__ import annotations

import asyncio
import inspect
import math
from contextlib import aclosing, nullcontext
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio

from replicate import AsyncReplicate, Replicate
from replicate._dual.drive import drive
from replicate._objects.page import Listing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

RUN: dict[str, Callable[[Any], Any]] = {
    "blocking": drive,
    "asyncio": asyncio.run,
    "trio": lambda coroutine: trio.run(lambda: coroutine),
}
TOKEN = "r8_test"


@pytest.fixture(name="colour", params=list(RUN))
def each_colour(request: pytest.FixtureRequest) -> str:
    """Return each colour in turn."""
    return str(request.param)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine function in its colour."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    RUN[pyfuncitem.callspec.params["colour"]](pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


# httpx does not close its inner generators when a stream is left before its end, and trio warns of them.
leaves_streams = pytest.mark.filterwarnings(
    "ignore:Async generator 'httpx:ResourceWarning", "ignore:Async generator 'httpcore:ResourceWarning"
)


def connect(colour: str, **options: Any) -> Any:
    """Make a client of a colour."""
    options = {"bearer_token": TOKEN, **options}
    return Replicate(**options) if colour == "blocking" else AsyncReplicate(**options)


def scripted(colour: str, answer: Callable[[httpx.Request], httpx.Response], **options: Any) -> Any:
    """Make a client whose requests are answered by a function."""
    http = (httpx.Client if colour == "blocking" else httpx.AsyncClient)(transport=httpx.MockTransport(answer))
    return connect(colour, http_client=http, **options)


async def got(value: Any) -> Any:
    """Return the result of a method: of a blocking client as it is, else awaited."""
    return await value if inspect.iscoroutine(value) or isinstance(value, Listing) else value


async def each(items: Any) -> AsyncGenerator[Any, None]:
    """Iterate over the result of a method with `for` or `async for`."""
    session = getattr(items, "_session", None)
    if session.blocking if session else not hasattr(items, "__aiter__"):
        for item in items:
            yield item
    else:
        async with aclosing(items) if hasattr(items, "aclose") else nullcontext():
            async for item in items:
                yield item


async def collect(items: Any, into: list[Any] | None = None) -> list[Any]:
    """Iterate to the end and return the items. A caller's list also has them if the end is an error."""
    collected: list[Any] = [] if into is None else into
    async for item in each(items):
        collected.append(item)  # noqa: PERF401 - an error must not discard earlier items
    return collected


class Clock:
    """Time that passes only while a client sleeps. `wake` is called after each sleep, with the number of sleeps."""

    def __init__(self, client: Any, wake: Callable[[int], None] = lambda _: None) -> None:
        self.time, self.sleeps, self.wake = 0.0, list[float](), wake
        transport = client._session.transport
        transport.now, transport.sleep = lambda: self.time, self.sleep

    async def sleep(self, seconds: float) -> None:
        if seconds:  # a pause too short to change the time still takes some
            self.time = max(self.time + seconds, math.nextafter(self.time, math.inf))
        self.sleeps.append(seconds)
        self.wake(len(self.sleeps))
