"""How many seconds to wait before each further try, by purpose.

Retries of requests and downloads wait for as long as `retry.delay` says.
"""

from __future__ import annotations

import random

from replicate._http.retry import FIRST_DELAY, LONGEST_DELAY

SHORTEST, LONGEST = 0.1, 2.0
"""Between two polls of a job. A long job is seen to end a second late on average. Many waiting jobs are no reason for
longer pauses: the rate limiter keeps all polls together below the quota."""

FIND = (0.0, 1.0, 3.0)
"""Before each search for the job of a create whose response was lost: new jobs may appear in the list late."""
FIND_QUICKLY = FIND[:2]
"""The same, while the program is ending."""
CROWDED, CROWDED_LOOKS = 1.0, 90
"""Between two such searches, and how many, while creates without a response yet may own the job."""

CANCEL = (0.0, 0.2, 1.0)
"""Before each attempt of an abandoned call to cancel its job."""
CANCEL_ASIDE = (0.0, 0.0)
"""The same, over new connections, after those of the client were closed."""


def interval(waited: float, fixed: float | None = None) -> float:
    """Return the seconds until the next poll, after having waited so long; `fixed` if that is given.

    A tenth of the wait so far: short jobs are seen early, long ones take few requests, and none is seen much later than
    a tenth, or LONGEST. A random fifth more or less spreads the polls of tasks that were started together.
    """
    if fixed is not None:
        return fixed
    return min(LONGEST, max(SHORTEST, waited / 10)) * random.uniform(0.8, 1.2)


def backoff(failures: int) -> float:
    """Return the seconds to wait after so many polls (at least one) in a row have failed."""
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 10)) * random.uniform(0.5, 1)
