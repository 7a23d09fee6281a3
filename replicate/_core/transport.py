"""The only place that blocks or awaits: HTTP exchanges and the clock, in both colours behind one interface.

A transport knows httpx. It deliberately does not know Replicate: no URLs, no token, no retries.
"""

from __future__ import annotations

import sys
import time
import weakref
from contextlib import aclosing
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import httpx

from replicate._core.lifetime import check_colour, check_not_given, check_open, inherited, transports
from replicate._core.shield import shielded
from replicate._core.tls import with_tls

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable, Mapping


class Transport(Protocol):
    """What a session needs of the world. A blocking one never suspends."""

    blocking: bool

    async def send(self, request: Mapping[str, Any], *, stream: bool = False) -> httpx.Response:
        """Exchange a request, given as arguments of `httpx.Client.build_request`, for an answer.

        The answer's content has been read, unless `stream`: then read it with `chunks` or `read`. A redirect is an
        answer like any other. With a Foreign request goes nothing of what the httpx client is set to.
        """
        ...

    def chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield a streamed answer's content as it arrives, and close the answer at the end."""
        ...

    async def read(self, response: httpx.Response) -> None:
        """Read a streamed answer to its end."""
        ...

    async def close_response(self, response: httpx.Response) -> None:
        """Let go of a streamed answer's connection."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    async def shielded(self, work: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
        """Do some work to its end, for so many seconds at most, though the task is being canceled."""
        ...

    def now(self) -> float:
        """Give the time in seconds of a clock that only ever goes forward."""
        ...

    def over(self, client: Any) -> Transport:
        """Give a transport of this colour over a client of the caller's."""
        ...

    def twin(self) -> Transport:
        """Give the same transport in the other colour: always the same one, whose twin is this one.

        Raises ReplicateError over a client of the caller's, whose settings the other colour would not have.
        """
        ...

    async def close(self) -> None:
        """Close the connections. An asynchronous one closes those of the running event loop, and its twin's."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether it has been closed."""
        ...


class Foreign(dict[str, Any]):
    """A request to somebody else than the API: it carries what is in it, and nothing that a client would add."""


class BlockingTransport:
    """httpx.Client: made on first use, shared by all threads, and by no other process."""

    blocking = True

    def __init__(
        self, client: httpx.Client | None = None, *, twin: AsyncTransport | None = None, **options: Any
    ) -> None:
        check_colour(client, blocking=True)
        self._client, self._twin, self._options = client, twin, options
        self._given = client is not None
        self.closed: bool = twin is not None and twin.closed
        self._finalizer: weakref.finalize[..., BlockingTransport] | None = None
        self._lock = Lock()
        transports.add(self)

    @property
    def is_closed(self) -> bool:
        return self.closed or (self._client is not None and self._client.is_closed)

    @property
    def client(self) -> httpx.Client:
        check_open(self)
        if self._client is None:
            with self._lock:
                if self._client is None:
                    made = httpx.Client(**with_tls(self._options))
                    self._finalizer = weakref.finalize(self, made.close)
                    self._client = made
        return self._client

    async def send(self, request: Mapping[str, Any], *, stream: bool = False) -> httpx.Response:
        check_open(client := self.client)
        if isinstance(request, Foreign):
            return client.send(bare(request), stream=stream, follow_redirects=False, auth=None)
        return client.send(client.build_request(**request), stream=stream, follow_redirects=False)

    async def chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        try:
            for chunk in response.iter_bytes():
                yield chunk
        finally:
            response.close()

    async def read(self, response: httpx.Response) -> None:
        response.read()

    async def close_response(self, response: httpx.Response) -> None:
        response.close()

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def shielded(self, work: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:  # noqa: ARG002
        await work()  # which keeps to the time by the deadline of its requests

    def now(self) -> float:
        return time.monotonic()

    def over(self, client: httpx.Client) -> BlockingTransport:
        return BlockingTransport(client)

    def twin(self) -> AsyncTransport:
        check_not_given(self._given, "AsyncReplicate")
        with self._lock:
            self._twin = self._twin or AsyncTransport(twin=self, **self._options)
        return self._twin

    async def close(self) -> None:
        self.closed = True
        if self._client is not None:
            self._client.close()

    def forget(self) -> None:
        """Leave to the parent process what was inherited from it, without closing it."""
        self._lock = Lock()
        if self._finalizer is not None:
            self._finalizer.detach()
            inherited.append(self._client)
            self._client = self._finalizer = None


class AsyncTransport:
    """httpx.AsyncClient: one for each event loop that uses it, asyncio's or trio's.

    A connection belongs to the loop it was made in, so one client for several `asyncio.run` calls needs several pools.
    Each is closed with its loop, by an asynchronous generator that the loop shuts down as its last act.
    """

    blocking = False

    def __init__(
        self, client: httpx.AsyncClient | None = None, *, twin: BlockingTransport | None = None, **options: Any
    ) -> None:
        check_colour(client, blocking=False)
        self._client, self._twin, self._options = client, twin, options
        self.closed: bool = twin is not None and twin.closed
        self._lock = Lock()
        self._keepers: dict[Hashable, Keeper] = {}
        transports.add(self)

    @property
    def is_closed(self) -> bool:
        return self.closed or (self._client is not None and self._client.is_closed)

    async def client(self) -> httpx.AsyncClient:
        check_open(self)
        if self._client is not None:
            return self._client
        loop = running_loop()
        with self._lock:
            if keeper := self._keepers.get(loop):
                return keeper.client
            # A keeper holds its loop, so what has ended must be let go by hand.
            for other in [other for other, keeper in self._keepers.items() if ended(other, keeper)]:
                del self._keepers[other]
            client = httpx.AsyncClient(**with_tls(self._options))
            generator = keep(client)
            self._keepers[loop] = Keeper(client, generator)
        await generator.__anext__()
        return client

    async def send(self, request: Mapping[str, Any], *, stream: bool = False) -> httpx.Response:
        check_open(client := await self.client())
        if isinstance(request, Foreign):
            return await client.send(bare(request), stream=stream, follow_redirects=False, auth=None)
        return await client.send(client.build_request(**request), stream=stream, follow_redirects=False)

    async def chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        try:
            content = cast("AsyncGenerator[bytes, None]", response.aiter_bytes())
            async with aclosing(content):
                async for chunk in content:
                    yield chunk
        finally:
            await response.aclose()

    async def read(self, response: httpx.Response) -> None:
        await response.aread()

    async def close_response(self, response: httpx.Response) -> None:
        await response.aclose()

    async def sleep(self, seconds: float) -> None:
        from anyio import sleep

        await sleep(seconds)

    async def shielded(self, work: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
        await shielded(work, seconds)

    def now(self) -> float:
        return time.monotonic()

    def over(self, client: httpx.AsyncClient) -> AsyncTransport:
        return AsyncTransport(client)

    def twin(self) -> BlockingTransport:
        check_not_given(self._client is not None, "Replicate")
        with self._lock:
            self._twin = self._twin or BlockingTransport(twin=self, **self._options)
        return self._twin

    async def close(self) -> None:
        self.closed = True
        if self._twin is not None:
            await self._twin.close()
        if self._client is not None:
            await self._client.aclose()
            return
        with self._lock:
            keeper = self._keepers.pop(running_loop(), None)
        if keeper is not None:
            await keeper.generator.aclose()

    def forget(self) -> None:
        """Leave to the parent process what was inherited from it, without closing it."""
        self._lock = Lock()
        inherited.append(self._keepers)
        self._keepers = {}


class Keeper(NamedTuple):
    """A client, and the generator that closes it."""

    client: httpx.AsyncClient
    generator: AsyncGenerator[None, None]


async def keep(client: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    """Hold a client open until this generator is closed: by hand, when it is dropped, or when its event loop ends."""
    try:
        yield
    finally:
        await client.aclose()


def running_loop() -> Hashable:
    """Give what stands for the event loop that runs this: asyncio's, or else trio's."""
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        trio: Any = sys.modules["trio"]
        return cast("Hashable", trio.lowlevel.current_trio_token())


def bare(request: Foreign) -> httpx.Request:
    """Make a request by hand, so that a client's own headers, cookies and parameters are not merged into it."""
    arguments = {name: value for name, value in request.items() if name != "timeout"}
    return httpx.Request(**arguments, extensions={"timeout": httpx.Timeout(request["timeout"]).as_dict()})


def ended(loop: Any, keeper: Keeper) -> bool:
    """Tell whether a pool is of no more use: it is closed, or its loop is, which asyncio's know of themselves."""
    return keeper.client.is_closed or (hasattr(loop, "is_closed") and loop.is_closed())
