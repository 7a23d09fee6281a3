"""What this process has of files that lie elsewhere: what is known of them, and copies of their content."""

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
"""Bytes that are read at a time."""
ROOM = 1 << 30
"""Bytes of the copies in the folder of this process: of more, the oldest are removed, and may be downloaded again."""
REMEMBERED = 10_000
"""Files of which something is known."""


class Info(NamedTuple):
    """What is known of a file before its content; None where its host does not tell."""

    content_type: str | None = None
    size: int | None = None


class ChangedError(Exception):
    """What lies where a copy lay is not this copy any more."""


class Copy(NamedTuple):
    """A file that has the content of a URL, as long as nobody changes it."""

    path: Path
    stamp: tuple[int, ...]

    @classmethod
    def of(cls, path: Path) -> Copy:
        return cls(path.absolute(), stamp(path.stat()))

    @property
    def size(self) -> int:
        return self.stamp[2]

    def whole(self) -> bool:
        """Tell whether it is still there as it was."""
        try:
            return stamp(self.path.stat()) == self.stamp
        except OSError:
            return False

    def open(self) -> BinaryIO:
        """Open the very file that this is. Raises ChangedError: another one may have taken its place meanwhile.

        Raises OSError where it is there, and cannot be opened: to ask for it again would not end.
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
        """Do something with it, opened. Raises ChangedError before that."""
        with self.open() as file:
            return work(file)

    async def pieces(self, transport: Transport) -> AsyncGenerator[tuple[int, bytes], None]:
        """Yield the content block by block, with where each belongs. Raises ChangedError before the first."""
        with self.open() as file:
            at = 0
            while block := await transport.offload(lambda: file.read(BLOCK)):
                yield at, block
                at += len(block)


def stamp(found: os.stat_result) -> tuple[int, ...]:
    """Give what tells a file from another, and from what it was before it was changed."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class Cache:
    """What this process has downloaded, and where it lies: in a private folder, or where it was saved to.

    It is found by a key, which is a hash of its URL. Threads share it.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.forget(folder)
        inheritors.add(self)

    def forget(self, folder: Path | None = None) -> None:
        """Leave to the parent process what is its own."""
        self._folder = folder
        self._lock = Lock()
        self._copies: OrderedDict[str, Copy] = OrderedDict()
        self._infos: OrderedDict[str, Info] = OrderedDict()
        self._saved: OrderedDict[tuple[str, Path], Copy] = OrderedDict()
        self._sizes: OrderedDict[Path, int] = OrderedDict()
        """What the folders of the copies take, the oldest first."""
        self._taken = 0
        """What they take together."""

    def copy(self, key: str) -> Copy | None:
        """Give the copy of a file, if it is still there."""
        copy = self._copies.get(key)
        return copy if copy and copy.whole() else None

    def saved(self, key: str, folder: Path) -> Copy | None:
        """Give what a file was saved as in a folder, under a name that it got there, if it is still there."""
        copy = self._saved.get((key, folder.resolve()))
        return copy if copy and copy.whole() else None

    def info(self, key: str) -> Info | None:
        """Give what is known of a file."""
        return self._infos.get(key)

    def learn(self, key: str, info: Info) -> None:
        """Remember what is known of a file."""
        with self._lock:
            self._infos[key] = info
            shorten(self._infos)

    def keep(self, key: str, path: Path, info: Info) -> Copy:
        """Remember where a file lies, unless that is known already."""
        copy = Copy.of(path)
        self.learn(key, info._replace(size=copy.size))
        with self._lock:
            known = self._copies.get(key)
            if known is None or known.path == copy.path or not known.whole():
                self._copies[key] = copy
                shorten(self._copies)
        return copy

    def put(self, key: str, path: Path) -> None:
        """Remember what a file was saved as in a folder."""
        with self._lock:
            self._saved[key, path.parent.resolve()] = Copy.of(path)
            shorten(self._saved)

    def place(self, key: str) -> Path:
        """Make the folder for the copy of a file."""
        with self._lock:
            if self._folder is None or not self._folder.is_dir():  # what cleans up /tmp may have taken it away
                self._folder = private_folder()
            folder = self._folder / key[:32]
        folder.mkdir(exist_ok=True)
        return folder

    def fill(self, key: str, path: Path, info: Info) -> Copy:
        """Remember a copy in the private folder, and make room for it."""
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
    """Forget the oldest of very many."""
    while len(known) > REMEMBERED:
        known.popitem(last=False)


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
