"""Data URIs (RFC 2397): reading them piece by piece, and making them."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from replicate.exceptions import ReplicateError

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 64 * 1024
"""Characters decoded at a time (at least three): while decoding, a piece takes many times its memory."""
CHUNK = 1024 * 1024
"""Minimum bytes per chunk. Outputs that the API sends as data URIs are a single chunk, as in version 1."""
BLANK = b" \t\r\n\f"


def is_data_uri(url: str) -> bool:
    """Return whether a URL is a data URI."""
    return url[:5].lower() == "data:"


def media_type(uri: str) -> str | None:
    """Return the media type in a data URI, without its parameters; None if there is none."""
    end = min(place for place in (uri.find(",", 0, 500), uri.find(";", 0, 500), 500) if place >= 0)
    kind = uri[5:end].strip().lower()
    return kind if kind.count("/") == 1 else None


def data_of(uri: str) -> bytes:
    """Decode a whole data URI. Raises ReplicateError if it is invalid."""
    return b"".join(pieces(uri))


def pieces(uri: str) -> Iterator[bytes]:
    """Decode a data URI piece by piece. Raises ReplicateError if it is invalid."""
    comma = uri.find(",")
    if comma < 0:
        raise ReplicateError("This data URI has no comma, so it has no content.")
    decoded = unquoted(uri, comma + 1)
    return joined(from_base64(decoded) if uri[5:comma].rstrip().lower().endswith(";base64") else decoded)


def joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Join small pieces into chunks."""
    chunk = bytearray()
    for piece in pieces:
        chunk += piece
        if len(chunk) > CHUNK:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)


def unquoted(text: str, start: int) -> Iterator[bytes]:
    """Undo the percent-encoding of a text, starting at a position."""
    while start < len(text):
        end = min(start + PIECE, len(text))
        if end < len(text):  # do not split a %XX
            end = next((end - back for back in (1, 2) if text[end - back] == "%"), end)
        yield unquote_to_bytes(text[start:end].encode("utf-8", "surrogatepass"))
        start = end


def from_base64(encoded: Iterator[bytes]) -> Iterator[bytes]:
    """Decode base64 as browsers do: ignore white space, and accept missing padding."""
    left, padded = b"", False
    try:
        for piece in encoded:
            written = piece.translate(None, BLANK)
            content = written.rstrip(b"=")
            if b"=" in content or (padded and content):
                raise binascii.Error("something comes after the padding")  # noqa: TRY301 - handled like b64decode's own
            padded = padded or len(content) < len(written)
            left += content
            whole = len(left) // 4 * 4
            yield base64.b64decode(left[:whole], validate=True)
            left = left[whole:]
        yield base64.b64decode(left + b"=" * (-len(left) % 4), validate=True)
    except binascii.Error as error:
        raise ReplicateError(f"This data URI is not valid base64: {error}.") from error


def encoded(content: bytes, kind: str | None) -> str:
    """Make a data URI."""
    kind = re.sub(r"\s", "", kind or "") or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
