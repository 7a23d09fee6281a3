"""What this process knows of remote files: their metadata, and local copies of their content."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from replicate._http.connections.process import inheritors
from replicate._http.connections.transport import Lock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from typing import BinaryIO

    from replicate._http.connections.interface import Transport

T = TypeVar("T")

BLOCK = 1 << 20
"""Bytes read at a time."""
ROOM = 1 << 30
"""Maximum bytes of copies in this process's folder. Beyond it, the oldest copies are removed."""
REMEMBERED = 10_000
"""Maximum number of files that are remembered."""


class Info(NamedTuple):
    """Metadata of a file, known without its content. A field is None if the host does not send it."""

    content_type: str | None = None
    size: int | None = None


class ChangedError(Exception):
    """The local file is no longer the copy that was remembered."""


class Copy(NamedTuple):
    """A local file that holds the content of a URL, as long as nobody changes it."""

    path: Path
    stamp: tuple[int, ...]

    @classmethod
    def of(cls, path: Path) -> Copy:
        return cls(path.absolute(), stamp(path.stat()))

    @property
    def size(self) -> int:
        return self.stamp[2]

    def whole(self) -> bool:
        """Return whether the file exists and is unchanged."""
        try:
            return stamp(self.path.stat()) == self.stamp
        except OSError:
            return False

    def open(self) -> BinaryIO:
        """Open exactly this file. Raises ChangedError if another file has taken its place.

        Raises OSError if it exists but cannot be opened. (As a ChangedError, callers would try again forever.)
        """
        try:
            file = self.path.open("rb")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ChangedError from error
        if stamp(os.fstat(file.fileno())) == self.stamp:
            return file
        file.close()
        raise ChangedError

    def used(self, work: Callable[[BinaryIO], T]) -> T:
        """Open the file and pass it to a function. Raises ChangedError before that."""
        with self.open() as file:
            return work(file)

    async def pieces(self, transport: Transport) -> AsyncGenerator[tuple[int, bytes], None]:
        """Yield the content in blocks, each with its position. Raises ChangedError before the first."""
        with self.open() as file:
            at = 0
            while block := await transport.offload(lambda: file.read(BLOCK)):
                yield at, block
                at += len(block)


def stamp(found: os.stat_result) -> tuple[int, ...]:
    """Return what identifies a file and its state: if the file is replaced or changed, this differs."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class Cache:
    """The files that this process has downloaded, in a private folder or where they were saved.

    Each has a key, which is a hash of its URL. Threads share the cache.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.forget(folder)
        inheritors.add(self)

    def forget(self, folder: Path | None = None) -> None:
        """Start empty. A forked process calls this, as the copies belong to its parent."""
        self._folder = folder
        self._lock = Lock()
        self._copies: OrderedDict[str, Copy] = OrderedDict()
        self._infos: OrderedDict[str, Info] = OrderedDict()
        self._saved: OrderedDict[tuple[str, Path], Copy] = OrderedDict()
        self._sizes: OrderedDict[Path, int] = OrderedDict()
        """Bytes in each folder of a copy, the oldest first."""
        self._taken = 0
        """Bytes in all of them."""

    def copy(self, key: str) -> Copy | None:
        """Return the copy of a file, if it is still unchanged."""
        copy = self._copies.get(key)
        return copy if copy and copy.whole() else None

    def saved(self, key: str, folder: Path) -> Copy | None:
        """Return the file that was saved in a folder under a generated name, if it is still unchanged."""
        copy = self._saved.get((key, folder.resolve()))
        return copy if copy and copy.whole() else None

    def info(self, key: str) -> Info | None:
        """Return the metadata of a file, or None if it is not known."""
        return self._infos.get(key)

    def learn(self, key: str, info: Info) -> None:
        """Remember the metadata of a file."""
        with self._lock:
            self._infos[key] = info
            shorten(self._infos)

    def keep(self, key: str, path: Path, info: Info) -> Copy:
        """Remember a local file as a copy, unless there is one already."""
        copy = Copy.of(path)
        self.learn(key, info._replace(size=copy.size))
        with self._lock:
            known = self._copies.get(key)
            if known is None or known.path == copy.path or not known.whole():
                self._copies[key] = copy
                shorten(self._copies)
        return copy

    def put(self, key: str, path: Path) -> None:
        """Remember a file that was saved in a folder under a generated name."""
        with self._lock:
            self._saved[key, path.parent.resolve()] = Copy.of(path)
            shorten(self._saved)

    def place(self, key: str) -> Path:
        """Make the folder for the copy of a file, and return it."""
        with self._lock:
            if self._folder is None or not self._folder.is_dir():  # a cleaner of /tmp may have removed it
                self._folder = private_folder()
            folder = self._folder / key[:32]
        folder.mkdir(exist_ok=True)
        return folder

    def fill(self, key: str, path: Path, info: Info) -> Copy:
        """Remember a copy in the private folder, and remove the oldest copies if there are too many bytes."""
        copy = self.keep(key, path, info)
        with self._lock:
            self._taken += copy.size - self._sizes.pop(path.parent, 0)
            self._sizes[path.parent] = copy.size
            while len(self._sizes) > 1 and self._taken > ROOM:
                oldest, size = self._sizes.popitem(last=False)
                self._taken -= size
                shutil.rmtree(oldest, ignore_errors=True)
        return copy


def shorten(known: OrderedDict[str, T] | OrderedDict[tuple[str, Path], T]) -> None:
    """Remove the oldest entries beyond the limit."""
    while len(known) > REMEMBERED:
        known.popitem(last=False)


def private_folder() -> Path:
    """Make a folder that is removed when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="replicate-"))
    atexit.register(remove_folder, folder, os.getpid())
    if util := sys.modules.get("multiprocessing.util"):  # its processes do not run atexit functions
        util.Finalize(None, remove_folder, (folder, os.getpid()), exitpriority=0)
    return folder


def remove_folder(folder: Path, process: int) -> None:
    """Remove a folder, if this is the process that made it and not a fork of that."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


cache = Cache()
