"""How far a request has gone out, as httpcore's `trace` extension reports. A part of a request has no effect."""

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
"""The class names of the errors that anyio and trio raise for a connection that is gone."""
NO_BODY = object()


class Sending:
    """How far one attempt to send a request has got. It is the `trace` extension itself, called with events."""

    def __init__(self, *, own: bool = False) -> None:
        self.own: bool = own
        """Whether the request goes over our own connections. Then httpcore sends it, and reports events in advance."""
        self.traced: bool = False
        """Whether any event was reported. A transport other than httpcore's reports none."""
        self.begun: bool = False
        """Whether some of the request may have gone out to the API. A CONNECT does not count: a proxy keeps it."""
        self.whole: bool = False
        """Whether all of it has gone out."""
        self._broken = False
        self._body: Any = None
        self._extensions: dict[str, Any] = {}

    def __call__(self, event: str, info: Mapping[str, Any]) -> Any:
        """Note an event of httpcore's."""
        self._note(event, info)

    def _note(self, event: str, info: Mapping[str, Any]) -> None:
        self.traced = True
        if ".send_request_" not in event:
            return
        match event.split(".")[1:]:
            case ["send_request_headers", "started"]:  # also for another connection's tunnel, or for a second attempt
                self.begun = info["request"].method != TUNNEL
                self.whole, self._broken = False, False
                self._body = None if has_body(info["request"].headers) else NO_BODY
                self._extensions = info["request"].extensions
            case ["send_request_body", "started"]:
                self._body = info["request"].stream
            case ["send_request_body", "complete"]:
                self.whole = self.begun
                # By HTTP/2, httpcore may send it again, and so may a transport of the caller's.
                if self.whole and self.own and event.startswith("http11."):
                    self._extensions.pop("trace", None)  # nothing else is to be noted
            case ["send_request_headers" | "send_request_body", "failed"]:
                self._broken = is_refused(info["exception"])
            case _:
                pass

    def arrived(self, *, otherwise: bool) -> bool:
        """Return whether all of a failed request may have arrived; `otherwise` if no event was reported."""
        return self.whole or self._pending if self.traced else otherwise

    @property
    def _pending(self) -> bool:
        """Whether the end of the request was passed on for writing, and may have been written.

        An event loop keeps it until the connection ends. And an apparent timeout may be an exception that a signal
        handler has raised just after the write.
        """
        return self.begun and self._body is not None and not self._broken and not getattr(self._body, "is_left", False)

    @property
    def interrupted(self) -> bool:
        """Whether the request may have arrived, if it was interrupted at an unknown point."""
        return self.begun or not self.traced

    @property
    def cut_off(self) -> bool:
        """Whether the connection ended before all of a long request was written."""
        return self.begun and not self.whole and self._broken and type(self._body).__name__ != "ByteStream"


class AsyncSending(Sending):
    """The same for an event loop."""

    def __call__(self, event: str, info: Mapping[str, Any]) -> Coroutine[Any, Any, None]:
        """Note an event of httpcore's."""
        self._note(event, info)
        return nothing()


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a request with these headers has a body."""
    names = (b"content-length", b"transfer-encoding")
    return bool([name for name, value in headers if name.lower() in names and value != b"0"])


def is_refused(error: BaseException) -> bool:
    """Return whether an error of httpcore's proves that a part was not written, because the connection is gone."""
    cause = error.__cause__ or error.__context__
    if type(error).__name__ != "WriteError":
        return False
    return type(cause).__name__ in RESOURCES or (isinstance(cause, OSError) and cause.errno in GONE)


async def nothing() -> None:
    """Do nothing."""


UNTRACED = Sending()
"""For a request that can be repeated, however far it has gone out."""


def traced(arguments: dict[str, Any], *, blocking: bool, own: bool = False) -> Sending:
    """Trace a request, given as httpx's arguments. Return the record of how far it goes out."""
    sending = (Sending if blocking else AsyncSending)(own=own)
    arguments["extensions"] = {"trace": sending}
    return sending


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A long body that is written in chunks, which shows whether its end was written."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._chunks: Iterator[bytes] = iter(())
        self.is_left: bool = True
        """Whether some of the body was not yet taken for writing."""

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
