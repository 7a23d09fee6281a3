"""What is exchanged with the world, and how: a request to somebody else than the API, an answer that ends in time."""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, cast

import httpx

from replicate._dual.generators import closing
from replicate._http.connections.bodies import prepared, with_body
from replicate._http.libraries import converted, library_of
from replicate._http.secrecy.frames import CANCELED, interruption
from replicate._http.secrecy.hiding import Sealed, authorization_of, request_of, true_headers
from replicate._http.secrecy.scrubbing import cut, unseen

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable, Iterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from datetime import timedelta

    from replicate._http.connections.transport import BlockingTransport
    from replicate._http.libraries import Library

T = TypeVar("T")

ALWAYS: float = float("inf")
KNOWN = {"httpx", "httpx2", "httpcore", "httpcore2", "aiohttp", "replicate"}
"""Packages whose errors come where all has been put in order."""
SHOWN = 64 * 1024
"""Bytes that are read of an error which is not the API's."""
OF_THE_BODY = (b"content-encoding", b"content-length", b"transfer-encoding")
FOREIGN = "replicate.foreign"
"""What is in the extensions of an error that is not the API's."""
LONGEST_LABEL = 63
LAST_PORT = 65535
TIE: float = 0.05
"""Seconds by which a deadline waits for httpx's own timeouts, which tell whether the request was sent."""

# What comes in pieces takes glibc a third longer if it gives their memory back to the system, and takes it again page
# by page for the next ones. It does so until a block as large as this was freed once.
bytes(4 << 20)


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

    def afresh(self) -> BlockingTransport:
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


def build_request(
    client: Any, request: Mapping[str, Any], library: Library, *, own: bool = False
) -> tuple[Any, dict[str, Any]]:
    """Give a request of a client's library, and how it is to be sent.

    A Foreign one is made by hand, so that a client's own headers, cookies and parameters are not merged into it. So is
    one for a client of our `own`, which mostly has headers only, and takes much longer to merge them.
    """
    how = {"stream": True, "follow_redirects": False}
    raw = true_headers(request.get("headers"))
    arguments = converted(request, library)
    foreign = isinstance(request, ThirdPartyRequest)
    if not foreign and (not own or client.params or client.cookies.jar):
        return with_body(client.build_request(**{**arguments, "headers": raw}), request, library), how
    given = {name: value for name, value in arguments.items() if name not in ("timeout", "params", "headers")}
    given["extensions"] = {**given.get("extensions", {}), "timeout": httpx.Timeout(request["timeout"]).as_dict()}
    if foreign:
        given["headers"] = library.Headers(raw)
        return with_body(library.Request(**given), request, library), {**how, "auth": None}
    names = {name.lower() for name, _ in raw}
    headers = [*(header for header in client.headers.raw if header[0].lower() not in names), *raw]
    if "files" not in given and isinstance(given.get("content", b""), bytes):
        made = prepared(given, headers, library)
    else:
        made = library.Request(**given, headers=library.Headers(headers))
    return with_body(made, request, library), how


def with_lazy_cookies(client: Any) -> Any:
    """Have a client look for cookies only in answers that set some: httpx makes a request of urllib's for each look."""
    look = client.cookies.extract_cookies

    def extract_cookies(response: Any) -> None:
        if any(name.lower() == b"set-cookie" for name, _ in response.headers.raw):
            look(response)

    client.cookies.extract_cookies = extract_cookies
    return client


def is_foreign(error: BaseException) -> bool:
    """Tell whether an error that ends a request is none of its library's: an interrupt, or of a signal's handler.

    It may have come at just any moment, also while something was half done. A task that is canceled is told that where
    it waits.
    """
    if type(error).__name__ in CANCELED:
        return False
    return KNOWN.isdisjoint(kind.__module__.partition(".")[0] for kind in type(error).__mro__)


class Unfetchable(httpx.RequestError):
    """An address cannot be asked for anything. `sent` tells whether a request arrived that may have done something."""

    def __init__(self, message: str, *, sent: bool = False, hint: str | None = None) -> None:
        super().__init__(message)
        self.sent: bool = sent
        self.hint: str | None = hint


async def exchange(
    transport: Transport,
    request: Mapping[str, Any],
    *,
    stream: bool = False,
    seconds: float = ALWAYS,
    creates: bool = False,
) -> httpx.Response:
    """Send a request to where one can be sent. Raises Unfetchable, also for an answer that redirects to nowhere.

    An answer for which a hook of the caller's httpx client has raised HTTPStatusError is given all the same.
    """
    check_address(request["url"])
    try:
        return await transport.send(request, stream=stream, seconds=seconds, creates=creates)
    except httpx.HTTPStatusError as error:
        return refused_by_hook(error.response)
    except (httpx.InvalidURL, httpx.RemoteProtocolError, UnicodeError) as error:
        # httpx reads where an answer redirects to, though it is not followed; some of what it raises tells nothing.
        odd: BaseException | None = error
        while odd is not None and type(odd).__name__ != "InvalidURL" and type(odd).__module__ != "idna.core":
            odd = odd.__context__
        if odd is None:
            raise
        reason = f"it redirects to what is no address: {odd}"
        raise Unfetchable(reason, sent=request["method"] not in ("GET", "HEAD")) from error


def refused_by_hook(response: Any) -> httpx.Response:
    """Give an answer that its library has closed, with as much of its content as a hook has read."""
    library = library_of(response)
    headers = [header for header in response.headers.raw if header[0].lower() not in OF_THE_BODY]
    try:
        content = response.content
    except library.ResponseNotRead:
        content = b""
    status, extensions = response.status_code, response.extensions
    made = library.Response(status, headers=headers, content=content, request=response.request, extensions=extensions)
    return cast("httpx.Response", made)


def check_address(url: httpx.URL) -> None:
    """Raise Unfetchable for a host or a port that none can have."""
    labels = url.raw_host.removesuffix(b".").split(b".")
    if not all(0 < len(label) <= LONGEST_LABEL for label in labels):
        raise Unfetchable("it has no host" if labels == [b""] else "a part of its host is empty or too long")
    if (url.port or 0) > LAST_PORT:
        raise Unfetchable(f"its port is above {LAST_PORT}")
    try:
        _ = url.host  # httpx decodes it while it sends
    except UnicodeError as error:
        raise Unfetchable(f"its host is none: {error}") from error


def came_over_a_socket(response: httpx.Response) -> bool:
    """Tell whether somebody on the network has given an answer, and not a mocking library in his place."""
    try:
        socket = response.extensions["network_stream"].get_extra_info("socket")
    except Exception:  # noqa: BLE001 - a stream of whatever kind, which may have been closed
        return False
    return socket is not None


class MaskedStream(httpx.SyncByteStream):
    """The content of an answer, of a stream that knows the request. What it raises leaves without its frames."""

    def __init__(self, response: httpx.Response) -> None:
        self._stream: Sealed[Any] = Sealed(response.stream)
        self._request = request_of(response)

    def _secret(self) -> bytes | None:
        return authorization_of(self._request)

    def __iter__(self) -> Iterator[bytes]:
        parts: Iterator[bytes] = unseen(lambda: iter(self._stream.open()), told=True, secret=self._secret)
        while True:
            outer, part, interrupt = sys.exception(), None, None
            try:
                part = next(parts, None)
            except BaseException as error:
                interrupt = interruption(error, outer)
                cut(error, outer, self._secret())
                if interrupt is None:
                    raise
            if interrupt is not None:
                try:
                    raise interrupt
                finally:
                    del interrupt  # which has this frame in its traceback
            if part is None:
                return
            yield part

    def close(self) -> None:
        unseen(lambda: self._stream.open().close(), secret=self._secret)

    @property
    def elapsed(self) -> timedelta | None:
        """How long the answer took, where httpx2 looks for it."""
        return getattr(self._stream.open(), "elapsed", None)


class TimedStream(MaskedStream):
    """The same content, which ends at the deadline."""

    def __init__(self, response: httpx.Response, left: Callable[[], float]) -> None:
        super().__init__(response)
        self._left = left
        self._timeout: dict[str, float | None] = response.request.extensions["timeout"]

    def __iter__(self) -> Iterator[bytes]:
        read = self._timeout["read"]
        self._timeout["read"] = max(0.001, self._left() if read is None else min(read, self._left()))
        for part in super().__iter__():
            yield part
            if self._left() <= 0:
                raise httpx.ReadTimeout("The time was up before the end of the answer.")


class tracked_content:  # noqa: N801 - reads as what it makes of it
    """Iterate the content of an answer, and keep it from the garbage collector within this block.

    That would close httpcore's generators at any moment, also where their thread has the lock that this takes. What is
    half-read when Python ends is closed before its modules are taken apart: httpx needs one that crashes Python 3.13.0
    afterwards.
    """

    _all: ClassVar[dict[Iterator[bytes], tuple[int, httpx.Response]]] = {}
    """Each with its process, and its answer."""

    def __init__(self, response: httpx.Response) -> None:
        self._content, self._response = response.iter_bytes(), response

    def __enter__(self) -> Iterator[bytes]:
        self._all[self._content] = os.getpid(), self._response
        return self._content

    def __exit__(self, *_: object) -> None:
        self._all.pop(self._content, None)

    @classmethod
    def close(cls) -> None:
        """Close what nobody is reading just now."""
        for content, (process, response) in list(cls._all.items()):
            if process == os.getpid() and not getattr(content, "gi_running", False):
                with suppress(Exception):
                    response.close()


atexit.register(tracked_content.close)


async def read_beginning(response: httpx.Response, transport: Transport) -> httpx.Response:
    """Read the beginning of an error of somebody else's, as much as is shown, and nothing that must be unpacked."""
    begun = b""
    packed = response.headers.get("content-encoding", "identity") != "identity"
    async with closing(transport.chunks(response)) as content:
        if not packed:
            async for chunk in content:
                begun += chunk
                if len(begun) > SHOWN:
                    break
    await transport.close_response(response)
    headers = httpx.Headers([header for header in response.headers.raw if header[0].lower() not in OF_THE_BODY])
    status, extensions = response.status_code, {**response.extensions, FOREIGN: True}
    return httpx.Response(status, headers=headers, content=begun, request=response.request, extensions=extensions)
