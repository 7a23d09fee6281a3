"""The rate limit for polling, for all waiting calls together. Pure decisions: nothing here waits or sends."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from replicate._http.connections.process import inheritors
from replicate._http.connections.transport import Lock
from replicate._http.retry import LONGEST_TOLD, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

QUOTA = 3000
"""Requests a minute that the API allows, apart from those that start something."""
RATE = 0.8 * QUOTA / 60
"""Polls a second. The rest of the quota is for other requests."""
BURST = 1.0
"""Seconds whose slots can all be taken at once, after as long without polls."""


def limits_of(headers: httpx.Headers) -> dict[str, str]:
    """Return the headers of a response that describe the quota."""
    found = [(name.lower(), value) for name, value in headers.raw if name[:10].lower() == b"ratelimit-"]
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in found}


class RateLimiter:
    """Assigns slots to polls, first come, first served. All threads and tasks that use the same token share a limiter.

    Times are seconds of a clock that the caller reads.
    """

    def __init__(self) -> None:
        self._next = float("-inf")
        """The time of the next slot."""
        self._paused = float("-inf")
        """The time until which nobody may poll."""
        self._scarce = float("-inf")
        """The time until which slots are `_apart`, because the API said that few requests are left."""
        self._apart = 1 / RATE
        self._free: list[float] = []
        """Slots before the next one that were reserved and not used, as a heap."""
        self._lock = Lock()
        inheritors.add(self)

    def reserve(self, now: float, most: float = float("inf")) -> float:
        """Reserve the next slot, and return the seconds until it. A slot in `most` seconds or more is not reserved."""
        with self._lock:
            earliest = max(now - BURST, self._paused)
            if earliest < self._scarce:
                earliest = max(earliest, now)
            while self._free and self._free[0] < earliest:
                heappop(self._free)
            slot = self._free[0] if self._free else max(self._next, earliest)
            wait = max(0.0, slot - now)
            if 0 < wait >= most:
                return wait
            if not self._free:
                self._next = slot + (self._apart if slot < self._scarce else 1 / RATE)
                return wait
            heappop(self._free)
            while self._free and self._free[0] < min(slot + self._apart, self._scarce):
                heappop(self._free)  # from when more requests were left
            return wait

    def give_back(self, slot: float) -> None:
        """Return a slot, by its time, that was reserved and is not used."""
        with self._lock:
            heappush(self._free, slot)

    def paused(self, now: float) -> bool:
        """Return whether nobody may poll now. A caller that has waited for its slot then needs another one."""
        return now < self._paused

    def pause(self, seconds: float, now: float) -> None:
        """Allow no polls for so many seconds, as the API asks."""
        with self._lock:
            self._paused = max(self._paused, now + min(seconds, LONGEST_TOLD))

    def learn(self, headers: Mapping[str, str], now: float) -> None:
        """Note how many requests are left, and until when, from a response. Few are spread over that time."""
        if (said := headers.get("ratelimit-remaining")) is None:
            return
        left, reset = number(said), number(headers.get("ratelimit-reset"))
        if left is None or reset is None or not 0 < reset <= LONGEST_TOLD:
            return
        if left < 1:
            self.pause(reset, now)
            return
        with self._lock:
            self._scarce = now + reset if left / reset < RATE else float("-inf")
            self._apart = reset / left

    def forget(self) -> None:
        """Replace the lock in the child of a fork, where no thread would release it."""
        self._lock = Lock()
