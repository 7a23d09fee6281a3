"""Files to send: where they are read from, and their name, type and size."""

from __future__ import annotations

import io
import mimetypes
import os
from contextlib import contextmanager
from inspect import iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from replicate._files.filenames import extension
from replicate._http.config import LAST_CHANCE
from replicate._http.connections.concurrency import exclusive
from replicate._http.connections.in_time import LateError
from replicate._http.connections.interface import ALWAYS
from replicate._http.connections.pool import with_timeout
from replicate._http.connections.stalling import may_hang, may_stall, read_by_deadline, read_soon
from replicate._http.connections.threads import check_wanted
from replicate._wording import harmless
from replicate.exceptions import APITimeoutError, ReplicateError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from replicate._http.session import Session

T = TypeVar("T")

LARGEST_UPLOAD = 100 * 2**20
"""Bytes that the files API accepts in one file."""

MAGIC: tuple[tuple[bytes, int, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"WAVE", 8, "audio/wav"),
    (b"ID3\x02", 0, "audio/mpeg"),
    (b"ID3\x03", 0, "audio/mpeg"),
    (b"ID3\x04", 0, "audio/mpeg"),
    (b"OggS", 0, "audio/ogg"),
    (b"fLaC", 0, "audio/flac"),
    (b"ftyp", 4, "video/mp4"),
    (b"\x1a\x45\xdf\xa3", 0, "video/webm"),
    (b"%PDF-", 0, "application/pdf"),
    (b"PK\x03\x04", 0, "application/zip"),
)


UNPACKING = ("gzip", "bz2", "lzma")
"""Modules whose file objects yield unpacked content, but have the name of the packed file."""


class Upload(NamedTuple):
    """A file that can be sent repeatedly: its source, and its name, type and size for the receiver."""

    source: Path | bytes | BinaryIO
    name: str
    content_type: str
    size: int
    where: str

    @contextmanager
    def opened(self) -> Generator[BinaryIO, None, None]:
        """Open it at its beginning. A file opened by the caller stays open. Reading raises ValueError, TypeError."""
        reader: Any
        if isinstance(self.source, Path):
            with self.source.open("rb") as file:
                reader = Reader(file, self.size, self.where)
                yield reader
        else:
            content = self.source
            reader = io.BytesIO(content) if isinstance(content, bytes) else Reader(content, self.size, self.where)
            yield reader


class Reader:
    """An open file with a position of its own, so that several readers can share the file.

    It is read up to the measured size, as a device has no end. Raises ValueError for a file that yields more or less.
    """

    def __init__(self, file: BinaryIO, size: int, where: str) -> None:
        self._file, self._size, self._where, self._position = file, size, where, 0
        self.stalls: bool = may_stall(file)

    def read(self, size: int = -1) -> bytes:
        check_wanted()
        left = self._size + 1 - self._position
        with position(self._file), readable(self._where):
            self._file.seek(self._position)
            content = self._file.read(left if size < 0 else min(size, left))
        content = binary(content, self._where)
        self._position += len(content)
        if self._position > self._size or (size and not content and self._position < self._size):
            amount = "more" if content else "less"
            raise ValueError(f"{self._where} is a file that gives {amount} than its size, {self._size} bytes")
        return content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        return self._position

    def tell(self) -> int:
        return self._position


def is_file(value: object) -> bool:
    """Return whether a value is a file, or represents one."""
    return isinstance(value, (os.PathLike, bytes, bytearray, memoryview)) or hasattr(value, "read")


def check_file(value: Any, where: str) -> None:
    """Raise if a value cannot be sent, as far as is known without reading: missing, too large, text, closed."""
    match value:
        case bytes() | bytearray() | memoryview():
            check_size(len(value) if isinstance(value, bytes | bytearray) else value.nbytes, where)
        case os.PathLike():
            check_size(existing(value, where).stat().st_size, where)
        case _:
            if getattr(value, "closed", False) is True:
                raise ValueError(f"{where} is a file that has been closed")
            if isinstance(value, io.TextIOBase) or isinstance(getattr(value, "encoding", None), str):
                raise TypeError(not_binary(where, "str"))
            if iscoroutinefunction(getattr(value, "read", None)):
                raise TypeError(f"{where} is a file whose read() is awaited: pass what await file.read() gives")
            if isinstance(value, io.IOBase) and not value.readable():
                raise ValueError(f"{where} is a file that was opened for writing: open it with mode 'rb'")


def position(file: object) -> AbstractContextManager[None]:
    """Lock an open file for one read: all readers share its position."""
    return exclusive(("position", id(file)))


@contextmanager
def readable(where: str) -> Generator[None, None, None]:
    """Turn exceptions of the caller's file into ValueError, with the place of the file."""
    try:
        yield
    except ReplicateError:
        raise
    except Exception as error:
        raise ValueError(f"{where} is a file that cannot be read: {error!r}") from error


def existing(path: Any, where: str) -> Path:
    """Return the path of an existing file. Raises ValueError, IsADirectoryError, FileNotFoundError otherwise."""
    text = os.fsdecode(path)
    if not text:
        raise ValueError(f"{where} must be a path, not an empty text")
    if "://" in text:
        raise ValueError(f"{where} must be a path, not a URL: a model that takes a file takes its URL as it is")
    found = Path(text)
    if os.path.isdir(found):  # noqa: PTH112 - Path.is_dir raises for texts that cannot be a path
        raise IsADirectoryError(harmless(f"{where} must be a file, and {found} is a directory: pack it, as a zip file"))
    if os.path.exists(found) and found.is_fifo():  # noqa: PTH110 - likewise
        raise ValueError(harmless(f"{where}: {found} is a pipe, not a file: pass it opened, with mode 'rb'"))
    if not os.path.isfile(found):  # noqa: PTH113 - likewise
        raise FileNotFoundError(harmless(f"{where}: there is no file {text if len(text) <= 200 else f'{text[:200]}…'}"))
    return found


def inspect_file(value: Any, where: str, name: str | None = None, content_type: str | None = None) -> Upload:
    """Inspect a file to send, and read its beginning. Raises if it is missing, not binary, or too large.

    A stream that cannot be rewound, such as a pipe, is read into memory, as a request may be retried.
    """
    source: Path | bytes | BinaryIO
    given: Any = getattr(value, "name", None)
    match value:
        case str() | os.PathLike():
            source = existing(value, where)
            given = source.name
        case bytes() | bytearray() | memoryview():
            source = bytes(value)  # pyright: ignore[reportUnknownArgumentType]  # a memoryview of any type
        case _ if hasattr(value, "read"):
            check_file(value, where)
            source = again(value, where)
            if type(value).__module__ in UNPACKING and isinstance(given, str):
                given = given.removesuffix(Path(given).suffix)
        case _:
            raise TypeError(f"{where} must be a path, an open binary file or bytes, not {type(value).__name__}")
    size = measure(source, where)
    check_size(size, where)
    with Upload(source, "", "", size, where).opened() as file:
        start = file.read(16)
    basename = name or (Path(os.fsdecode(given)).name if isinstance(given, (str, bytes)) else "")
    basename = basename.encode("utf-8", "replace").decode()  # file names can hold any bytes, requests cannot
    kind = content_type or by_name(basename) or by_magic(start)
    return Upload(source, basename or f"file{extension(kind)}", kind, size, where)


async def read_in_time(session: Session[Any], files: Iterable[Any], where: str, work: Callable[[], T]) -> T:
    """Run work that reads the caller's files, outside the event loop. Raises APITimeoutError at the deadline."""
    seconds, stalls = session.remaining(), any(map(may_stall, files))
    if not session.blocking:
        reading = session.transport.offload(work, stalls=stalls)
        patience = seconds if stalls else max(LAST_CHANCE, seconds)
        return await with_timeout(reading, patience, lambda _: unstarted(where))
    if seconds == ALWAYS or not any(map(may_hang, files)):
        return await session.transport.offload(work)
    try:
        return read_by_deadline(work, max(0.0, seconds))
    except LateError:
        raise unstarted(where) from None


def unstarted(where: str) -> APITimeoutError:
    """Make the error for a deadline that passes while an input is awaited or read."""
    error = APITimeoutError(f"The time was up while {where} was waited for: what it is for was not started.")
    error.sent = False
    return error


def measure(source: Path | bytes | BinaryIO, where: str) -> int:
    """Return the size of a file. Raises ValueError for an open file that cannot report it."""
    if isinstance(source, bytes):
        return len(source)
    if isinstance(source, Path):
        return source.stat().st_size
    with position(source), readable(where):
        source.seek(0, os.SEEK_END)
        return int(source.tell())  # not every `seek` returns it


def again(file: Any, where: str) -> bytes | BinaryIO:
    """Return a source that can be read repeatedly and concurrently: the open file itself, or else its content."""
    if isinstance(file, io.BytesIO):
        return file.getvalue()
    seekable = file.seekable() if hasattr(file, "seekable") else hasattr(file, "seek")
    return file if seekable else drain(file, where)


def drain(file: Any, where: str) -> bytes:
    """Read a stream that can be read only once. Raises ValueError if it is empty or too large."""
    content = bytearray()
    while len(content) <= LARGEST_UPLOAD:
        with readable(where):
            piece = read_soon(file, min(2**20, LARGEST_UPLOAD + 1 - len(content)))
        if piece is None:
            raise ValueError(f"{where} is a file that does not wait for its content: open it so that it does")
        if not binary(piece, where):
            break
        content += piece
    check_size(len(content), where)
    if not content:
        raise ValueError(f"{where} has nothing to read (any more): a pipe gives its content once")
    return bytes(content)


def check_size(size: int, where: str) -> None:
    """Raise ValueError if a file is too large for the API."""
    if size > LARGEST_UPLOAD:
        raise ValueError(
            f"{where} has {size / 2**20:.1f} MiB, and the files API takes {LARGEST_UPLOAD / 2**20:.0f} MiB: "
            "put it on a host of your own, such as a bucket with signed URLs, and pass its URL"
        )


def binary(content: Any, where: str) -> bytes:
    """Return the content as bytes. Raises TypeError for other types."""
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise TypeError(not_binary(where, type(content).__name__))
    return bytes(content)  # pyright: ignore[reportUnknownArgumentType]  # a memoryview of any type


def not_binary(where: str, kind: str) -> str:
    return f"{where} is a file that gives {kind}, not bytes: open it with mode 'rb'"


def by_name(name: str) -> str | None:
    """Guess a MIME type from a file name. For a compressed file, it is the type of the compression."""
    kind, compression = mimetypes.guess_type(name, strict=False)
    return f"application/{compression}" if compression else kind


def by_magic(start: bytes) -> str:
    """Guess a MIME type from a file's first bytes."""
    return next((kind for magic, at, kind in MAGIC if start[at:].startswith(magic)), "application/octet-stream")
