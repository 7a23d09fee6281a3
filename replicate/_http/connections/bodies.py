"""Request and response bodies. Files are read in a thread, not in the event loop, and their progress is reported."""

from __future__ import annotations

import atexit
import os
import sys
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import httpx

from replicate._http.connections import threads
from replicate._http.connections.interface import ALWAYS, LATE
from replicate._http.connections.sending import CHUNK, Chunks
from replicate._http.connections.stalling import may_stall
from replicate._http.connections.unpacking import chunks
from replicate._http.libraries import stream_of
from replicate._http.secrecy.frames import interruption
from replicate._http.secrecy.hiding import Sealed, authorization_of, request_of
from replicate._http.secrecy.scrubbing import cut, unseen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import timedelta
    from typing import BinaryIO

    from replicate._http.connections.deadline_backend import Exchange
    from replicate._http.libraries import Library

BLOCK = 2**20
"""Bytes that a thread reads at a time. Switching to it costs more than reading and sending httpx's chunk, 64 KiB."""


# Raise glibc's mmap threshold, by freeing a block of this size. Otherwise streaming chunks costs a third more.
bytes(4 << 20)


class Counted:
    """A file that is sent. Whenever the part that was read has gone out, `told` reports how much that is."""

    def __init__(self, file: BinaryIO, size: int, tell: Callable[[int, int], object]) -> None:
        self._file, self._size, self._tell = file, size, tell
        self.stalls: bool = may_stall(file)
        self._last = -1

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def told(self) -> None:
        if (done := self._file.tell()) != self._last:
            self._last = done
            self._tell(done, self._size)


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body with files, as encoded by httpx, which itself would read the files in the event loop."""

    def __init__(self, stream: Iterable[bytes], files: list[Any]) -> None:
        self._stream = stream
        self._counted = [file for file in files if isinstance(file, Counted)]
        self._stalls = any(map(may_stall, files))
        self._chunks: Iterator[bytes] = iter(())
        self._block = deque[bytes]()
        self._begun = False
        self.is_unread: bool = True
        """Whether some of the body was not yet read."""

    def __iter__(self) -> Iterator[bytes]:
        self.is_unread = True
        for chunk in self._stream:
            yield chunk
            self._tell()
        self.is_unread = False

    def __aiter__(self) -> Body:
        # Not a generator: a half-read one would have to be closed.
        self._chunks, self._begun, self.is_unread = iter(self._stream), False, True
        self._block.clear()
        return self

    async def __anext__(self) -> bytes:
        if not self._block:
            if self._begun:
                self._tell()
            self._begun = True
            await threads.offload(self._read, stalls=self._stalls)
        if self._block:
            return self._block.popleft()
        self.is_unread = False
        raise StopAsyncIteration

    def _read(self) -> None:
        size = 0
        for chunk in self._chunks:
            self._block.append(chunk)
            size += len(chunk)
            if size >= BLOCK:
                break

    def _tell(self) -> None:
        for file in self._counted:
            file.told()


def prepared(given: Mapping[str, Any], headers: list[tuple[bytes, bytes]], library: Library) -> Any:
    """Build a request as httpx does, but without copying the headers three times."""
    url, content = library.URL(given["url"]), given.get("content", b"")
    names = {name.lower() for name, _ in headers}
    if names.isdisjoint((b"content-length", b"transfer-encoding")):
        if content:
            headers.append((b"Content-Length", b"%d" % len(content)))
        elif given["method"] in ("POST", "PUT", "PATCH"):
            headers.insert(0, (b"Content-Length", b"0"))
    if b"host" not in names:
        headers.insert(0, (b"Host", url.netloc))
    how = {"headers": headers, "stream": library.ByteStream(content), "extensions": given["extensions"]}
    made = library.Request(given["method"], url, **how)
    made.read()
    return made


def with_body(made: Any, arguments: Mapping[str, Any], library: Library = httpx) -> Any:
    """Return a request that a library made from arguments, with our body if it holds files or is sent in chunks."""
    if "files" in arguments:
        made.stream = stream_of(Body, library)(made.stream, [content for _, (_, content, _) in arguments["files"]])
    elif isinstance(content := arguments.get("content"), bytes) and len(content) > CHUNK:
        made.stream = stream_of(Chunks, library)(content)
    return made


class MaskedStream(httpx.SyncByteStream):
    """The content of a response. The stream inside knows the request, so its frames are removed from errors."""

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
                    del interrupt  # its traceback contains this frame
            if part is None:
                return
            yield part

    def close(self) -> None:
        unseen(lambda: self._stream.open().close(), secret=self._secret)

    @property
    def elapsed(self) -> timedelta | None:
        """How long the response took, where httpx2 looks for it."""
        return getattr(self._stream.open(), "elapsed", None)


class TimedStream(MaskedStream):
    """The same content, but it ends when the time of its exchange is up."""

    def __init__(self, response: httpx.Response, exchange: Exchange) -> None:
        super().__init__(response)
        self._exchange = exchange
        request: Any = request_of(response)  # which may be one that the caller's client has made
        self._timeouts: dict[str, float | None] = (
            {} if request is None else request.extensions.setdefault("timeout", {})
        )

    def __iter__(self) -> Iterator[bytes]:
        self._exchange.limit_reading(self._timeouts)
        for part in super().__iter__():
            yield part
            if self._exchange.left() <= 0:
                raise httpx.ReadTimeout(LATE)


class tracked_content:  # noqa: N801 - used like a function
    """Iterate the content of a response, and keep it from the garbage collector within this block.

    The collector could close httpcore's generators at any moment, even while their thread holds the lock that closing
    takes. Half-read content is closed at exit, before Python clears its modules: httpx needs one that crashes Python
    3.13.0 after that.
    """

    _all: ClassVar[dict[Iterator[bytes], tuple[int, httpx.Response]]] = {}
    """Each content with its process and its response."""

    def __init__(self, response: httpx.Response, most: float = ALWAYS) -> None:
        self._content, self._response = chunks(response, most), response

    def __enter__(self) -> Iterator[bytes]:
        self._all[self._content] = os.getpid(), self._response
        return self._content

    def __exit__(self, *_: object) -> None:
        self._all.pop(self._content, None)

    @classmethod
    def close(cls) -> None:
        """Close the contents that nobody is reading at the moment."""
        for content, (process, response) in list(cls._all.items()):
            if process == os.getpid() and not getattr(content, "gi_running", False):
                with suppress(Exception):
                    response.close()


atexit.register(tracked_content.close)
