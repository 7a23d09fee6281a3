"""What a session needs of the world: the transport's interface."""

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
    """What a session needs of the world. A blocking one never suspends."""

    blocking: bool

    @property
    def options(self) -> Mapping[str, Any]:
        """What the caller has given for the connections: options of httpx's clients, or an `http_client`."""
        ...

    @property
    def own(self) -> bool:
        """Whether requests go out over connections of our own making, and not by what the caller has given."""
        ...

    @property
    def client(self) -> Any:
        """The client of httpx that sends the requests; with several, another with the same settings."""
        ...

    async def prepare(self, url: httpx.URL | str) -> None:
        """Make what requests to a URL are sent with, as `send` does, too. Raises ReplicateError if that cannot be."""
        ...

    async def send(
        self, request: Mapping[str, Any], *, stream: bool = False, seconds: float = ALWAYS, creates: bool = False
    ) -> httpx.Response:
        """Exchange a request, given as arguments of `httpx.Client.build_request`, for an answer.

        One that `creates` something goes over a connection that has not been idle for more than a moment.

        The answer's content has been read, unless `stream`: then read it with `chunks` or `read`. A redirect is an
        answer like any other. With a Foreign request goes nothing of what the httpx client is set to. After so many
        seconds, also while the content is read, this raises httpx.ReadTimeout, whatever has come by then. A blocking
        one notices that when something comes, or when nothing has come for as long.
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

    async def in_use(self) -> AbstractContextManager[None]:
        """Give a block to whose end the connections last, though their event loop is ending; unless they are closed."""
        ...

    def now(self) -> float:
        """Give the time in seconds of a clock that only ever goes forward."""
        ...

    async def offload(self, work: Callable[[], T]) -> T:
        """Do what takes its time on the disk, without holding up others."""
        ...

    def turn(self, key: Hashable) -> AbstractAsyncContextManager[None]:
        """Make a block that waits for its turn among those with the same key."""
        ...

    async def together(
        self,
        work: Sequence[Callable[[], Coroutine[Any, Any, Any]]],
        many: int,
        interrupted: Callable[[], None],
    ) -> list[Any]:
        """Do all, so many at once, and give what each gives, or the exception that it raises.

        `interrupted` tells those that cannot be canceled that this was.
        """
        ...

    def over(self, client: Any) -> Transport:
        """Give a transport of this colour over a client of the caller's."""
        ...

    def twin(self) -> Transport:
        """Give the same transport in the other colour: always the same one, whose twin is this one.

        Raises ReplicateError over a client of the caller's, whose settings the other colour would not have.
        """
        ...

    def afresh(self) -> Transport:
        """Give a blocking transport with the same options. Raises ReplicateError over a client of the caller's."""
        ...

    async def close(self) -> None:
        """Close the connections. An asynchronous one closes those of the running event loop, and its twin's."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether it has been closed."""
        ...


class ThirdPartyRequest(dict[str, Any]):
    """A request to somebody else than the API: it carries what is in it, and nothing that a client would add."""


def came_over_a_socket(response: httpx.Response) -> bool:
    """Tell whether somebody on the network has given an answer, and not a mocking library in his place."""
    try:
        socket = response.extensions["network_stream"].get_extra_info("socket")
    except Exception:  # noqa: BLE001 - a stream of whatever kind, which may have been closed
        return False
    return socket is not None
