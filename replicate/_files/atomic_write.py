"""Files on disk: written under a temporary name, and moved into place when they are complete."""

from __future__ import annotations

import atexit
import errno
import os
import secrets
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from replicate._wording import harmless

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from replicate._http.connections.interface import Transport

BLOCK = 4 << 20
"""Bytes that are buffered before a write: enough to be worth a thread and a disk access."""
MANY = 4096
"""Maximum number of buffered pieces, however small they are: each one takes extra memory."""


class Part:
    """A file that is being written. It has a temporary name until it is complete."""

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
        """Write a piece at a position: at the end, or at the beginning if the content starts again."""
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
        """Write the buffered pieces. For a lasting file, the disk starts now, which makes the final fsync short."""
        waiting, self._waiting = self._waiting, []
        self._file.writelines(waiting)
        if self._lasting and hasattr(os, "posix_fadvise"):
            with suppress(OSError):  # only a hint
                length = self.size - self._written
                os.posix_fadvise(self._file.fileno(), self._written, length, os.POSIX_FADV_DONTNEED)
        self._written = self.size

    async def become(self, target: Path, *, replacing: bool = True) -> Path:
        """Move the complete file into place, and return its path. If `lasting`, it then survives a power failure.

        With `replacing`, it replaces an existing file and takes over its permissions; otherwise it gets a free number.
        """

        def finish() -> Path:
            self._flush()
            self._file.flush()
            if self._lasting:
                os.fsync(self._file.fileno())
            self._file.close()
            if not replacing:
                return numbered_name(self._path, target)
            with suppress(OSError):  # usually the target does not exist
                self._path.chmod(target.stat().st_mode & 0o777)
            return self._path.replace(target)

        return await self._transport.offload(finish)

    def discard(self) -> None:
        """Remove the file if it has not been moved into place."""
        try:
            self._file.close()
        finally:
            self._path.unlink(missing_ok=True)
            unfinished.pop(self._path, None)


unfinished: dict[Path, int] = {}
"""Files that are being written, each with the id of the process that writes it."""


@atexit.register
def discard_all() -> None:
    """Remove unfinished files at exit. Threads may still be writing them; those end with the process."""
    for path, process in list(unfinished.items()):
        if process == os.getpid():
            with suppress(OSError):
                path.unlink(missing_ok=True)


def numbered_name(part: Path, target: Path) -> Path:
    """Move a file to a free path, and return that: the target, or the target with a number after its stem."""
    taken: set[str] = set()
    for number in count(1):
        name = target.name if number == 1 else f"{target.stem}-{number}{target.suffix}"
        if name.casefold() not in taken:
            try:
                return move_into_place(part, target.with_name(name))
            except FileExistsError:
                taken = taken or {each.casefold() for each in names_in(target.parent)}
    raise AssertionError


def move_into_place(part: Path, place: Path) -> Path:
    """Move a file to a free path, even if others do the same at that moment. Raises FileExistsError."""
    if os.name == "nt":
        return part.rename(place)
    try:
        place.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # no hard links on this file system: here, another writer can win the race
        if os.path.lexists(place):
            raise FileExistsError(errno.EEXIST, "something is there", str(place)) from None
        return part.replace(place)
    part.unlink()
    return place


def names_in(folder: Path) -> list[str]:
    """List the names in a folder; none if it cannot be read."""
    with suppress(OSError):
        return os.listdir(folder)  # noqa: PTH208 - only names are needed, and there may be many
    return []


@asynccontextmanager
async def writing(folder: Path, transport: Transport, *, lasting: bool) -> AsyncGenerator[Part, None]:
    """Yield a file to write. It is removed at the end of the block unless it was moved into place."""
    part = Part(folder, transport, lasting=lasting)
    try:
        yield part
    finally:
        part.discard()


def is_path(value: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(value, (str, os.PathLike))


def destination(path: str | os.PathLike[str]) -> tuple[Path, str | None]:
    """Return the folder that a path stands for and the name in it; the name is None if the path is a folder.

    Raises TypeError, ValueError, FileNotFoundError if no file can be written there.
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
    target = target.absolute()  # the working directory may change later
    folder = target if text.endswith(tuple(filter(None, (os.sep, os.altsep)))) else target.parent
    if not folder.is_dir():
        raise FileNotFoundError(harmless(f"there is no folder {folder} to save to"))
    if is_stream(target) or (target.exists() and not target.is_file()):
        raise ValueError(harmless(f"path is {target}, which is no file: open it, and pass the open file"))
    return folder, target.name


def is_stream(path: Path) -> bool:
    """Return whether a path is a stream of a process, such as /dev/stdout. A file moved there would be lost."""
    folder = path.parent.resolve()
    return path.is_symlink() and (folder == Path("/dev") or folder.parts[1:2] == ("proc",))
