"""Files whose data may never come: pipes, terminals, sockets, and objects that are no files on a disk."""

from __future__ import annotations

import io
import os
import select
import stat
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeVar

from replicate._http.connections.in_time import in_time
from replicate._http.connections.threads import check_wanted, current

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

IN_MEMORY = (bytes, bytearray, memoryview, str, PurePath)
OPENED = (io.FileIO, io.BufferedReader, io.BufferedWriter, io.BufferedRandom)
"""Files as `open` returns them. Their subclasses may do anything."""
CHECK = 1000
"""Milliseconds until a thread notices that its work was abandoned."""


def may_stall(file: Any) -> bool:
    """Return whether reading or writing a file may never end. False for files on a disk and for data in memory."""
    if isinstance(file, IN_MEMORY) or type(file) is io.BytesIO:
        return False
    if isinstance(known := getattr(file, "stalls", None), bool):  # a reader of ours
        return known
    return not stat.S_ISREG(mode_of(file))


def may_hang(file: Any) -> bool:
    """Return whether a file may stall, and another thread may read it: a pipe and the like, or a stream of Python's.

    Other objects may belong to their thread, as those of SQLite do.
    """
    if mode := mode_of(file):
        return not stat.S_ISREG(mode)
    return isinstance(file, io.IOBase) and may_stall(file) and not file.seekable()


def mode_of(file: Any) -> int:
    """Return the mode of an open file; 0 if it is not one that `open` returns."""
    try:
        if type(file) in OPENED and type(getattr(file, "raw", file)) is io.FileIO:
            return os.fstat(file.fileno()).st_mode
    except (OSError, ValueError):  # it is closed
        pass
    return 0


class Reading:
    """Work of a blocking client that reads a file. It is abandoned as that of a task is."""

    def __init__(self) -> None:
        self.abandoned: bool = False


def read_by_deadline(work: Callable[[], T], seconds: float) -> T:
    """Run work that reads files, for at most so many seconds, and abandon it then. Raises LateError."""
    reading = Reading()

    def read() -> T:
        current.set(reading)
        return work()

    try:
        return in_time(read, seconds)
    except BaseException:
        reading.abandoned = True
        raise


def read_soon(file: Any, size: int) -> Any:
    """Read at most so many bytes from a stream. Raises AbandonedError in work that has been abandoned.

    This waits for data before it reads. A read that has begun holds a lock of the file: closing the file waits for it,
    and Python aborts if it exits meanwhile. Also, data that nobody waits for any more is left to others.
    """
    check_wanted()
    if not mode_of(file) or not hasattr(select, "poll") or not os.get_blocking(file.fileno()):
        return file.read(size)
    poll = select.poll()
    poll.register(file.fileno(), select.POLLIN)
    while not poll.poll(CHECK):
        check_wanted()
    check_wanted()
    return getattr(file, "read1", file.read)(size)
