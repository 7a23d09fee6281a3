"""Encoding inputs as JSON: files become data URIs when small and uploads when not; all else must be plain."""

from __future__ import annotations

import base64
import io
import math
import mimetypes
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from replicate._core.plain import is_iterable, is_mapping
from replicate_api.api.files import files_create
from replicate_api.types import Part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from replicate._core.session import Session
    from replicate_api.models import File

LARGEST_DATA_URI = 256_000
"""Bytes. The size up to which the API's documentation recommends data URIs."""

LARGEST_UPLOAD = 100 * 2**20
"""Bytes that the files API accepts in one file."""

FileEncodingStrategy = Literal["auto", "base64", "data-uri", "url", "upload"]
STRATEGIES: Mapping[str | None, Literal["auto", "inline", "upload"]] = {
    None: "auto",
    "auto": "auto",
    "base64": "inline",
    "data-uri": "inline",
    "url": "upload",
    "upload": "upload",
}

MAGIC: tuple[tuple[bytes, int, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"WAVE", 8, "audio/wav"),
    (b"ID3", 0, "audio/mpeg"),
    (b"OggS", 0, "audio/ogg"),
    (b"ftyp", 4, "video/mp4"),
    (b"%PDF-", 0, "application/pdf"),
    (b"PK\x03\x04", 0, "application/zip"),
)


class Upload(NamedTuple):
    """A file to send: what to read it from, and what the receiver should know of it."""

    file: BinaryIO
    name: str
    content_type: str
    size: int | None
    """Bytes; None for what cannot tell before it is read, such as a pipe."""


async def encode(
    session: Session[Any], value: Any, strategy: FileEncodingStrategy | None = None, where: str = "input"
) -> Any:
    """Give an input as plain JSON data, uploading the files in it that are too large for a data URI.

    Raises TypeError or ValueError that names the key for what cannot be sent, before any prediction is made.
    """
    if strategy not in STRATEGIES:
        raise ValueError(
            f"file_encoding_strategy must be one of {', '.join(map(repr, filter(None, STRATEGIES)))}, not {strategy!r}"
        )
    match value:
        case None | str() | bool() | int():
            return value
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{where} is {value}, which JSON cannot express")
            return value
        case _ if is_mapping(value):
            encoded: dict[str, Any] = {}
            for key, item in value.items():
                if not isinstance(key, str):
                    raise TypeError(f"{where} has the key {key!r}; keys must be str")
                encoded[key] = await encode(session, item, strategy, f"{where}[{key!r}]")
            return encoded
        case _ if isinstance(url := getattr(value, "url", None), str):  # a FileOutput: no need to download it
            return url
        case Path() | bytes() | bytearray() | memoryview():
            return await encode_file(session, value, strategy, where)
        case _ if hasattr(value, "read"):
            return await encode_file(session, value, strategy, where)
        case _ if is_iterable(value):
            return [await encode(session, item, strategy, f"{where}[{index}]") for index, item in enumerate(value)]
        case _:
            raise TypeError(
                f"{where} is {type(value).__name__}, which cannot be sent: use str, int, float, bool, None, list, dict, "
                "or for a file a pathlib.Path, an open binary file or bytes"
            )


async def encode_file(session: Session[Any], value: Any, strategy: FileEncodingStrategy | None, where: str) -> str:
    """Give a file as a URL that the model can fetch: a data URI, or the address of an upload."""
    upload = open_upload(value, where)
    try:
        inline = upload.size is not None and upload.size <= LARGEST_DATA_URI
        if {"inline": True, "upload": False, "auto": inline}[STRATEGIES[strategy]]:
            content = base64.b64encode(upload.file.read()).decode()
            return f"data:{upload.content_type};base64,{content}"
        if upload.size is not None and upload.size > LARGEST_UPLOAD:
            raise ValueError(
                f"{where} is a file of {upload.size / 2**20:.0f} MiB, and the files API takes {LARGEST_UPLOAD / 2**20:.0f}: "
                "put it on a host of your own, such as a bucket with signed URLs, and pass its URL"
            )
        stored: File = await session.call(files_create, body=form(upload))
        return stored.urls.get or ""
    finally:
        if upload.file is not value:
            upload.file.close()


def form(upload: Upload, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give the fields of a `files.create` body."""
    content = Part("content", upload.file, upload.name, upload.content_type)
    return {"content": content, "filename": upload.name, "type": upload.content_type, "metadata": metadata or None}


def open_upload(value: Any, where: str, name: str | None = None, content_type: str | None = None) -> Upload:
    """Open what is to be sent, at its beginning. Raises for what is not there or not binary."""
    raw: Any = value
    match value:
        case str() | Path():
            path = Path(value)
            if not path.is_file():
                raise FileNotFoundError(f"{where}: there is no file {path}")
            file: Any = path.open("rb")
        case bytes() | bytearray() | memoryview():
            file = io.BytesIO(raw)
        case _ if hasattr(value, "read"):
            file = value
            if isinstance(value, io.TextIOBase) or "b" not in str(getattr(value, "mode", "b")):
                raise TypeError(f"{where} is a file opened as text: open it with mode 'rb'")
        case _:
            raise TypeError(f"{where} must be a path, an open binary file or bytes, not {type(value).__name__}")
    size, start = measure(file)
    given = getattr(file, "name", None)
    basename = name or (Path(given).name if isinstance(given, str) else "")
    kind = content_type or mimetypes.guess_type(basename)[0] or by_magic(start)
    return Upload(file, basename or f"file{mimetypes.guess_extension(kind) or ''}", kind, size)


def measure(file: Any) -> tuple[int | None, bytes]:
    """Give a file's size and first bytes, and leave it at its beginning; None and none if it cannot seek."""
    try:
        if not file.seekable():
            return None, b""
    except AttributeError:
        return None, b""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(16)
    file.seek(0)
    return size, start


def by_magic(start: bytes) -> str:
    """Guess a MIME type from a file's first bytes."""
    return next((kind for magic, at, kind in MAGIC if start[at:].startswith(magic)), "application/octet-stream")
