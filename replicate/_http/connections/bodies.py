"""Requests with their bodies; those that hold files are read away from the event loop, and told of as they go out."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Any

import httpx

from replicate._http.connections.sending import CHUNK, Chunks
from replicate._http.libraries import stream_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import BinaryIO

    from replicate._http.libraries import Library

BLOCK = 2**20
"""Bytes that are read at once in a thread, whose turn costs more than what httpx reads and sends at once, 64 KiB."""


class Counted:
    """A file that is read to be sent. `told` tells how much was, each time that what was read has gone out."""

    def __init__(self, file: BinaryIO, size: int, tell: Callable[[int, int], object]) -> None:
        self._file, self._size, self._tell = file, size, tell
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
    """A body with files, as httpx wrote it, which would read the files in the event loop too."""

    def __init__(self, stream: Iterable[bytes], counted: list[Counted]) -> None:
        self._stream, self._counted = stream, counted
        self._chunks: Iterator[bytes] = iter(())
        self._block = deque[bytes]()
        self._begun = False

    def __iter__(self) -> Iterator[bytes]:
        return self._telling() if self._counted else iter(self._stream)

    def _telling(self) -> Iterator[bytes]:
        for chunk in self._stream:
            yield chunk
            self._tell()

    def __aiter__(self) -> Body:
        # No generator: one that is left half-read would have to be closed by somebody.
        self._chunks, self._begun = iter(self._stream), False
        self._block.clear()
        return self

    async def __anext__(self) -> bytes:
        from replicate._http.connections import concurrency

        if not self._block:
            if self._begun:
                self._tell()
            self._begun = True
            await concurrency.offload(self._read)
        if self._block:
            return self._block.popleft()
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
    """Make a request as httpx does, which would copy the headers three times."""
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
    """Give a request of a library that was made of some arguments a body that holds files, or is written in chunks."""
    if "files" in arguments:
        counted = [content for _, (_, content, _) in arguments["files"] if isinstance(content, Counted)]
        made.stream = stream_of(Body, library)(made.stream, counted)
    elif isinstance(content := arguments.get("content"), bytes) and len(content) > CHUNK:
        made.stream = stream_of(Chunks, library)(content)
    return made
