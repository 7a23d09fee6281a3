"""How far a request has gone out, as httpcore tells in its `trace` extension. A part of a request does nothing."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator, Mapping

CHUNK = 64 * 1024
"""Bytes of a body that are written at once."""
TUNNEL = b"CONNECT"
GONE = {errno.EPIPE, errno.ECONNRESET, errno.ECONNABORTED, errno.ESHUTDOWN, errno.ENOTCONN}
RESOURCES = {"BrokenResourceError", "ClosedResourceError"}
"""What anyio and trio raise for such a connection."""
NO_BODY = object()


class Sending:
    """One attempt to send a request. It is called with what happens to it: it is the `trace` extension itself."""

    def __init__(self, *, own: bool = False) -> None:
        self.own: bool = own
        """Whether it goes over connections of our own making: then httpcore sends it, and tells before it begins."""
        self.traced: bool = False
        """Whether anything was told. A transport other than httpcore's tells nothing."""
        self.begun: bool = False
        """Whether some of the request may have gone out: to the API, for a proxy hands a CONNECT on to nobody."""
        self.whole: bool = False
        """Whether all of it has."""
        self._broken = False
        self._body: Any = None

    def __call__(self, event: str, info: Mapping[str, Any]) -> Any:
        """Take note of an event of httpcore's."""
        self._note(event, info)

    def _note(self, event: str, info: Mapping[str, Any]) -> None:
        self.traced = True
        if ".send_request_" not in event:
            return
        match event.split(".")[1:]:
            case ["send_request_headers", "started"]:  # also of another connection's tunnel, or of a second attempt
                self.begun = info["request"].method != TUNNEL
                self.whole, self._broken = False, False
                self._body = None if has_body(info["request"].headers) else NO_BODY
            case ["send_request_body", "started"]:
                self._body = info["request"].stream
            case ["send_request_body", "complete"]:
                self.whole = self.begun
            case ["send_request_headers" | "send_request_body", "failed"]:
                self._broken = is_refused(info["exception"])
            case _:
                pass

    def arrived(self, *, otherwise: bool) -> bool:
        """Tell whether all of the request may have arrived, now that it has failed; `otherwise` if nothing was told."""
        return self.whole or self._pending if self.traced else otherwise

    @property
    def _pending(self) -> bool:
        """Whether its end was given to be written, and may have been.

        An event loop keeps it until the connection ends. And what looks like a timeout may be an exception of a
        signal's handler that came just after.
        """
        return self.begun and self._body is not None and not self._broken and not getattr(self._body, "is_left", False)

    @property
    def interrupted(self) -> bool:
        """Whether the request may have arrived, if it was left at just any moment."""
        return self.begun or not self.traced

    @property
    def cut_off(self) -> bool:
        """Whether the connection ended before all of a long request was written."""
        return self.begun and not self.whole and self._broken and type(self._body).__name__ != "ByteStream"


class AsyncSending(Sending):
    """The same in an event loop."""

    def __call__(self, event: str, info: Mapping[str, Any]) -> Coroutine[Any, Any, None]:
        """Take note of an event of httpcore's."""
        self._note(event, info)
        return nothing()


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether more than headers belongs to a request."""
    names = (b"content-length", b"transfer-encoding")
    return any(name.lower() in names and value != b"0" for name, value in headers)


def is_refused(error: BaseException) -> bool:
    """Tell whether an error of httpcore's says for certain that something was not written: the connection is gone."""
    cause = error.__cause__ or error.__context__
    if type(error).__name__ != "WriteError":
        return False
    return type(cause).__name__ in RESOURCES or (isinstance(cause, OSError) and cause.errno in GONE)


async def nothing() -> None:
    """Do nothing."""


UNTRACED = Sending()
"""That of a request which may be repeated, wherever the last one got to."""


def traced(arguments: dict[str, Any], *, blocking: bool, own: bool = False) -> Sending:
    """Have a request, given as arguments of httpx's, tell how far it has gone out."""
    sending = (Sending if blocking else AsyncSending)(own=own)
    arguments["extensions"] = {"trace": sending}
    return sending


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A long body that is written piece by piece, so that it shows whether its end was."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._chunks: Iterator[bytes] = iter(())
        self.is_left: bool = True
        """Whether some of it was not taken to be written."""

    def __iter__(self) -> Iterator[bytes]:
        self.is_left = True
        for start in range(0, len(self._content), CHUNK):
            self.is_left = start + CHUNK < len(self._content)
            yield bytes(self._content[start : start + CHUNK])

    def __aiter__(self) -> Chunks:
        # No generator: one that is left half-read would have to be closed by somebody.
        self._chunks = iter(self)
        return self

    async def __anext__(self) -> bytes:
        for chunk in self._chunks:
            return chunk
        raise StopAsyncIteration
