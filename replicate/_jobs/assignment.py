"""Deciding which of the listed jobs a create may take for its own. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replicate._jobs.matching import Asked, Fit

BEFORE = 5.0
"""Seconds. Creates that were sent longer before this one cannot have started a job that its search finds."""


class Attempt(NamedTuple):
    """A create of this process, at one moment."""

    asked: Asked
    sent: float = 0.0
    """When its request was last sent."""
    out: bool = True
    """Whether the request may have arrived."""
    unanswered: bool = False
    """Whether no response will tell what it has started."""
    ending: bool = False
    """Whether its job is to be canceled."""

    def may_own(self, found: Sequence[Any]) -> bool:
        """Return whether it may have started one of the jobs found."""
        return self.out and any(self.asked.fits(each) for each in found)

    def may_swap_with(self, other: Attempt) -> bool:
        """Return whether each of two creates with lost responses may take the other's job."""
        return other.asked == self.asked or (other.ending and self.ending)


class Verdict(NamedTuple):
    """What a create may do with the jobs found."""

    take: Sequence[Any] = ()
    """It may take the first of these that no other create has claimed meanwhile. Empty if it may take none."""
    wait: bool = False
    """Whether another create may own one of them and still gets its response, which will tell."""
    explained: bool = False
    """Whether this create and equal ones of this process account for all jobs found."""
    inherits: bool = False
    """Whether it may also cancel the jobs of equal creates that were abandoned."""


def without_others(fit: Fit, rivals: Sequence[Attempt]) -> Fit:
    """Leave out jobs with added inputs if another create with a lost response has asked for exactly those."""
    if fit.exact:
        return fit
    lost = [each.asked for each in rivals if each.out and each.unanswered]
    return fit._replace(found=[each for each in fit.found if not any(asked.is_exactly(each) for asked in lost)])


def assign(mine: Attempt, fit: Fit, rivals: Sequence[Attempt], given_up: int) -> Verdict:
    """Decide which of the matching, unclaimed jobs a create with a lost response may take.

    `rivals` are the other creates of this process without a claim, `given_up` is the number of abandoned creates that
    may have started some of the jobs. Equal creates with lost responses may each take any of the jobs, if there are no
    more jobs than creates.
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
