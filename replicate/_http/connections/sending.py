"""How far a request was sent, according to httpcore's `trace` extension. Part of a request starts nothing."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator, Mapping

CHUNK = 64 * 1024
"""Bytes of a body that are written at a time."""
TUNNEL = b"CONNECT"
GONE = {errno.EPIPE, errno.ECONNRESET, errno.ECONNABORTED, errno.ESHUTDOWN, errno.ENOTCONN}
RESOURCES = {"BrokenResourceError", "ClosedResourceError"}
"""The errors of anyio and trio for such a connection."""
NO_BODY = object()


class Sending:
    """One attempt to send a request. It is the `trace` extension itself, called with each event."""

    def __init__(self, *, own: bool = False) -> None:
        self.own: bool = own
        """Whether our own client sends it: then httpcore reports the first event before anything is sent."""
        self.traced: bool = False
        """Whether there was any event. Only httpcore's transports report events."""
        self.begun: bool = False
        """Whether some of the request may have been sent to the API. A CONNECT to a proxy does not count."""
        self.whole: bool = False
        """Whether all of it was sent."""
        self._broken = False
        self._body: Any = None

    def __call__(self, event: str, info: Mapping[str, Any]) -> Any:
        """Handle an event of httpcore."""
        self._note(event, info)

    def _note(self, event: str, info: Mapping[str, Any]) -> None:
        self.traced = True
        if ".send_request_" not in event:
            return
        match event.split(".")[1:]:
            case ["send_request_headers", "started"]:  # also for a proxy tunnel, or a second attempt of httpcore
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
        """Return whether all of the failed request may have arrived; `otherwise` if there were no events."""
        return self.whole or self._pending if self.traced else otherwise

    @property
    def _pending(self) -> bool:
        """Whether the end of the body was passed to the socket, and may have been written.

        An event loop buffers it until the connection ends. An apparent timeout may be an exception of a signal handler
        that came just after the write.
        """
        return self.begun and self._body is not None and not self._broken and not getattr(self._body, "is_left", False)

    @property
    def interrupted(self) -> bool:
        """Whether the request may have arrived, if it was interrupted at any moment."""
        return self.begun or not self.traced

    @property
    def cut_off(self) -> bool:
        """Whether the connection ended before all of a long request was written."""
        return self.begun and not self.whole and self._broken and type(self._body).__name__ != "ByteStream"


class AsyncSending(Sending):
    """The same for asynchronous requests."""

    def __call__(self, event: str, info: Mapping[str, Any]) -> Coroutine[Any, Any, None]:
        """Handle an event of httpcore."""
        self._note(event, info)
        return nothing()


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a request has a body."""
    names = (b"content-length", b"transfer-encoding")
    return bool([name for name, value in headers if name.lower() in names and value != b"0"])


def is_refused(error: BaseException) -> bool:
    """Return whether an error of httpcore proves that nothing more was written: the connection is gone."""
    cause = error.__cause__ or error.__context__
    if type(error).__name__ != "WriteError":
        return False
    return type(cause).__name__ in RESOURCES or (isinstance(cause, OSError) and cause.errno in GONE)


async def nothing() -> None:
    """Do nothing."""


UNTRACED = Sending()
"""For idempotent requests, which may be repeated in any case."""


def traced(arguments: dict[str, Any], *, blocking: bool, own: bool = False) -> Sending:
    """Trace how far a request, given as arguments of httpx, is sent."""
    sending = (Sending if blocking else AsyncSending)(own=own)
    arguments["extensions"] = {"trace": sending}
    return sending


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A long body that is written in pieces, so that it is known whether its end was written."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._chunks: Iterator[bytes] = iter(())
        self.is_left: bool = True
        """Whether some of it was not passed on yet."""

    def __iter__(self) -> Iterator[bytes]:
        self.is_left = True
        for start in range(0, len(self._content), CHUNK):
            self.is_left = start + CHUNK < len(self._content)
            yield bytes(self._content[start : start + CHUNK])

    def __aiter__(self) -> Chunks:
        # Not a generator: a half-read one would have to be closed.
        self._chunks = iter(self)
        return self

    async def __anext__(self) -> bytes:
        for chunk in self._chunks:
            return chunk
        raise StopAsyncIteration
