"""Progress of one or more files in bytes, as a display or for a callback."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from replicate._http.connections.transport import Lock
from replicate._objects.progress_bar import Display

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

MEGABYTE = 1_000_000


class Interrupted(Exception):  # noqa: N818 - internal, not an error
    """Nobody wants the file any more."""


class Tally:
    """Adds up the bytes of several files. As a context manager, it removes the display at the end.

    A callback is called by one thread at a time. Raises TypeError for an invalid `progress`.
    """

    def __init__(self, progress: Any = None, files: int = 1) -> None:
        if progress is not None and not isinstance(progress, bool) and not callable(progress):
            raise TypeError(
                "progress must be True, False or a function that takes the bytes so far and in all, not "
                f"{type(progress).__name__}"
            )
        if iscoroutinefunction(progress) or iscoroutinefunction(type(progress).__call__):
            raise TypeError(
                "progress is a coroutine function, which nobody awaits: pass a plain function that takes the bytes so "
                "far and in all"
            )
        self._callback: Callable[[int, int | None], object] | None = progress if callable(progress) else None
        self._display = Display() if progress is True else None
        self._files = files
        self._known: dict[Any, tuple[int, int | None]] = {}
        self._lock = Lock()
        self._drawn: tuple[int, int] | None = None
        self._interrupted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._display:
            self._display.close()

    def interrupt(self) -> None:
        """Make the next report of more bytes raise Interrupted."""
        self._interrupted = True

    def of(self, file: Any) -> Callable[[int, int | None], None]:
        """Return the function that reports the bytes of a file: so far, and in total or None."""

        def tell(done: int, total: int | None) -> None:
            if self._interrupted:
                raise Interrupted
            if self._callback or self._display:
                with self._lock:
                    self._known[file] = done, total
                    self._show()

        return tell

    def _show(self) -> None:
        done = sum(done for done, _ in self._known.values())
        totals = [total for _, total in self._known.values() if total is not None]
        total = sum(totals) if len(totals) == self._files else None
        if self._callback:
            self._callback(done, total)
        if self._display:
            drawn = (done * 20 // total, 0) if total else (0, done // (10 * MEGABYTE))
            if drawn != self._drawn or done == total:
                self._drawn = drawn
                files = f"{len(self._known)} of {self._files} files, " if self._files > 1 else ""
                amount = f"{done / MEGABYTE:.1f} MB" + (f" of {total / MEGABYTE:.1f} MB" if total else "")
                self._display.draw(files + amount, done / total if total else None, whole=done == total)
