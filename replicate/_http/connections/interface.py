"""The interface of transports: what a session needs of the outside world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    import httpx


T = TypeVar("T")

ALWAYS: float = float("inf")
TIE: float = 0.05
"""Seconds by which a deadline waits for httpx's own timeouts, which tell whether the request was sent."""


class Transport(Protocol):
    """What a session needs of the outside world. A blocking transport never suspends."""

    blocking: bool

    @property
    def options(self) -> Mapping[str, Any]:
        """The caller's settings of connections: options of httpx's clients, or an `http_client`."""
        ...

    @property
    def own(self) -> bool:
        """Whether requests are sent over our own connections, not by a client or transport of the caller."""
        ...

    @property
    def client(self) -> Any:
        """The httpx client that sends the requests; if there are several, another with the same settings."""
        ...

    async def prepare(self, url: httpx.URL | str) -> None:
        """Create the client for requests to a URL, as `send` would. Raises ReplicateError if that fails."""
        ...

    async def send(
        self, request: Mapping[str, Any], *, stream: bool = False, seconds: float = ALWAYS, creates: bool = False
    ) -> httpx.Response:
        """Exchange a request, given as arguments of `httpx.Client.build_request`, for a response.

        A request that `creates` something uses a connection that was not idle for more than a moment.

        The response's content has been read, unless `stream`: then read it with `chunks` or `read`. Redirects are not
        followed. A ThirdPartyRequest gets none of the httpx client's settings. After so many seconds, also while the
        content is read, this raises httpx.ReadTimeout. A blocking transport notices the timeout when something arrives,
        or when nothing has arrived for as long.
        """
        ...

    def chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield a streamed response's content as it arrives, and close the response at the end."""
        ...

    async def read(self, response: httpx.Response) -> None:
        """Read a streamed response to its end."""
        ...

    async def close_response(self, response: httpx.Response) -> None:
        """Release a streamed response's connection."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    async def shielded(self, work: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
        """Do some work to its end, for so many seconds at most, even while the task is being canceled."""
        ...

    async def in_use(self) -> AbstractContextManager[None]:
        """Return a block during which the connections stay open even if their event loop is ending."""
        ...

    def now(self) -> float:
        """Return the time of a monotonic clock, in seconds."""
        ...

    async def offload(self, work: Callable[[], T]) -> T:
        """Do slow work, such as disk access, without blocking an event loop."""
        ...

    def turn(self, key: Hashable) -> AbstractAsyncContextManager[None]:
        """Return a block that excludes other blocks with the same key."""
        ...

    async def together(
        self,
        work: Sequence[Callable[[], Coroutine[Any, Any, Any]]],
        many: int,
        interrupted: Callable[[], None],
    ) -> list[Any]:
        """Do all work, so many at a time, and return the results, or the exceptions in their places.

        `interrupted` notifies threads, which cannot be canceled, that this was interrupted.
        """
        ...

    def over(self, client: Any) -> Transport:
        """Return a transport of this colour over a client of the caller."""
        ...

    def twin(self) -> Transport:
        """Return this transport's counterpart in the other colour, always the same object.

        Raises ReplicateError over a client of the caller, whose settings the counterpart would not have.
        """
        ...

    def afresh(self) -> Transport:
        """Return a blocking transport with the same options. Raises ReplicateError over a client of the caller."""
        ...

    async def close(self) -> None:
        """Close the connections. An asynchronous transport closes those of the running loop, and its twin's."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether it has been closed."""
        ...


class ThirdPartyRequest(dict[str, Any]):
    """A request to another host than the API. Nothing of a client's settings is added to it."""


def came_over_a_socket(response: httpx.Response) -> bool:
    """Return whether a response came over a network connection, and not from a mocking library."""
    try:
        socket = response.extensions["network_stream"].get_extra_info("socket")
    except Exception:  # noqa: BLE001 - a stream of whatever kind, which may have been closed
        return False
    return socket is not None
