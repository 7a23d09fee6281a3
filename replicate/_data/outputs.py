"""Files that models make: values that stand for a URL, and can be read, saved and opened as files."""

from __future__ import annotations

import atexit
import hashlib
import mimetypes
import os
import re
import secrets
import shutil
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_to_bytes

from replicate._core.dual import Async, C, Sync, drive, drive_iter, dual
from replicate._core.nested import nested
from replicate._core.resource import Bound, session_of
from replicate._core.session import Session
from replicate.exceptions import ReplicateError
from replicate_api.types import Request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
    from typing import BinaryIO

    from typing_extensions import Self

    from replicate._core.dual import Coloured

CHUNK = 64 * 1024
URL_PATH = re.compile(r"\w+://[^/?#]*([^?#]*).*", re.DOTALL)


class FileOutput(Bound[C], os.PathLike[str]):
    """A file that a model made: a URL until its content is asked for, then downloaded once.

    It reads like an open binary file (`read(n)`, `seek`, iteration in chunks), opens like a path (`open(output)`,
    `PIL.Image.open(output)`), compares and hashes by URL, and pickles. Outputs of predictions made by the API are
    removed after an hour: `save` what is to be kept.
    """

    url: str

    def __init__(self, url: str, client: Session[C] | Coloured[C] | None = None) -> None:
        """Name a file by its URL; the client, the default one if there is none here, downloads it."""
        if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not check types
            raise TypeError(f"url must be a str, not {type(url).__name__}")
        self.url = url
        self._bound = client if client is None or isinstance(client, Session) else session_of(client)
        self._position = 0

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        shown = self.url if len(self.url) <= 120 else f"{self.url[:120]}…"
        return f"FileOutput({shown!r})"

    def __eq__(self, other: object) -> bool:
        return f"{other}" == self.url if isinstance(other, (FileOutput, str)) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.url)

    @property
    def name(self) -> str:
        """A file name for it: the last part of its URL, or "output" with the extension of its type."""
        if self.url.startswith("data:"):
            kind = self.url[5:].partition(",")[0].partition(";")[0]
            return f"output{mimetypes.guess_extension(kind, strict=False) or ''}"
        return file_name(unquote(URL_PATH.sub(r"\1", self.url, count=1)))

    # ---- as a file

    @dual
    async def read(self, size: int = -1) -> bytes:
        """Read so many bytes from the current position, or all that are left. Raises APIError."""
        return await read(self, self._session, size)

    async def aread(self, size: int = -1) -> bytes:
        """Read as `read` does, from asynchronous code whatever the client."""
        return await read(self, self._session.of_colour(Async), size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the current position; bytes, as of `io.IOBase`. Give the new one."""
        match whence:
            case os.SEEK_SET:
                position = offset
            case os.SEEK_CUR:
                position = self._position + offset
            case os.SEEK_END:
                position = Path(self).stat().st_size + offset
            case _:
                raise ValueError(f"whence must be os.SEEK_SET, os.SEEK_CUR or os.SEEK_END, not {whence!r}")
        if position < 0:
            raise ValueError(f"negative seek position {position}")
        self._position = position
        return position

    def tell(self) -> int:
        """Give the current position in bytes."""
        return self._position

    def __iter__(self) -> Iterator[bytes]:
        return drive_iter(chunks(self.url, self._session.of_colour(Sync)))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return chunks(self.url, self._session.of_colour(Async))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: there is nothing open."""

    # ---- as a path

    def __fspath__(self) -> str:
        """Give the path of a local copy, downloaded the first time. It is removed when the process ends."""
        return str(drive(local_copy(self.url, self.name, self._session.of_colour(Sync))))

    @dual
    async def save(self, path: str | os.PathLike[str] | BinaryIO) -> Path | None:
        """Write the content to a file, to a folder under its own name, or into an open binary file. Give the path.

        A file appears under its name only when it is complete. Raises TypeError, APIError, OSError.
        """
        if path == "" or not (isinstance(path, (str, os.PathLike)) or hasattr(path, "write")):
            raise TypeError(f"path must name a file or a folder, or be a file open for writing, not {path!r}")
        target = destination(path, self.name) if isinstance(path, (str, os.PathLike)) else path
        copy = await local_copy(self.url, self.name, self._session)
        if not isinstance(target, Path):
            transfer(copy, target)
            return None
        with complete(target) as file:
            transfer(copy, file)
        return target


def file_maker(session: Session[C] | None, *, use_file_output: bool = True) -> Callable[[str], Any]:
    """Give what turns the URL of an output file into what the caller gets."""

    def make(url: str) -> FileOutput[C]:
        return FileOutput(url, session)

    return make if use_file_output else str


async def read(output: FileOutput[Any], session: Session[Any], size: int) -> bytes:
    """Read from an output's position, and move it."""
    copy = await local_copy(output.url, output.name, session)
    with copy.open("rb") as file:
        file.seek(output.tell())
        content = file.read(size)
    output.seek(len(content), os.SEEK_CUR)
    return content


async def local_copy(url: str, name: str, session: Session[Any]) -> Path:
    """Download a URL, once in this process, and give the path of the copy."""
    folder = cache_folder() / hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    target = folder / name
    if not target.exists():
        folder.mkdir(exist_ok=True)
        with complete(target) as file:
            async with nested(chunks(url, session)) as content:
                async for chunk in content:
                    file.write(chunk)
    return target


async def chunks(url: str, session: Session[Any]) -> AsyncGenerator[bytes, None]:
    """Yield the content of a URL as it arrives. The token goes along only if it is at the API."""
    if url.startswith("data:"):
        yield data_of(url)
        return
    response = await session.send(Request("GET", url, headers={"Accept": "*/*"}), stream=True)
    async with nested(session.chunks(response)) as content:
        async for chunk in content:
            yield chunk


def data_of(uri: str) -> bytes:
    """Decode a data URI (RFC 2397). Raises ReplicateError if it is none."""
    head, comma, data = uri.removeprefix("data:").partition(",")
    if not comma:
        raise ReplicateError("This data URI has no comma, so it has no content.")
    content = unquote_to_bytes(data)
    if not head.lower().endswith(";base64"):
        return content
    import base64
    import binascii

    content = content.translate(None, b" \t\r\n\f").rstrip(b"=")  # as browsers do; padding may be missing
    try:
        return base64.b64decode(content + b"=" * (-len(content) % 4), validate=True)
    except binascii.Error as error:
        raise ReplicateError(f"This data URI is not valid base64: {error}.") from error


# ---- on disk


def destination(path: str | os.PathLike[str], name: str) -> Path:
    """Give the path that is meant: the one given, or one of this name in a folder. Raises FileNotFoundError."""
    target = Path(path) / name if Path(path).is_dir() else Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent} to save to")
    return target


def transfer(path: Path, file: BinaryIO) -> None:
    """Write the content of a path into an open file."""
    with path.open("rb") as source:
        shutil.copyfileobj(source, file, CHUNK)


@contextmanager
def complete(target: Path) -> Generator[BinaryIO, None, None]:
    """Open a file that appears at the target only if all goes well, whole and on disk."""
    temporary = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@cache
def cache_folder() -> Path:
    """Make this process's private folder for downloads, and see to its removal."""
    folder = Path(tempfile.mkdtemp(prefix="replicate-"))
    atexit.register(remove_folder, folder, os.getpid())
    return folder


def remove_folder(folder: Path, process: int) -> None:
    """Remove a folder of the process that made it, not of one forked from it."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def file_name(path: str) -> str:
    """Take a harmless file name from a path that somebody else chose: short enough for any file system."""
    name = re.sub(r"[^\w.\- ]", "_", re.split(r"[/\\]", path)[-1])
    return name.encode()[-150:].decode(errors="ignore").strip(". ") or "output"
