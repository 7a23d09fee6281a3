"""How many seconds to wait before another attempt, for each kind of attempt.

Retried requests and resumed downloads wait as long as `retry.delay` says.
"""

from __future__ import annotations

import random

from replicate._http.retry import FIRST_DELAY, LONGEST_DELAY

SHORTEST, LONGEST = 0.1, 2.0
"""Between two polls of a prediction. The end of a long one is seen a second late on average. Many waiting tasks do not
need longer pauses: `rate_limit.py` keeps all polls together below the quota."""

FIND = (0.0, 1.0, 3.0)
"""Before each search for the job of a create whose response was lost. A job that is just starting may appear late."""
FIND_QUICKLY = FIND[:2]
"""The same, while somebody waits for the program to end."""
CROWDED, CROWDED_LOOKS = 1.0, 90
"""Between two such searches, and how many, while other creates that await their responses may own the job."""

CANCEL = (0.0, 0.2, 1.0)
"""Before each attempt to cancel the job of a call that is left early."""
CANCEL_ASIDE = (0.0, 0.0)
"""The same, over new connections, after those of the client have been closed."""


def interval(waited: float, fixed: float | None = None) -> float:
    """Return how many seconds to wait before the next poll, after `waited` seconds so far; `fixed` if it is given.

    A tenth of the wait so far: quick jobs are seen quickly, long jobs cost few requests, and no result is seen much
    more than a tenth of its time, or LONGEST, late. A random variation of 20 % spreads tasks that started together.
    """
    if fixed is not None:
        return fixed
    return min(LONGEST, max(SHORTEST, waited / 10)) * random.uniform(0.8, 1.2)


def backoff(failures: int) -> float:
    """Return how many seconds to wait after so many failed polls in a row, at least one."""
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 10)) * random.uniform(0.5, 1)
