"""How often to look whether something has finished, and when to stop looking."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

from replicate._http.retry import FIRST_DELAY, LONGEST_DELAY, number
from replicate.exceptions import ReplicateError

if TYPE_CHECKING:
    from replicate._http.deadline import Deadline
    from replicate._http.session import Session

SHORTEST, LONGEST = 0.1, 2.0
"""Seconds between two looks. What takes long is seen a second late on average; that many wait for much at once is no
reason for more, for `pacing.py` keeps all of them together below the quota."""
VARIABLE = "REPLICATE_POLL_INTERVAL"


def pace(session: Session[Any]) -> float | None:
    """Give the seconds between two looks that the client or the environment asks for, or None."""
    if session.config.poll_interval is not None:
        return session.config.poll_interval
    given = os.environ.get(VARIABLE, "").strip()
    if given and number(given) is None:
        raise ReplicateError(f"{VARIABLE} must be a number of seconds, such as 0.5, not {given!r}.")
    return number(given)


def interval(waited: float, fixed: float | None = None) -> float:
    """Decide how many seconds to let pass before the next look, having waited so long; `fixed` if that is given.

    A tenth of the wait so far: quick for what is quick, few requests for what takes long, and never much more than a
    tenth, or LONGEST, late. A random fifth more or less keeps tasks that were started together from asking together.
    """
    if fixed is not None:
        return fixed
    return min(LONGEST, max(SHORTEST, waited / 10)) * random.uniform(0.8, 1.2)


def backoff(failures: int) -> float:
    """Decide how many seconds to let pass after so many looks in a row that failed, one at least."""
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 10)) * random.uniform(0.5, 1)


async def turn(session: Session[Any], deadline: Deadline) -> bool:
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


async def until_due(session: Session[Any], deadline: Deadline) -> bool:
    """Wait until the next look is due: True. If the deadline has passed, do not wait: False."""
    remaining = deadline.remaining()
    if remaining > 0:
        await session.transport.sleep(min(interval(deadline.elapsed(), pace(session)), remaining))
    return remaining > 0
