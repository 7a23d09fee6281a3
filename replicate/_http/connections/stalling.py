"""Files whose data may never come: pipes, terminals, sockets, and objects that are no files on a disk."""

from __future__ import annotations

import io
import os
import select
import stat
from pathlib import PurePath
from typing import Any

from replicate._http.connections.threads import check_wanted

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


def mode_of(file: Any) -> int:
    """Return the mode of an open file; 0 if it is not one that `open` returns."""
    try:
        if type(file) in OPENED and type(getattr(file, "raw", file)) is io.FileIO:
            return os.fstat(file.fileno()).st_mode
    except (OSError, ValueError):  # it is closed
        pass
    return 0


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
