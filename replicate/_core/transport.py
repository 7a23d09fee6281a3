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

from replicate._core.tls import deferred

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Hashable, Mapping


class Transport(Protocol):
    """What a session needs of the world. A blocking one never suspends."""

    blocking: bool

    async def send(self, request: Mapping[str, Any], *, stream: bool = False) -> httpx.Response:
        """Exchange a request, given as arguments of `httpx.Client.build_request`, for an answer.

        The answer's content has been read, unless `stream`: then read it with `chunks`, or `close_response` it.
        GET and HEAD follow redirects.
        """
        ...

    def chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield a streamed answer's content as it arrives, and close the answer at the end."""
        ...

    async def read(self, response: httpx.Response) -> None:
        """Read a streamed answer to its end."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    def now(self) -> float:
        """Give the time in seconds of a clock that only ever goes forward."""
        ...

    def twin(self) -> Transport:
        """Give the same transport in the other colour: always the same one, whose twin is this one."""
        ...

    async def close(self) -> None:
        """Close the connections. An asynchronous one closes those of the running event loop, and its twin's."""
        ...


class BlockingTransport:
    """httpx.Client: made on first use, shared by all threads."""

    blocking = True

    def __init__(
        self, client: httpx.Client | None = None, *, twin: AsyncTransport | None = None, **options: Any
    ) -> None:
        self._client, self._twin, self._options = client, twin, options
        self._lock = Lock()

    @property
    def client(self) -> httpx.Client:
        if self._client is None:
            with self._lock:
                if self._client is None:
                    self._client = httpx.Client(**with_tls(self._options))
                    weakref.finalize(self, self._client.close)
        return self._client

    async def send(self, request: Mapping[str, Any], *, stream: bool = False) -> httpx.Response:
        outgoing = self.client.build_request(**request)
        return self.client.send(outgoing, stream=stream, follow_redirects=follows(outgoing))

    async def chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        try:
            for chunk in response.iter_bytes():
                yield chunk
        finally:
            response.close()

    async def read(self, response: httpx.Response) -> None:
        response.read()

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def now(self) -> float:
        return time.monotonic()

    def twin(self) -> AsyncTransport:
        with self._lock:
            self._twin = self._twin or AsyncTransport(twin=self, **self._options)
        return self._twin

    async def close(self) -> None:
        if self._client is not None:
            self._client.close()


class AsyncTransport:
    """httpx.AsyncClient: one for each event loop that uses it, asyncio's or trio's.

    A connection belongs to the loop it was made in, so one client for several `asyncio.run` calls needs several pools.
    Each is closed with its loop, by an asynchronous generator that the loop shuts down as its last act.
    """

    blocking = False

    def __init__(
        self, client: httpx.AsyncClient | None = None, *, twin: BlockingTransport | None = None, **options: Any
    ) -> None:
        self._client, self._twin, self._options = client, twin, options
        self._lock = Lock()
        self._keepers: weakref.WeakKeyDictionary[Hashable, Keeper] = weakref.WeakKeyDictionary()

    async def client(self) -> httpx.AsyncClient:
        if self._client is not None:
            return self._client
        loop = running_loop()
        if loop not in self._keepers:
            for other in [other for other, keeper in self._keepers.items() if keeper.client.is_closed]:
                del self._keepers[other]
            client = httpx.AsyncClient(**with_tls(self._options))
            self._keepers[loop] = Keeper(client, keep(client))
            await self._keepers[loop].generator.__anext__()
        return self._keepers[loop].client

    async def send(self, request: Mapping[str, Any], *, stream: bool = False) -> httpx.Response:
        client = await self.client()
        outgoing = client.build_request(**request)
        return await client.send(outgoing, stream=stream, follow_redirects=follows(outgoing))

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

    async def sleep(self, seconds: float) -> None:
        from anyio import sleep

        await sleep(seconds)

    def now(self) -> float:
        return time.monotonic()

    def twin(self) -> BlockingTransport:
        with self._lock:
            self._twin = self._twin or BlockingTransport(twin=self, **self._options)
        return self._twin

    async def close(self) -> None:
        if self._twin is not None:
            await self._twin.close()
        if self._client is not None:
            await self._client.aclose()
            return
        if keeper := self._keepers.get(running_loop()):
            await keeper.generator.aclose()


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


def with_tls(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give httpx options that share the TLS settings, unless the caller has a say in them."""
    if options.keys() & {"verify", "cert", "trust_env"}:
        return {**options}
    return {"verify": deferred(), **options}


def follows(request: httpx.Request) -> bool:
    """Decide whether to follow redirects: never with a body, which might be sent twice or to somebody else."""
    return request.method in ("GET", "HEAD")
