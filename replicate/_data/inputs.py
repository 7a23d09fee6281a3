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
from replicate.exceptions import APIResponseValidationError
from replicate_api.api.files import files_create
from replicate_api.types import Part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from replicate._core.session import Session

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
    size: int


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
    try:
        return await encode_value(Encoder(session, strategy), value, where)
    except RecursionError:
        raise ValueError(f"{where} contains itself, or is nested too deeply to be sent") from None


class Encoder(NamedTuple):
    """How the files in an input are to be sent."""

    session: Session[Any]
    strategy: FileEncodingStrategy | None


async def encode_value(encoder: Encoder, value: Any, where: str) -> Any:
    match value:
        case None | str() | int():
            return value
        case float():
            return finite(value, where)
        case _ if is_mapping(value):
            return await encode_members(encoder, value, where)
        case _ if is_file(value):
            return await encode_file(encoder, value, where)
        case _ if is_iterable(value):
            return [await encode_value(encoder, item, f"{where}[{index}]") for index, item in enumerate(value)]
        case _:
            raise TypeError(
                f"{where} is {type(value).__name__}, which cannot be sent: use str, int, float, bool, None, list, "
                "dict, or for a file a pathlib.Path, an open binary file or bytes"
            )


async def encode_members(encoder: Encoder, mapping: Mapping[Any, Any], where: str) -> dict[str, Any]:
    encoded: dict[str, Any] = {}
    for key, item in mapping.items():
        if not isinstance(key, str):
            raise TypeError(f"{where} has the key {key!r}; keys must be str")
        encoded[key] = await encode_value(encoder, item, f"{where}[{key!r}]")
    return encoded


def finite(number: float, where: str) -> float:
    """Raise for what JSON cannot express."""
    if not math.isfinite(number):
        raise ValueError(f"{where} is {number}, which JSON cannot express")
    return number


def is_file(value: object) -> bool:
    """Tell whether a value is a file, or stands for one."""
    return isinstance(value, (Path, bytes, bytearray, memoryview)) or hasattr(value, "read")


async def encode_file(encoder: Encoder, value: Any, where: str) -> str:
    """Give a file as a URL that the model can fetch: its own, a data URI, or the address of an upload."""
    if isinstance(url := getattr(value, "url", None), str):  # a FileOutput: no need to download it
        return url
    upload = open_upload(value, where)
    try:
        strategy = STRATEGIES[encoder.strategy]
        if strategy == "inline" or (strategy == "auto" and upload.size <= LARGEST_DATA_URI):
            content = base64.b64encode(upload.file.read()).decode()
            return f"data:{upload.content_type};base64,{content}"
        stored = await encoder.session.call(files_create, body=form(upload, where=where))
        address = getattr(stored.urls, "get", None)
        if not isinstance(address, str):
            raise APIResponseValidationError(f"{where} was uploaded, but the API did not answer with its address.")
        return address
    finally:
        if upload.file is not value:
            upload.file.close()


def form(upload: Upload, metadata: Mapping[str, Any] | None = None, where: str = "file") -> dict[str, Any]:
    """Give the fields of a `files.create` body. Raises ValueError for a file that is too large."""
    if upload.size > LARGEST_UPLOAD:
        raise ValueError(
            f"{where} has {upload.size / 2**20:.1f} MiB, and the files API takes {LARGEST_UPLOAD / 2**20:.0f} MiB: "
            "put it on a host of your own, such as a bucket with signed URLs, and pass its URL"
        )
    content = Part("content", upload.file, upload.name, upload.content_type)
    return {"content": content, "filename": upload.name, "type": upload.content_type, "metadata": metadata or None}


def open_upload(value: Any, where: str, name: str | None = None, content_type: str | None = None) -> Upload:
    """Open what is to be sent, at its beginning. Raises for what is not there or not binary.

    What cannot be rewound, such as a pipe, is read into memory: a request may have to be sent again.
    """
    raw: Any = value
    file: Any
    match value:
        case str() | Path():
            path = Path(value)
            if not path.is_file():
                raise FileNotFoundError(f"{where}: there is no file {path}")
            raw, file = path, path.open("rb")
        case bytes() | bytearray() | memoryview():
            file = io.BytesIO(raw)
        case _ if hasattr(value, "read"):
            file = rewound(value, where)
        case _:
            raise TypeError(f"{where} must be a path, an open binary file or bytes, not {type(value).__name__}")
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = binary(file.read(16), where)
    file.seek(0)
    given = getattr(raw, "name", None)
    basename = name or (Path(given).name if isinstance(given, str) else "")
    kind = content_type or by_name(basename) or by_magic(start)
    return Upload(file, basename or f"file{mimetypes.guess_extension(kind, strict=False) or ''}", kind, size)


def rewound(file: Any, where: str) -> Any:
    """Give a file at its beginning, or a copy in memory of one that cannot be read again.

    Nor may it unpack what its descriptor reads, as what `gzip.open` gives does: httpx takes the size from there.
    """
    if getattr(file, "seekable", lambda: False)():
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        try:
            if os.fstat(file.fileno()).st_size == size:
                return file
        except (AttributeError, OSError):  # it has no descriptor, and httpx asks itself
            return file
    return io.BytesIO(binary(file.read(), where))


def binary(content: Any, where: str) -> bytes:
    """Raise for content that is not bytes."""
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise TypeError(f"{where} is a file that gives {type(content).__name__}, not bytes: open it with mode 'rb'")
    return bytes(content)  # pyright: ignore[reportUnknownArgumentType]  # a memoryview of what it may be


def by_name(name: str) -> str | None:
    """Guess a MIME type from a file's name; of a compressed file it is that of the compression."""
    kind, compression = mimetypes.guess_type(name, strict=False)
    return f"application/{compression}" if compression else kind


def by_magic(start: bytes) -> str:
    """Guess a MIME type from a file's first bytes."""
    return next((kind for magic, at, kind in MAGIC if start[at:].startswith(magic)), "application/octet-stream")
