"""Decide which jobs found in a list a create may take as its own. Pure functions: no I/O, no state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replicate._jobs.matching import Asked, Fit

BEFORE = 5.0
"""Seconds. A rival that was sent earlier than this before a create is too old to have started what its search finds."""


class Attempt(NamedTuple):
    """The state of one create of this process at one moment."""

    asked: Asked
    sent: float = 0.0
    """When its request was last sent."""
    out: bool = True
    """Whether the request may have arrived."""
    unanswered: bool = False
    """Whether no response will tell what it started."""
    ending: bool = False
    """Whether the job that it started is to be canceled."""

    def may_own(self, found: Sequence[Any]) -> bool:
        """Return whether this create may have started one of the jobs found."""
        return self.out and any(self.asked.fits(each) for each in found)

    def may_swap_with(self, other: Attempt) -> bool:
        """Return whether two creates, both with a lost response, may take each other's job."""
        return other.asked == self.asked or (other.ending and self.ending)


class Verdict(NamedTuple):
    """What a create may do with the jobs found."""

    take: Sequence[Any] = ()
    """The jobs it may choose from. It takes the first one that no other create has claimed meanwhile. May be empty."""
    wait: bool = False
    """Whether another create may own one of the jobs, and still awaits its response, which settles that."""
    explained: bool = False
    """Whether there are exactly as many jobs as creates of this process that may own them, this one included."""
    inherits: bool = False
    """Whether it may also cancel the jobs of creates with the same request that were given up."""


def without_others(fit: Fit, rivals: Sequence[Attempt]) -> Fit:
    """Remove jobs that match only inexactly if they exactly match another create whose response is lost."""
    if fit.exact:
        return fit
    lost = [each.asked for each in rivals if each.out and each.unanswered]
    return fit._replace(found=[each for each in fit.found if not any(asked.is_exactly(each) for asked in lost)])


def assign(mine: Attempt, fit: Fit, rivals: Sequence[Attempt], given_up: int) -> Verdict:
    """Decide which of the matching, unclaimed jobs a create may take after its response was lost.

    `rivals` are the other creates of this process that have not claimed a job. `given_up` is the number of creates that
    were given up and may have started one of the jobs. Creates with the same request whose responses are all lost may
    each take any of the jobs, if there are no more jobs than creates.
    """
    lost = [each for each in rivals if each.unanswered and each.asked.shows_as(mine.asked)]
    near = [each for each in rivals if each.sent > mine.sent - BEFORE]
    owners = 1 + sum(each.may_own(fit.found) for each in near) + given_up
    wait = any(not each.unanswered and each.may_own(fit.found) for each in rivals)
    enough = len(fit.found) <= 1 + len(lost) + given_up
    certain = not wait and enough and all(mine.may_swap_with(each) for each in lost)
    return Verdict(
        take=fit.found if certain else (),
        wait=wait,
        explained=len(fit.found) == owners,
        inherits=mine.ending and all(each.ending for each in rivals if each.unanswered),
    )
