"""The connections of one event loop, asyncio's or trio's: fast to find, limited, and closed when the loop ends."""

from __future__ import annotations

import sys
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar, cast

import httpx

from replicate._dual.generators import PATIENCE
from replicate._http.connections.client_factory import with_lazy_cookies
from replicate._http.connections.interface import ALWAYS, LATE
from replicate._http.secrecy.hiding import Sealed, authorization_of, request_of
from replicate._http.secrecy.scrubbing import cut

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Hashable
    from datetime import timedelta

    from anyio import Event

    from replicate._http.connections.client_factory import ClientFactory

T = TypeVar("T")

MOST = 500
"""Maximum number of concurrent requests. Further requests wait for a place."""
MOST_IDLE = 100
"""Maximum number of idle clients."""
IDLE = 5.0
"""Seconds for which an idle client and its connections are kept while there are other requests, as in httpx."""


class Needs:
    """The blocks that still need connections when their event loop ends and closes everything at the same time."""

    def __init__(self) -> None:
        self._ends: set[Event] = set()

    @contextmanager
    def needed(self) -> Generator[None, None, None]:
        """Keep the connections open to the end of this block."""
        from anyio import Event

        end = Event()
        self._ends.add(end)
        try:
            yield
        finally:
            self._ends.discard(end)
            end.set()

    async def unneeded(self) -> None:
        """Wait until nobody needs the connections, for at most PATIENCE seconds."""
        from anyio import move_on_after

        with move_on_after(PATIENCE):
            while self._ends:
                await next(iter(self._ends)).wait()


Unused: TypeAlias = "deque[tuple[float, httpx.AsyncClient]]"
"""Idle clients with the times since which they are idle, the oldest first."""


class Clients(NamedTuple):
    """The clients of a ClientPool. Their own pools hold the requests in progress."""

    free: Unused
    free_for_creates: Unused
    all: dict[httpx.AsyncClient, Unused]
    """Each client with the idle clients that it joins after use."""


class ClientPool(Needs):
    """httpx.AsyncClients that each send one request at a time, made as they are needed.

    The pool inside such a client checks every connection for every request. With a hundred concurrent requests, that is
    nearly the whole cost of a request. So each request gets its own client, and the pools stay small.
    """

    def __init__(self, factory: ClientFactory) -> None:
        from anyio import Semaphore

        super().__init__()
        self.is_closed: bool = False
        self._factory = factory
        limits = factory.limits
        self._places = Semaphore(limits.max_connections or MOST)
        idle = limits.max_keepalive_connections
        self._most_idle = MOST_IDLE if idle is None else idle
        first: httpx.AsyncClient = with_lazy_cookies(factory.make())  # here, so that invalid settings raise early
        free = deque([(time.monotonic(), first)])
        self._sealed = Sealed(Clients(free, deque(), {first: free}))

    @property
    def _free(self) -> Unused:
        return self._sealed.open().free

    @property
    def _free_for_creates(self) -> Unused:
        return self._sealed.open().free_for_creates

    @property
    def _all(self) -> dict[httpx.AsyncClient, Unused]:
        return self._sealed.open().all

    def prepare(self, url: httpx.URL | str) -> None:
        """Load the certificates if a request to this URL is the first that needs them. Raises VariableError."""
        self._factory.prepare(url)

    async def take(self, seconds: float = ALWAYS, limits: Any = None, *, creates: bool = False) -> httpx.AsyncClient:
        """Wait for a place, and return the idle client that was used last, or else a new one.

        A client that `creates` has no connection that was idle for more than a moment. Raises httpx.PoolTimeout if
        there is no place within so many seconds, or within the pool timeout of `limits`, an httpx timeout.
        """
        from anyio import WouldBlock

        try:
            self._places.acquire_nowait()
        except WouldBlock:
            patience = httpx.Timeout(limits).pool
            longest = seconds if patience is None else min(seconds, patience)
            await with_timeout(self._places.acquire(), longest, httpx.PoolTimeout)
        free = self._free_for_creates if creates else self._free
        if free:
            return free.pop()[1]
        try:
            client: httpx.AsyncClient = with_lazy_cookies(self._factory.make(creates=creates))
        except BaseException:
            self._places.release()
            raise
        self._all[client] = free
        return client

    async def give_back(self, client: httpx.AsyncClient) -> None:
        """Release a client for other requests. Close clients that have been idle for long, or that are too many."""
        self._places.release()
        now = time.monotonic()
        free = self._all.get(client, self._free)
        free.append((now, client))
        while free and (len(free) > self._most_idle or free[0][0] < now - IDLE):
            _, unused = free.popleft()
            await unused.aclose()
            self._all.pop(unused, None)

    async def discard(self, client: httpx.AsyncClient) -> None:
        """Close a client whose request was interrupted at an unknown point, and release its place for a new one."""
        self._places.release()
        self._all.pop(client, None)
        await client.aclose()

    async def close(self) -> None:
        """Close all connections, even those in use."""
        self.is_closed = True
        for client in [*self._all]:  # some may be returned meanwhile
            await client.aclose()


class GivenClient:
    """The caller's client, which has its own limits, in place of a ClientPool."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = Sealed(client)

    @property
    def is_closed(self) -> bool:
        return self._client.open().is_closed

    def prepare(self, url: httpx.URL | str) -> None:
        pass

    async def take(self, *_: Any, **__: Any) -> httpx.AsyncClient:
        return self._client.open()

    async def give_back(self, client: httpx.AsyncClient) -> None:
        pass

    async def discard(self, client: httpx.AsyncClient) -> None:
        pass


class PooledStream(httpx.AsyncByteStream):
    """The content of a response. It holds the place of its request until it is closed, and ends at the deadline."""

    def __init__(
        self, response: httpx.Response, left: Callable[[], float], release: Callable[[], Awaitable[None]]
    ) -> None:
        self._stream: Sealed[Any] = Sealed(response.stream)
        self._request = request_of(response)
        self._left, self._release = left, release
        self._parts: Sealed[AsyncIterator[bytes]] | None = None
        self._released = False

    def _secret(self) -> bytes | None:
        return authorization_of(self._request)

    def __aiter__(self) -> AsyncIterator[bytes]:
        # Not a generator: a half-read one would have to be closed.
        self._parts = Sealed(aiter(self._stream.open()))
        return self

    async def __anext__(self) -> bytes:
        outer, parts = sys.exception(), cast("Sealed[AsyncIterator[bytes]]", self._parts)
        left = self._left()
        if left <= 0:  # parts that have arrived already are not awaited
            raise httpx.ReadTimeout(LATE)
        try:
            return await with_timeout(parts.open().__anext__(), left, httpx.ReadTimeout)
        except StopAsyncIteration:
            raise
        except BaseException as error:
            cut(error, outer, self._secret())
            raise

    @property
    def elapsed(self) -> timedelta | None:
        """How long the response took, where httpx2 looks for it."""
        return getattr(self._stream.open(), "elapsed", None)

    async def aclose(self) -> None:
        outer = sys.exception()
        try:
            await self._stream.open().aclose()
        except BaseException as error:
            cut(error, outer, self._secret())
            raise
        finally:
            if not self._released:
                self._released = True
                await self._release()


async def with_timeout(result: Awaitable[T], seconds: float, late: Callable[[str], Exception]) -> T:
    """Await something for at most so many seconds; then raise the error that `late` makes, such as httpx's."""
    if seconds == ALWAYS:
        return await result
    from anyio import move_on_after

    with move_on_after(seconds):
        return await result
    raise late(f"The time was up after {max(0.0, seconds):.1f} s.")


class PoolEntry(NamedTuple):
    """The pool of a loop, and the generator that closes it."""

    lanes: ClientPool
    generator: AsyncGenerator[None, None]


async def close_with_loop(lanes: ClientPool) -> AsyncGenerator[None, None]:
    """Keep a pool open until this generator is closed: explicitly, when it is dropped, or when its event loop ends."""
    try:
        yield
    finally:
        try:
            if not lanes.is_closed:
                await lanes.unneeded()
        finally:
            await lanes.close()


def running_loop() -> Hashable:
    """Return an object that identifies the running event loop: asyncio's, or else trio's."""
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        trio: Any = sys.modules["trio"]
        return cast("Hashable", trio.lowlevel.current_trio_token())


def has_ended(loop: Any, keeper: PoolEntry) -> bool:
    """Return whether a pool or its loop is closed. Only asyncio's loops show that they are."""
    return keeper.lanes.is_closed or (hasattr(loop, "is_closed") and loop.is_closed())
