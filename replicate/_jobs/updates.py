"""Report each new state of a job to a callback and a display, and compute its progress and timings."""

from __future__ import annotations

import inspect
import re
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from replicate._annotations import resolve_lazily
from replicate._jobs.outputs import raw_output
from replicate._json import is_array
from replicate._objects.progress_bar import Display
from replicate._times import utc
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self, TypeGuard

    from replicate._http.session import Session
    from replicate._jobs.any_job import AnyJob


class Updates:
    """Reports each new state of a prediction or a training to a callback and a display.

    The constructor raises TypeError for a callback that cannot be called, or cannot be awaited. As a context manager,
    it ends the display. An exception of the callback is raised, and kept in `error`: `CancelOnExit` cancels on it.
    """

    def __init__(
        self, session: Session[Any], on_update: Callable[[Any], object] | None = None, progress: Any = None
    ) -> None:
        on_update = None if on_update is UNSET else on_update
        check_watching(on_update, progress, blocking=session.blocking)
        self.wanted: bool = bool(on_update or progress)
        self.error: Exception | None = None
        self._blocking = session.blocking
        self._callback = on_update
        self._display = Display() if progress else None
        self._last: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the display, which stays visible."""
        if self._display:
            self._display.close()

    async def tell(self, run: AnyJob) -> None:
        """Report a state, if it is new."""
        if not self.wanted or (state := summary(run)) == self._last:
            return
        self._last = state
        if self._display:
            self._draw(run, self._display)
        if not self._callback:
            return
        try:
            told = self._callback(run)
            if inspect.isawaitable(told):
                if self._blocking:
                    refuse(told)
                await told
        except (StopIteration, StopAsyncIteration) as error:  # these would end a coroutine or a generator
            self.error = RuntimeError(f"on_update raised {type(error).__name__}")
            raise self.error from error
        except Exception as error:
            self.error = error
            raise

    def _draw(self, run: AnyJob, display: Display) -> None:
        """Display a state. Never raises: what a model prints must not end a call that is paid for."""
        try:
            at = Progress.parse(end_of(run.logs))
            told, fraction = f"{run.id}: {run.status}", at.percentage if at else None
        except Exception as error:  # noqa: BLE001 - any failure
            display.drop(error)
        else:
            display.draw(told, fraction, whole=run.status == "succeeded")


def is_text(value: Any) -> TypeGuard[str]:
    """Return whether a field holds a text, as declared. A value of another type is kept as the API sent it."""
    return isinstance(value, str)


def check_watching(on_update: Any, progress: Any, *, blocking: bool) -> None:
    """Raise TypeError for an invalid `on_update` or `progress`."""
    if progress is not None and progress is not UNSET and not isinstance(progress, bool):
        raise TypeError(f"progress must be True or False, not {type(progress).__name__}")
    if on_update is None:
        return
    if not callable(on_update):
        raise TypeError(f"on_update must be a function that takes a prediction, not {type(on_update).__name__}")
    awaited = inspect.iscoroutinefunction(on_update) or inspect.iscoroutinefunction(type(on_update).__call__)
    if blocking and awaited:
        raise TypeError("on_update is a coroutine function, which a blocking client cannot await: use AsyncReplicate")


def refuse(told: Any) -> None:
    """Raise TypeError for an awaitable, which a blocking client cannot await."""
    if inspect.iscoroutine(told):
        told.close()
    raise TypeError("on_update gave something to await, which a blocking client cannot: use AsyncReplicate")


def summary(run: AnyJob) -> tuple[Any, ...]:
    """Return the fields whose change makes a state new. Progress is in the logs. Of items, only the number changes."""
    output = raw_output(run)
    return run.status, run.logs, len(output) if is_array(output) else output


BAR = re.compile(r"^[^\S\n]*(100|[0-9]{1,2})%[^\S\n]*\|.+?\|[^\S\n]*([0-9]{1,18})/([0-9]{1,18})(?![0-9])", re.MULTILINE)
"""A line of a progress bar, as tqdm draws it. No part may match across lines: the time would be quadratic."""
LONGEST_END = 10_000
"""Number of characters at the end of the logs that are searched for a progress bar at each new state."""


class Progress(NamedTuple):
    """The progress of a prediction. `percentage` is a fraction from 0 to 1."""

    percentage: float
    current: int
    total: int

    @classmethod
    def parse(cls, logs: str) -> Self | None:
        """Return the last progress bar in some logs, or None if there is none."""
        bars = deque(BAR.finditer(logs.replace("\r", "\n") if is_text(logs) else ""), maxlen=1)
        return cls(int(bars[0][1]) / 100, int(bars[0][2]), int(bars[0][3])) if bars else None


def end_of(logs: Any) -> str:
    """Return the last complete lines of some logs. Part of a line may look like another line."""
    if not is_text(logs) or len(logs) <= LONGEST_END:
        return logs if is_text(logs) else ""
    return logs[-LONGEST_END:].replace("\r", "\n").partition("\n")[2]


class Timings(NamedTuple):
    """The seconds that a prediction or a training has spent in its states; None if unknown."""

    queued: float | None
    """From its creation to its start."""
    running: float | None
    """From its start to its end, or to now."""
    total: float | None
    """From its creation to its end, or to now."""


def timings(run: AnyJob) -> Timings:
    """Return how long a prediction or a training has been in each state, by the times that the API reports."""
    end: Any = run.completed_at
    if end is None and not run.finished:
        end = datetime.now(UTC)
    return Timings(
        queued=between(run.created_at, run.started_at),
        running=between(run.started_at, end),
        total=between(run.created_at, end),
    )


def between(start: Any, end: Any) -> float | None:
    """Return the seconds between two times; None if one is unknown. Never negative, even if the clocks differ."""
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return None
    return max(0.0, (utc(end) - utc(start)).total_seconds())


resolve_lazily(Progress)
resolve_lazily(Timings)
