"""Files on disk: written beside their place and moved there when they are complete, and copies that are kept."""

from __future__ import annotations

import atexit
import io
import os
import secrets
import shutil
import sys
import tempfile
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from replicate._core.lifetime import inheritors

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from typing import BinaryIO

    from replicate._core.exchange import Transport

BLOCK = 1 << 20
"""Bytes that are written, or read, at a time."""


class Info(NamedTuple):
    """What is known of a file before its content; None where its host does not tell."""

    content_type: str | None = None
    size: int | None = None


class Part:
    """A file that is being written, under another name until it is complete."""

    def __init__(self, folder: Path, transport: Transport) -> None:
        self._path = folder / f".{secrets.token_hex(8)}.part"
        self._file = self._path.open("xb")
        self._transport = transport
        self._waiting: list[bytes] = []
        self._enough = 0 if transport.blocking else BLOCK  # for a thread, it must be worth it
        self._held = self.size = 0

    async def write(self, at: int, content: bytes) -> None:
        """Write what comes at a position: at the end, or at the beginning for what begins anew."""
        if at != self.size:
            self._waiting, self._held, self.size = [], 0, at
            await self._transport.offload(self._empty)
        self._waiting.append(content)
        self._held += len(content)
        self.size += len(content)
        if self._held >= self._enough:
            await self._transport.offload(self._flush)

    def _empty(self) -> None:
        self._file.seek(0)
        self._file.truncate()

    def _flush(self) -> None:
        waiting, self._waiting, self._held = self._waiting, [], 0
        self._file.writelines(waiting)

    async def become(self, target: Path, *, lasting: bool) -> None:
        """Put it in its place, as a whole; it then outlives a power cut if it is `lasting`."""

        def finish() -> None:
            self._flush()
            self._file.flush()
            if lasting:
                os.fsync(self._file.fileno())
            self._file.close()
            self._path.replace(target)

        await self._transport.offload(finish)

    def discard(self) -> None:
        """Remove what has not become a file."""
        try:
            self._file.close()
        finally:
            self._path.unlink(missing_ok=True)


@asynccontextmanager
async def incoming(folder: Path, transport: Transport) -> AsyncGenerator[Part, None]:
    """Give a file to write, which is gone afterwards if it has not become one with a name."""
    part = Part(folder, transport)
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
    if target.exists() and (not target.is_file() or is_stream(target)):
        raise ValueError(f"path is {target}, which is no file: open it, and pass the open file")
    return folder, target.name


def is_stream(path: Path) -> bool:
    """Tell whether a path stands for what a process has open, such as /dev/stdout: what is moved there is lost."""
    folder = path.parent.resolve()
    return path.is_symlink() and (folder == Path("/dev") or folder.parts[1:2] == ("proc",))


reserved: dict[Path, object] = {}
"""Where files are about to be put by this process."""


@contextmanager
def vacant(folder: Path, name: str) -> Generator[Path, None, None]:
    """Reserve a path in a folder that nothing is at yet: of this name, or with a number behind its stem."""
    mark = object()
    for number in count(1):
        path = folder / name if number == 1 else (folder / name).with_stem(f"{Path(name).stem}-{number}")
        if reserved.setdefault(path, mark) is mark:
            try:
                if not os.path.lexists(path):
                    yield path
                    return
            finally:
                del reserved[path]


class Copy(NamedTuple):
    """A file that has the content of a URL, as long as nobody changes it."""

    path: Path
    stamp: tuple[int, ...]

    @property
    def size(self) -> int:
        return self.stamp[2]

    def whole(self) -> bool:
        """Tell whether it is still there as it was."""
        try:
            return stamp(self.path) == self.stamp
        except OSError:
            return False

    async def pieces(self, transport: Transport) -> AsyncGenerator[tuple[int, bytes], None]:
        """Yield the content block by block, with where each belongs."""
        with self.path.open("rb") as file:
            at = 0
            while block := await transport.offload(lambda: file.read(BLOCK)):
                yield at, block
                at += len(block)

    def transfer(self, file: BinaryIO) -> None:
        """Write the content into an open file."""
        with self.path.open("rb") as source:
            while block := memoryview(source.read(BLOCK)):
                while block:  # a raw file may take a part of it
                    taken: Any = file.write(block)
                    if taken is None and isinstance(file, io.RawIOBase):
                        raise BlockingIOError("the file to be written does not block, and takes no more now")
                    block = block[taken if isinstance(taken, int) else len(block) :]


def stamp(path: Path) -> tuple[int, ...]:
    """Give what tells a file from another, and from what it was before it was changed."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class Cache:
    """What this process has downloaded, and where it lies: in a private folder, or where it was saved to."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self.forget(folder)
        inheritors.add(self)

    def forget(self, folder: Path | None = None) -> None:
        """Leave to the parent process what is its own."""
        self._folder = folder
        self._copies: dict[str, Copy] = {}
        self._infos: dict[str, Info] = {}

    def copy(self, key: str) -> Copy | None:
        """Give the copy of a file, if it is still there."""
        copy = self._copies.get(key)
        return copy if copy and copy.whole() else None

    def info(self, key: str) -> Info | None:
        """Give what is known of a file."""
        return self._infos.get(key)

    def learn(self, key: str, info: Info) -> None:
        """Remember what is known of a file."""
        self._infos[key] = info

    def keep(self, key: str, path: Path, info: Info) -> Copy:
        """Remember where a file lies."""
        copy = Copy(path.absolute(), stamp(path))
        self._copies[key] = copy
        self._infos[key] = info._replace(size=copy.size)
        return copy

    def place(self, key: str) -> Path:
        """Make the folder for the copy of a file. A key is a hash."""
        if self._folder is None or not self._folder.is_dir():  # what cleans up /tmp may have taken it away
            self._folder = private_folder()
        folder = self._folder / key[:32]
        folder.mkdir(exist_ok=True)
        return folder


def private_folder() -> Path:
    """Make a folder that goes with this process."""
    folder = Path(tempfile.mkdtemp(prefix="replicate-"))
    atexit.register(remove_folder, folder, os.getpid())
    if util := sys.modules.get("multiprocessing.util"):  # whose processes do not end as others do
        util.Finalize(None, remove_folder, (folder, os.getpid()), exitpriority=0)
    return folder


def remove_folder(folder: Path, process: int) -> None:
    """Remove a folder of the process that made it, not of one forked from it."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


cache = Cache()
