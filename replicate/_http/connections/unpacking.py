"""The content of responses, unpacked piece by piece and within a limit: a few packed bytes can stand for gigabytes.

The decoders are the HTTP library's. Those of httpx return at once all that they make of a chunk, so they get small
slices of it.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import httpx

from replicate._http.connections.interface import ALWAYS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

SLICE = 1024
"""Packed bytes that are unpacked at a time. Deflate, in gzip too, makes at most 1032 bytes of one: 1 MiB."""
SLICES = {"BrotliDecoder": 16, "ZStandardDecoder": 512}
"""The same for decoders with a higher ratio. A few bytes of brotli are 16 MiB; four bytes of Zstandard are 128 KiB."""
MOST_LAYERS = 5
"""Maximum number of encodings of one content. Nobody needs more than one."""
SHOWN = 64 * 1024
"""Bytes that are kept of an error response that is too large, and read of one that is not the API's."""


class TooLargeError(httpx.RequestError):
    """A response, or one event of a stream, is larger than the limit."""

    def __init__(self, most: float, *, event: bool = False) -> None:
        super().__init__(f"{'an event' if event else 'an answer'} of more than {most:,} bytes")
        self.hint: str = "max_response_bytes= of the client allows more"
        self.hint += ": one event may have half of it." if event else "."


class Unpacker:
    """Unpacks a content. The limit applies to all of it or, unless it is read as a `whole`, to each chunk."""

    def __init__(self, response: Any, most: float, *, whole: bool) -> None:
        self._layers = layers_of(response)
        self._most, self._whole = most, whole
        self._sizes = [0] * (len(self._layers) + 1)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk unpacks to. Raises TooLargeError, and the library's DecodingError."""
        if not self._whole:
            self._sizes = [0] * len(self._sizes)
        return self._unpacked(chunk, 0)

    def end(self) -> Iterator[bytes]:
        """Yield the rest. Raises the same errors."""
        for depth, layer in enumerate(self._layers):
            for part in parts_of(layer.flush()):
                yield from self._unpacked(part, depth + 1)

    def _unpacked(self, data: bytes, depth: int) -> Iterator[bytes]:
        """Yield what is left of some data below so many layers. The limit holds for each layer."""
        self._sizes[depth] += len(data)
        if self._sizes[depth] > self._most:
            raise TooLargeError(self._most)
        if depth == len(self._layers):
            if data:
                yield data
            return
        layer = self._layers[depth]
        size = SLICES.get(type(layer).__name__, SLICE)
        for start in range(0, len(data), size):
            if has_ended(layer):
                if type(layer).__name__ != "ZStandardDecoder":
                    return  # zlib would collect all that follows
                layer = self._layers[depth] = type(layer)()  # for the next frame
            for part in parts_of(layer.decode(data[start : start + size])):
                yield from self._unpacked(part, depth + 1)


def layers_of(response: Any) -> list[Any]:
    """Return the library's decoders for a response, the outermost first. Raises httpx.DecodingError for too many."""
    if "content-encoding" not in response.headers:
        return []
    if response.headers["content-encoding"].count(",") >= MOST_LAYERS:
        raise httpx.DecodingError(f"The content has more than {MOST_LAYERS} encodings.")
    decoder = response._get_content_decoder()  # noqa: SLF001 - there is no public way
    return [*getattr(decoder, "children", [decoder])]


def parts_of(unpacked: Any) -> Any:
    """Return what a decoder has made as an iterable: httpx's make bytes, those of httpx2 an iterator."""
    return [unpacked] if isinstance(unpacked, bytes) else unpacked


def has_ended(layer: Any) -> bool:
    """Return whether a decoder has seen the end of its content. Brotli's fails if anything follows."""
    decompressor: Any = getattr(layer, "decompressor", None)
    decompressor = getattr(decompressor, "decompressor", decompressor)  # httpx2's
    return getattr(decompressor, "eof", False)


# ---- the content of a response


def is_read(response: Any) -> bool:
    """Return whether the content has been read."""
    return getattr(response, "_content", None) is not None


def chunks(response: Any, most: float = ALWAYS, *, whole: bool = False) -> Iterator[bytes]:
    """Yield the content of a response as it arrives. Raises TooLargeError."""
    if is_read(response):
        yield from checked(response, most, whole=whole)
        return
    unpacker = Unpacker(response, most, whole=whole)
    for chunk in response.iter_raw():
        yield from unpacker.feed(chunk)
    yield from unpacker.end()


async def chunks_async(response: Any, most: float = ALWAYS, *, whole: bool = False) -> AsyncGenerator[bytes, None]:
    """Do the same for a response of an asynchronous client."""
    if is_read(response):
        for chunk in checked(response, most, whole=whole):
            yield chunk
        return
    unpacker = Unpacker(response, most, whole=whole)
    async with aclosing(response.aiter_raw()) as content:
        async for chunk in content:
            for part in unpacker.feed(chunk):
                yield part
    for part in unpacker.end():
        yield part


def checked(response: Any, most: float, *, whole: bool) -> Iterator[bytes]:
    """Yield the content of a response that has been read, by a mock or a hook. Raises TooLargeError."""
    if whole and len(response.content) > most:
        raise TooLargeError(most)
    if response.content:
        yield response.content


def read(response: Any, most: float) -> None:
    """Read the content of a response. Raises TooLargeError; but of an unsuccessful response, it keeps the beginning."""
    content = bytearray()  # many small pieces would take many times their size
    try:
        for part in chunks(response, most, whole=True):
            content += part
    except TooLargeError:
        if response.is_success:
            raise
        del content[SHOWN:]
        response.close()
    keep(response, content)


async def read_async(response: Any, most: float) -> None:
    """Do the same for a response of an asynchronous client."""
    content = bytearray()
    try:
        async with aclosing(chunks_async(response, most, whole=True)) as parts:
            async for part in parts:
                content += part
    except TooLargeError:
        if response.is_success:
            raise
        del content[SHOWN:]
        await response.aclose()
    keep(response, content)


def keep(response: Any, content: bytearray) -> None:
    """Store the content in a response, as its library does when it reads."""
    if not is_read(response):
        vars(response)["_content"] = bytes(content)
