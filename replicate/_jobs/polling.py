"""How often to look whether something has finished, and when to stop looking."""

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
    """Give the seconds between two looks that the client or the environment asks for, or None."""
    if session.config.poll_interval is not None:
        return session.config.poll_interval
    given = os.environ.get(VARIABLE, "").strip()
    if given and number(given) is None:
        raise ReplicateError(f"{VARIABLE} must be a number of seconds, such as 0.5, not {given!r}.")
    return number(given)


async def acquire(session: Session[Any], deadline: Deadline) -> bool:
    """Wait for a slot among all looks with the session's token: True. Or for the deadline, if that is before: False."""
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
    """Wait until the next look is due: True. If the deadline has passed, do not wait: False."""
    remaining = deadline.remaining()
    if remaining > 0:
        await session.transport.sleep(min(interval(deadline.elapsed(), fixed_interval(session)), remaining))
    return remaining > 0
