"""How many seconds to wait before trying again, and for what.

A request that is sent again, and a download that goes on, wait for as long as `retry.delay` says.
"""

from __future__ import annotations

import random

from replicate._http.retry import FIRST_DELAY, LONGEST_DELAY

SHORTEST, LONGEST = 0.1, 2.0
"""Between two looks at a prediction. What takes long is seen a second late on average; that many wait for much at once
is no reason for more, for `pacing.py` keeps all of them together below the quota."""

FIND = (0.0, 1.0, 3.0)
"""Before each look for what a create has started whose answer was lost: what is just being started may show late."""
FIND_QUICKLY = FIND[:2]
"""The same, where somebody waits for the program to end."""
CROWDED, CROWDED_LOOKS = 1.0, 90
"""Between two such looks, and how many, while other creates may have started it that are not answered yet."""

CANCEL = (0.0, 0.2, 1.0)
"""Before each attempt of a call that is being left to cancel what it has started."""
CANCEL_ASIDE = (0.0, 0.0)
"""The same, over new connections, where those of the client have just been closed."""


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
