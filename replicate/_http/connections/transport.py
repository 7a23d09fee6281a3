"""The transports: HTTP exchanges and the clock, in both colours behind one interface.

A transport knows httpx. It deliberately does not know Replicate: no URLs, no token, no retries.
"""

from __future__ import annotations

import time
from contextlib import aclosing, nullcontext
from threading import Lock as Lock  # noqa: PLC0414 - for other modules
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import httpx

from replicate._dual.drive import drive
from replicate._dual.generators import following, without_asyncgen_hooks
from replicate._http.connections import concurrency, unpacking
from replicate._http.connections.blocking_clients import MOMENT, OwnClients
from replicate._http.connections.bodies import MaskedStream, TimedStream, tracked_content
from replicate._http.connections.client_factory import ClientFactory, discreet, plain
from replicate._http.connections.concurrency import run_in_thread, shielded
from replicate._http.connections.deadline_backend import Exchange
from replicate._http.connections.dispatch import send_request, send_request_async
from replicate._http.connections.interface import ALWAYS
from replicate._http.connections.pool import (
    ClientPool,
    GivenClient,
    PooledStream,
    PoolEntry,
    close_with_loop,
    has_ended,
    running_loop,
)
from replicate._http.connections.process import check_colour, check_not_given, check_open, inherited, inheritors
from replicate._http.connections.threads import offload
from replicate._http.libraries import answers_itself, as_own_errors, library_of_options, stream_of
from replicate._http.secrecy.frames import is_foreign
from replicate._http.secrecy.hiding import Sealed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    Work = Sequence[Callable[[], Coroutine[Any, Any, Any]]]

T = TypeVar("T")


K = TypeVar("K", httpx.Client, httpx.AsyncClient)


class Connected(Generic[K]):
    """The base class of transports: the caller's client, or the options for our own clients."""

    blocking: bool

    def __init__(self, client: K | None, twin: Connected[Any] | None, options: Mapping[str, Any]) -> None:
        check_colour(client, blocking=self.blocking)
        self._sealed: Sealed[K | None] = Sealed(client)  # its pool holds the requests in progress
        self._options = discreet(options)
        self._library = library_of_options({**plain(options), "client": client})
        self.closed: bool = twin is not None and twin.closed
        self._lock = Lock()
        inheritors.add(self)

    @property
    def _client(self) -> K | None:
        return self._sealed.open()

    @property
    def options(self) -> Mapping[str, Any]:
        return {**plain(self._options), **({} if self._client is None else {"http_client": self._client})}

    @property
    def own(self) -> bool:
        return self._client is None and not answers_itself(self._options)

    @property
    def is_closed(self) -> bool:
        return self.closed or (self._client is not None and self._client.is_closed)

    def afresh(self) -> BlockingTransport:
        check_not_given(self._client is not None, "Replicate")
        return BlockingTransport(**self._options)

    def now(self) -> float:
        return time.monotonic()

    def forget(self) -> None:
        """Leave inherited connections to the parent process, without closing them."""
        self._lock = Lock()


class BlockingTransport(Connected[httpx.Client]):
    """Sends with httpx.Clients that are made on first use, and shared by all threads of this process only."""

    blocking = True

    def __init__(
        self, client: httpx.Client | None = None, *, twin: AsyncTransport | None = None, **options: Any
    ) -> None:
        super().__init__(client, twin, options)
        self._twin = twin
        self._own = OwnClients(self._options)
        self._interrupted = False  # while the caller's client was sending

    @property
    def client(self) -> httpx.Client:
        check_open(self)
        return self._sealed_for(creates=False).open()

    def _sealed_for(self, *, creates: bool) -> Sealed[httpx.Client]:
        """Return the client for a request. Creates have their own, unless the caller has passed a transport."""
        if self._client is not None:
            return cast("Sealed[httpx.Client]", self._sealed)
        return self._own.take(creates=creates)

    async def prepare(self, url: httpx.URL | str) -> None:
        check_open(self)
        check_open(self._sealed_for(creates=True).open())
        self._own.prepare(url)

    async def send(
        self,
        request: Mapping[str, Any],
        *,
        stream: bool = False,
        seconds: float = ALWAYS,
        creates: bool = False,
        most: float = ALWAYS,
    ) -> httpx.Response:
        exchange = Exchange.within(seconds, request.get("timeout"))
        check_open(self)
        client = self._sealed_for(creates=creates)
        check_open(client.open())
        self._own.prepare(request["url"])
        try:
            response = send_request(client, request, self._library, exchange, own=self._client is None)
        except BaseException as error:
            self._left_by(error)
            raise
        if exchange.limited:
            exchange.answered(stream=stream and response.is_success)
            response.stream = stream_of(TimedStream, self._library)(response, exchange)
        else:
            response.stream = stream_of(MaskedStream, self._library)(response)
        if not stream:
            await self.read(response, most)
        return response

    def _left_by(self, error: BaseException) -> bool:
        """Stop using the clients if an error was an interrupt. Return whether it was."""
        if not is_foreign(error):
            return False
        self._interrupted = self._client is not None
        self._own.discard()
        return True

    def _close_response(self, response: httpx.Response, error: BaseException | None = None) -> None:
        if error is not None and self._left_by(error):
            run_in_thread(response.close, MOMENT)
        else:
            response.close()

    async def chunks(self, response: httpx.Response, most: float = ALWAYS) -> AsyncGenerator[bytes, None]:
        try:
            with as_own_errors(self._library), tracked_content(response, most) as content:
                for chunk in content:
                    yield chunk
        except GeneratorExit:
            response.close()
            raise
        except BaseException as error:
            self._close_response(response, error)
            raise
        response.close()

    async def read(self, response: httpx.Response, most: float = ALWAYS) -> None:
        try:
            with as_own_errors(self._library):
                unpacking.read(response, most)
        except BaseException as error:
            self._close_response(response, error)
            raise

    async def close_response(self, response: httpx.Response) -> None:
        response.close()

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def shielded(self, work: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
        if self._interrupted:  # a lock of the caller's client may be held forever
            run_in_thread(lambda: drive(work()), seconds)
        else:
            await work()  # the deadline of its requests limits the time

    async def in_use(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def offload(self, work: Callable[[], T], *, stalls: bool = False) -> T:  # noqa: ARG002
        return work()

    def turn(self, key: Hashable) -> AbstractAsyncContextManager[None]:
        return concurrency.thread_lock(key)

    async def together(self, work: Work, many: int, interrupted: Callable[[], None]) -> list[Any]:
        return concurrency.in_threads(work, many, interrupted)

    def over(self, client: httpx.Client) -> BlockingTransport:
        return BlockingTransport(client)

    def twin(self) -> AsyncTransport:
        check_not_given(self._client is not None, "AsyncReplicate")
        with self._lock:
            self._twin = self._twin or AsyncTransport(twin=self, **self._options)
        return self._twin

    async def close(self) -> None:
        self.closed = True
        if self._twin is not None:
            self._twin.closed = True  # its connections are closed with their event loops
        self._own.close()
        if self._client is not None and self._interrupted:
            run_in_thread(self._client.close, MOMENT)
        elif self._client is not None:
            self._client.close()

    def forget(self) -> None:
        super().forget()
        self._own.forget()


class AsyncTransport(Connected[httpx.AsyncClient]):
    """Sends with httpx.AsyncClients, in a ClientPool for each event loop that uses it, asyncio's or trio's.

    A connection belongs to the loop it was opened in, so one client needs several pools for several `asyncio.run`.
    Each pool is closed with its loop, by an asynchronous generator that the loop shuts down last.
    """

    blocking = False

    def __init__(
        self, client: httpx.AsyncClient | None = None, *, twin: BlockingTransport | None = None, **options: Any
    ) -> None:
        super().__init__(client, twin, options)
        self._twin = twin
        self._keepers: dict[Hashable, PoolEntry] = {}
        self._shown: httpx.AsyncClient | None = None

    @property
    def client(self) -> httpx.AsyncClient:
        """The caller's client, or one that only shows the settings of those that send the requests."""
        if self._client is not None:
            return self._client
        if (shown := self._shown) is None:
            shown = self._shown = ClientFactory(self._options, blocking=False).make()
        return shown

    async def lanes(self) -> ClientPool | GivenClient:
        """Return the pool for requests of the running event loop, or the caller's client in its place."""
        check_open(self)
        if self._client is not None:
            return GivenClient(self._client)
        loop = running_loop()
        with self._lock:
            if keeper := self._keepers.get(loop):
                return keeper.lanes
            # An entry holds its loop, so entries that have ended must be removed explicitly.
            for other in [other for other, keeper in self._keepers.items() if has_ended(other, keeper)]:
                del self._keepers[other]
            lanes = ClientPool(ClientFactory(self._options, blocking=False))
            generator = close_with_loop(lanes)
            self._keepers[loop] = PoolEntry(lanes, generator)
        await generator.__anext__()
        return lanes

    async def prepare(self, url: httpx.URL | str) -> None:
        (await self.lanes()).prepare(url)

    async def send(
        self,
        request: Mapping[str, Any],
        *,
        stream: bool = False,
        seconds: float = ALWAYS,
        creates: bool = False,
        most: float = ALWAYS,
    ) -> httpx.Response:
        exchange = Exchange.within(seconds, request.get("timeout"))
        lanes = await self.lanes()
        lanes.prepare(request["url"])
        client = Sealed(await lanes.take(seconds, request.get("timeout"), creates=creates and self.own))
        try:
            check_open(self, lanes)
            response = await send_request_async(client, request, self._library, exchange, own=self._client is None)
        except BaseException as error:
            await (lanes.discard if is_foreign(error) else lanes.give_back)(client.open())
            if type(error).__module__.startswith("aiohttp."):  # httpx-aiohttp does not convert all errors
                raise httpx.RemoteProtocolError(str(error)) from error
            raise
        held = stream_of(PooledStream, self._library)
        exchange.answered(stream=stream and response.is_success)
        response.stream = held(response, exchange.left, lambda: self._give_back(client, lanes))
        if not stream:
            await self.read(response, most)
        return response

    async def _give_back(self, client: Sealed[Any], lanes: ClientPool | GivenClient) -> None:
        """Release the client of a response, which keeps this transport, and so the connections, until then."""
        await lanes.give_back(client.open())

    async def chunks(self, response: httpx.Response, most: float = ALWAYS) -> AsyncGenerator[bytes, None]:
        try:
            with as_own_errors(self._library):
                async with aclosing(unpacking.chunks_async(response, most)) as content:
                    while (chunk := await without_asyncgen_hooks(following(content))) is not None:
                        yield chunk
        finally:
            await response.aclose()

    async def read(self, response: httpx.Response, most: float = ALWAYS) -> None:
        try:
            with as_own_errors(self._library):
                await without_asyncgen_hooks(unpacking.read_async(response, most))
        except BaseException:
            await response.aclose()
            raise

    async def close_response(self, response: httpx.Response) -> None:
        await response.aclose()

    async def sleep(self, seconds: float) -> None:
        from anyio import sleep

        await sleep(seconds)

    async def shielded(self, work: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
        await shielded(work, seconds)

    async def in_use(self) -> AbstractContextManager[None]:
        lanes = None if self.is_closed else await self.lanes()
        return (
            lanes.needed() if isinstance(lanes, ClientPool) else nullcontext()
        )  # the owner of a given client closes it

    async def offload(self, work: Callable[[], T], *, stalls: bool = False) -> T:
        return await offload(work, stalls=stalls)

    def turn(self, key: Hashable) -> AbstractAsyncContextManager[None]:
        return concurrency.task_lock(key)

    async def together(self, work: Work, many: int, interrupted: Callable[[], None]) -> list[Any]:  # noqa: ARG002
        return await concurrency.in_tasks(work, many)  # they are canceled with this task

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
            await keeper.lanes.close()
            await keeper.generator.aclose()

    def forget(self) -> None:
        super().forget()
        inherited.append(self._keepers)
        self._keepers = {}
