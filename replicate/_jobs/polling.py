"""When to poll a job that has not finished, and when to stop."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from replicate._http.retry import number
from replicate._jobs.pauses import interval
from replicate.exceptions import ReplicateError

if TYPE_CHECKING:
    from replicate._http.deadline import Deadline
    from replicate._http.session import Session

VARIABLE = "REPLICATE_POLL_INTERVAL"


def fixed_interval(session: Session[Any]) -> float | None:
    """Return the seconds between two polls that the client or the environment sets, or None. Raises ReplicateError."""
    if session.config.poll_interval is not None:
        return session.config.poll_interval
    given = os.environ.get(VARIABLE, "").strip()
    if given and number(given) is None:
        raise ReplicateError(f"{VARIABLE} must be a number of seconds, such as 0.5, not {given!r}.")
    return number(given)


async def acquire(session: Session[Any], deadline: Deadline) -> bool:
    """Wait for a slot of the rate limiter that all polls with the session's token share.

    If the deadline comes first, wait until then and return False.
    """
    pace, transport = session.pace, session.transport
    while True:
        now, remaining = transport.now(), deadline.remaining()
        wait = pace.reserve(now, remaining)
        if 0 < wait >= remaining:
            await transport.sleep(max(0.0, remaining))
            return False
        try:
            if wait > 0:
                await transport.sleep(wait)
        except BaseException:
            pace.give_back(now + wait)
            raise
        if not wait or not pace.paused(transport.now()):
            return True


async def sleep_until_due(session: Session[Any], deadline: Deadline) -> bool:
    """Wait until the next poll is due. If the deadline has passed, return False without waiting."""
    remaining = deadline.remaining()
    if remaining > 0:
        await session.transport.sleep(min(interval(deadline.elapsed(), fixed_interval(session)), remaining))
    return remaining > 0
