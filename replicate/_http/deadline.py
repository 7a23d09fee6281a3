"""The deadline of a call."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from replicate_api.types import UNSET

if TYPE_CHECKING:
    from replicate._dual.colours import C
    from replicate._http.session import Session

SHORTEST = 0.1
"""Minimum seconds until a deadline, so that the remaining work has some time."""


class Deadline:
    """The time by which a call must return, or no limit."""

    def __init__(self, session: Session[Any], seconds: float | None) -> None:
        self.seconds: float | None = None if seconds is UNSET else seconds
        check_seconds(self.seconds)
        self._now = session.transport.now
        self._start = self._now()

    @classmethod
    def within(cls, session: Session[Any], seconds: float | None = None) -> Deadline:
        """Return a deadline in so many seconds, but no later than the session's own."""
        limits = [limit for limit in (seconds, session.remaining()) if limit is not None and limit < float("inf")]
        return cls(session, max(min(limits), SHORTEST) if limits else None)

    @classmethod
    def begun(cls, session: Session[Any], seconds: float | None, moment: datetime) -> Deadline:
        """Return a deadline of so many seconds that began at a wall-clock time. A time in the future counts as now."""
        self = cls(session, seconds)
        self._start -= max(0.0, (datetime.now(UTC) - moment).total_seconds())
        return self

    @property
    def began(self) -> datetime:
        """The start in wall-clock time, which other computers know too."""
        return datetime.now(UTC) - timedelta(seconds=self.elapsed())

    def elapsed(self) -> float:
        return self._now() - self._start

    def remaining(self) -> float:
        return float("inf") if self.seconds is None else self.seconds - self.elapsed()

    def shorten(self, seconds: float) -> None:
        """Move the deadline to so many seconds from now, if that is earlier."""
        if seconds < self.remaining():
            self.seconds = max(SHORTEST, self.elapsed() + seconds)

    def bound(self, session: Session[C]) -> Session[C]:
        """Return a session whose requests keep to this deadline."""
        return session if self.seconds is None else session.evolve(deadline=self._start + self.seconds)


def check_seconds(timeout: Any) -> None:
    """Raise TypeError or ValueError if a value is not a valid timeout for a whole call."""
    if timeout is None:
        return
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        kind = type(timeout).__name__ if type(timeout).__module__ == "builtins" else repr(timeout)
        raise TypeError(f"timeout must be a number of seconds for the whole call, or None, not {kind}")
    if isinstance(timeout, int) and timeout > sys.float_info.max:
        raise ValueError("timeout must be a number of seconds that a float can hold, or None for no limit")
    if not timeout > 0:
        raise ValueError(f"timeout must be a positive number of seconds, not {timeout!r}")
