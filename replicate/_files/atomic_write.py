"""Files on disk: written beside their place, and moved there when they are complete."""

from __future__ import annotations

import atexit
import errno
import os
import secrets
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from replicate._http.connections.interface import Transport

BLOCK = 4 << 20
"""Bytes that are written at once: enough to be worth a thread, and the disk's while."""
MANY = 4096
"""Pieces that are written at once, however small: each takes some memory of its own."""


class Part:
    """A file that is being written, under another name until it is complete."""

    def __init__(self, folder: Path, transport: Transport, *, lasting: bool) -> None:
        self._path = folder / f".{secrets.token_hex(8)}.part"
        unfinished[self._path] = os.getpid()
        try:
            self._file = self._path.open("xb")
        except OSError:
            unfinished.pop(self._path)
            raise
        self._transport, self._lasting = transport, lasting
        self._waiting: list[bytes] = []
        self._written = self.size = 0

    async def write(self, at: int, content: bytes) -> None:
        """Write what comes at a position: at the end, or at the beginning for what begins anew."""
        if at != self.size:
            self._waiting, self._written, self.size = [], 0, at
            await self._transport.offload(self._empty)
        self._waiting.append(content)
        self.size += len(content)
        if self.size - self._written >= BLOCK or len(self._waiting) >= MANY:
            await self._transport.offload(self._flush)

    def _empty(self) -> None:
        self._file.seek(0)
        self._file.truncate()

    def _flush(self) -> None:
        """Write what waits. The disk begins with what is to last, so that it is not waited for at the end."""
        waiting, self._waiting = self._waiting, []
        self._file.writelines(waiting)
        if self._lasting and hasattr(os, "posix_fadvise"):
            with suppress(OSError):  # it is a hint
                length = self.size - self._written
                os.posix_fadvise(self._file.fileno(), self._written, length, os.POSIX_FADV_DONTNEED)
        self._written = self.size

    async def become(self, target: Path, *, replacing: bool = True) -> Path:
        """Put it in its place, as a whole, and tell where; it then outlives a power cut if it is `lasting`.

        If it is `replacing` what lies there, it has the permissions of that; if not, it gets the first number free.
        """

        def finish() -> Path:
            self._flush()
            self._file.flush()
            if self._lasting:
                os.fsync(self._file.fileno())
            self._file.close()
            if not replacing:
                return numbered(self._path, target)
            with suppress(OSError):  # nearly always there is nothing
                self._path.chmod(target.stat().st_mode & 0o777)
            return self._path.replace(target)

        return await self._transport.offload(finish)

    def discard(self) -> None:
        """Remove what has not become a file."""
        try:
            self._file.close()
        finally:
            self._path.unlink(missing_ok=True)
            unfinished.pop(self._path, None)


unfinished: dict[Path, int] = {}
"""Files that are being written, each with the process that writes it."""


@atexit.register
def discard_all() -> None:
    """Remove what threads are writing that nobody waits for: they end with the process."""
    for path, process in list(unfinished.items()):
        if process == os.getpid():
            with suppress(OSError):
                path.unlink(missing_ok=True)


def numbered(part: Path, target: Path) -> Path:
    """Move a file to where nothing is: to a path, or to that with a number behind its stem. Tell where."""
    taken: set[str] = set()
    for number in count(1):
        name = target.name if number == 1 else f"{target.stem}-{number}{target.suffix}"
        if name.casefold() not in taken:
            try:
                return moved(part, target.with_name(name))
            except FileExistsError:
                taken = taken or {each.casefold() for each in names_in(target.parent)}
    raise AssertionError


def moved(part: Path, place: Path) -> Path:
    """Move a file to where nothing is, whoever else does the same. Raises FileExistsError."""
    if os.name == "nt":
        return part.rename(place)
    try:
        place.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, where somebody may be quicker between these two lines
        if os.path.lexists(place):
            raise FileExistsError(errno.EEXIST, "something is there", str(place)) from None
        return part.replace(place)
    part.unlink()
    return place


def names_in(folder: Path) -> list[str]:
    """Name what lies in a folder: nothing, if it cannot be looked into."""
    with suppress(OSError):
        return os.listdir(folder)  # noqa: PTH208 - no paths are wanted, and there may be many
    return []


@asynccontextmanager
async def incoming(folder: Path, transport: Transport, *, lasting: bool) -> AsyncGenerator[Part, None]:
    """Give a file to write, which is gone afterwards if it has not become one with a name."""
    part = Part(folder, transport, lasting=lasting)
    try:
        yield part
    finally:
        part.discard()


def is_path(value: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(value, (str, os.PathLike))


def destination(path: str | os.PathLike[str]) -> tuple[Path, str | None]:
    """Give the folder that is meant, and the name in it, None for the file's own.

    Raises TypeError, ValueError, FileNotFoundError for where no file can be.
    """
    text: Any = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"path must be a str, a path or a file opened in binary mode, not {type(text).__name__}")
    if not text:
        raise ValueError("path must name a file or a folder, not be empty")
    if "\0" in text:
        raise ValueError("path holds a null character")
    target = Path(text)
    if target.is_dir():
        return target.absolute(), None
    target = target.absolute()  # wherever the program goes meanwhile
    folder = target if text.endswith(tuple(filter(None, (os.sep, os.altsep)))) else target.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder} to save to")
    if is_stream(target) or (target.exists() and not target.is_file()):
        raise ValueError(f"path is {target}, which is no file: open it, and pass the open file")
    return folder, target.name


def is_stream(path: Path) -> bool:
    """Tell whether a path stands for what a process has open, such as /dev/stdout: what is moved there is lost."""
    folder = path.parent.resolve()
    return path.is_symlink() and (folder == Path("/dev") or folder.parts[1:2] == ("proc",))
