"""The time of the server, and its timers: real time, or time that a test moves."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """Real time."""

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        return datetime.now(UTC)

    def after(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` once, later; return a function that cancels this. Call it on the server's event loop."""
        return asyncio.get_running_loop().call_later(seconds, callback).cancel


class ManualClock(Clock):
    """Time that stands still until `advance` moves it."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2025, 1, 1, tzinfo=UTC)
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = count()
        self._changed = threading.Condition()

    def now(self) -> datetime:
        """Return the current manual time."""
        return self._now

    def after(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback`, on the server's event loop, once `advance` has moved time far enough."""
        loop = asyncio.get_running_loop()

        def ring() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(callback)

        timer = (self._now + timedelta(seconds=seconds), next(self._order), ring)

        def cancel() -> None:
            with self._changed:
                if timer in self._due:
                    self._due.remove(timer)

        with self._changed:
            self._due.append(timer)
            self._changed.notify_all()
        return cancel

    def advance(self, seconds: float) -> None:
        """Move time forward and call the callbacks that are due."""
        with self._changed:
            self._now += timedelta(seconds=seconds)
            due = sorted(timer for timer in self._due if timer[0] <= self._now)
            self._due = [timer for timer in self._due if timer[0] > self._now]
        for _moment, _number, ring in due:
            ring()

    def wait_for_timers(self, number: int, timeout: float = 10) -> None:
        """Block until so many timers are set, so that a test's next `advance` fires them."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._due) >= number, timeout):
                raise TimeoutError(f"{len(self._due)} of {number} timers were set within {timeout} s")


def stamp(moment: datetime) -> str:
    """Format a time as the API does: ISO 8601 in UTC, ending in Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
