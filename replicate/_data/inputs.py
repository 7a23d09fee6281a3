"""Encoding inputs as JSON: files become data URIs when small and uploads when not; all else must be plain."""

from __future__ import annotations

import base64
import io
import math
import mimetypes
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from replicate._core.plain import is_array, is_iterable, is_mapping
from replicate.exceptions import APIResponseValidationError
from replicate_api.api.files import files_create
from replicate_api.types import Part

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
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
    """A file to send: where it is read from, and what the receiver should know of it."""

    source: Path | BinaryIO
    name: str
    content_type: str
    size: int

    @contextmanager
    def opened(self) -> Generator[BinaryIO, None, None]:
        """Open it at its beginning; what the caller has opened stays open."""
        if isinstance(self.source, Path):
            with self.source.open("rb") as file:
                yield file
        else:
            self.source.seek(0)
            yield self.source


class Inputs:
    """An input on its way to JSON: checked whole before any of its files is sent.

    Making one raises TypeError or ValueError that names the key of what cannot be sent.
    """

    def __init__(self, value: Any, strategy: FileEncodingStrategy | None = None, where: str = "input") -> None:
        if strategy not in [*STRATEGIES]:  # which compares, for it may be of any type
            known = ", ".join(map(repr, filter(None, STRATEGIES)))
            raise ValueError(f"file_encoding_strategy must be one of {known}, not {strategy!r}")
        self._strategy = STRATEGIES[strategy]
        self._uploads: dict[str, Upload] = {}
        """The files that are too large to be part of the JSON, by where they are in the input."""
        try:
            self._plan = self._value(value, where)
        except RecursionError:
            raise ValueError(f"{where} contains itself, or is nested too deeply to be sent") from None

    async def sent(self, session: Session[Any]) -> Any:
        """Upload the files, and give the input as plain JSON data that names them. Raises APIError."""
        addresses = {where: await address(session, upload, where) for where, upload in self._uploads.items()}
        return filled(self._plan, addresses)

    def _value(self, value: Any, where: str) -> Any:
        match value:
            case None | str() | int():
                return value
            case float():
                return finite(value, where)
            case _ if is_mapping(value):
                return {name(key, where): self._value(item, f"{where}[{key!r}]") for key, item in value.items()}
            case _ if is_file(value):
                return self._file(value, where)
            case _ if is_iterable(value):
                return [self._value(item, f"{where}[{index}]") for index, item in enumerate(value)]
            case _:
                raise TypeError(
                    f"{where} is {type(value).__name__}, which cannot be sent: use str, int, float, bool, None, list, "
                    "dict, or for a file a pathlib.Path, an open binary file or bytes"
                )

    def _file(self, value: Any, where: str) -> str | Waiting:
        """Give a file as its own URL or a data URI, or put it on the list of those to be uploaded."""
        from replicate._data.outputs import FileOutput  # most inputs hold no file

        if isinstance(value, FileOutput):  # no need to download it
            return value.url
        upload = inspected(value, where)
        if self._strategy == "inline" or (self._strategy == "auto" and upload.size <= LARGEST_DATA_URI):
            with upload.opened() as file:
                return f"data:{upload.content_type};base64,{base64.b64encode(file.read()).decode()}"
        check_size(upload, where)
        self._uploads[where] = upload
        return Waiting(where)


class Waiting(NamedTuple):
    """The place in an input for the address of a file that is still to be uploaded."""

    where: str


def filled(plan: Any, addresses: Mapping[str, str]) -> Any:
    """Put the addresses of uploads into an input."""
    if isinstance(plan, Waiting):
        return addresses[plan.where]
    if is_mapping(plan):
        return {key: filled(item, addresses) for key, item in plan.items()}
    return [filled(item, addresses) for item in plan] if is_array(plan) else plan


async def address(session: Session[Any], upload: Upload, where: str) -> str:
    """Upload a file, and give the URL that a model can fetch it from."""
    with upload.opened() as file:
        stored = await session.call(files_create, body=form(upload, file))
    url = getattr(stored.urls, "get", None)
    if not isinstance(url, str):
        raise APIResponseValidationError(f"{where} was uploaded, but the API did not answer with its address.")
    return url


def name(key: object, where: str) -> str:
    """Raise for what cannot name an input."""
    if not isinstance(key, str):
        raise TypeError(f"{where} has the key {key!r}; keys must be str")
    return key


def finite(number: float, where: str) -> float:
    """Raise for what JSON cannot express."""
    if not math.isfinite(number):
        raise ValueError(f"{where} is {number}, which JSON cannot express")
    return number


def is_file(value: object) -> bool:
    """Tell whether a value is a file, or stands for one."""
    return isinstance(value, (Path, bytes, bytearray, memoryview)) or hasattr(value, "read")


def form(upload: Upload, file: BinaryIO, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give the fields of a `files.create` body."""
    content = Part("content", file, upload.name, upload.content_type)
    return {"content": content, "filename": upload.name, "type": upload.content_type, "metadata": metadata or None}


def check_size(upload: Upload, where: str) -> None:
    """Raise ValueError for a file that is too large for the API."""
    if upload.size > LARGEST_UPLOAD:
        raise ValueError(
            f"{where} has {upload.size / 2**20:.1f} MiB, and the files API takes {LARGEST_UPLOAD / 2**20:.0f} MiB: "
            "put it on a host of your own, such as a bucket with signed URLs, and pass its URL"
        )


def inspected(value: Any, where: str, name: str | None = None, content_type: str | None = None) -> Upload:
    """Look at what is to be sent. Raises for what is not there or not binary.

    What cannot be rewound, such as a pipe, is read into memory: a request may have to be sent again.
    """
    raw: Any = value
    source: Any
    match value:
        case str() | Path():
            raw = source = Path(value)
            if not str(value):
                raise ValueError(f"{where} must be a path, not an empty text")
            if "://" in str(value):
                raise ValueError(f"{where} must be a path, not a URL: a model that takes a file takes its URL as it is")
            if source.is_dir():
                raise IsADirectoryError(f"{where} must be a file, and {source} is a directory: pack it, as a zip file")
            if not source.is_file():
                raise FileNotFoundError(f"{where}: there is no file {source}")
        case bytes() | bytearray() | memoryview():
            source = io.BytesIO(raw)
        case _ if hasattr(value, "read"):
            source = rewound(value, where)
        case _:
            raise TypeError(f"{where} must be a path, an open binary file or bytes, not {type(value).__name__}")
    upload = Upload(source, "", "", 0)
    with upload.opened() as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        start = binary(file.read(16), where)
        file.seek(0)
    given = getattr(raw, "name", None)
    basename = name or (Path(given).name if isinstance(given, str) else "")
    kind = content_type or by_name(basename) or by_magic(start)
    return Upload(source, basename or f"file{mimetypes.guess_extension(kind, strict=False) or ''}", kind, size)


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
