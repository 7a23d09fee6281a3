"""The interface of a transport, through which a session reaches the outside world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    import httpx


T = TypeVar("T")

ALWAYS: float = float("inf")
TIE: float = 0.05
"""Seconds by which a deadline waits for httpx's own timeouts, which show whether the request was sent."""
LATE = "The time was up before the end of the answer."


class Transport(Protocol):
    """Everything that a session needs from the outside world. A blocking transport never suspends."""

    blocking: bool

    @property
    def options(self) -> Mapping[str, Any]:
        """The caller's options for the connections: those of httpx clients, or an `http_client`."""
        ...

    @property
    def own(self) -> bool:
        """Whether requests go over our own connections, not over the caller's client or transport."""
        ...

    @property
    def client(self) -> Any:
        """The httpx client that sends the requests; if there are several, another one with the same settings."""
        ...

    async def prepare(self, url: httpx.URL | str) -> None:
        """Make the client for requests to a URL, as `send` does if needed. Raises ReplicateError if that fails."""
        ...

    async def send(
        self,
        request: Mapping[str, Any],
        *,
        stream: bool = False,
        seconds: float = ALWAYS,
        creates: bool = False,
        most: float = ALWAYS,
    ) -> httpx.Response:
        """Send a request, given as arguments of `httpx.Client.build_request`, and return the response.

        A request that `creates` something goes over a connection that was not idle for more than a moment.

        The response's content is read, unless `stream`: then read it with `chunks` or `read`. `most` limits it, as in
        `read`. A redirect is a response like any other. A ThirdPartyRequest is sent without any of the httpx client's
        own settings. After so many seconds, even while the content is read, httpx.ReadTimeout is raised, whatever has
        arrived by then. A timeout that is a number also limits the whole response, unless `stream`. Over the caller's
        client, a blocking transport notices the time only when data arrives, or when none has arrived for that long.
        """
        ...

    def chunks(self, response: httpx.Response, most: float = ALWAYS) -> AsyncGenerator[bytes, None]:
        """Yield a streamed response's content as it arrives, and close the response at the end.

        Raises TooLargeError if a packed chunk makes more than `most` bytes.
        """
        ...

    async def read(self, response: httpx.Response, most: float = ALWAYS) -> None:
        """Read a streamed response to its end.

        Raises TooLargeError if it is a success with more than `most` bytes. Of an unsuccessful one, it keeps the
        beginning then.
        """
        ...

    async def close_response(self, response: httpx.Response) -> None:
        """Release a streamed response's connection."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    async def shielded(self, work: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
        """Run work to its end, for at most so many seconds, even if the task is being canceled."""
        ...

    async def in_use(self) -> AbstractContextManager[None]:
        """Return a context manager that keeps the connections open while their event loop ends, unless closed."""
        ...

    def now(self) -> float:
        """Return the time in seconds of a monotonic clock."""
        ...

    async def offload(self, work: Callable[[], T], *, stalls: bool = False) -> T:
        """Run slow work on the disk without blocking other tasks.

        Work that `stalls` may never end, as it waits for others. It is abandoned if the task is canceled.
        """
        ...

    def turn(self, key: Hashable) -> AbstractAsyncContextManager[None]:
        """Return a context manager that holds the lock of a key, and waits for it first."""
        ...

    async def together(
        self,
        work: Sequence[Callable[[], Coroutine[Any, Any, Any]]],
        many: int,
        interrupted: Callable[[], None],
    ) -> list[Any]:
        """Run all jobs, so many at once, and return the result of each, or the exception that it raised.

        `interrupted` is called on an interrupt to notify jobs that cannot be canceled.
        """
        ...

    def over(self, client: Any) -> Transport:
        """Return a transport of this colour over the caller's client."""
        ...

    def twin(self) -> Transport:
        """Return this transport's counterpart in the other colour: always the same one, whose twin is this one.

        Raises ReplicateError over the caller's client, whose settings the counterpart would not have.
        """
        ...

    def afresh(self) -> Transport:
        """Return a new blocking transport with the same options. Raises ReplicateError over the caller's client."""
        ...

    async def close(self) -> None:
        """Close the connections. An asynchronous transport closes those of the running event loop and of its twin."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether the transport has been closed."""
        ...


class ThirdPartyRequest(dict[str, Any]):
    """A request to a third party. It carries only its own contents, and nothing that a client would add."""


def came_over_a_socket(response: httpx.Response) -> bool:
    """Return whether a response came over the network, and not from a mocking library."""
    try:
        socket = response.extensions["network_stream"].get_extra_info("socket")
    except Exception:  # noqa: BLE001 - any kind of stream, which may be closed
        return False
    return socket is not None
