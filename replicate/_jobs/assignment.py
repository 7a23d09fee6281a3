"""Deciding which of the jobs found in a list a create may take for its own. Pure: nothing here asks or remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replicate._jobs.matching import Asked, Fit

BEFORE = 5.0
"""Seconds before a create went out. What was asked for earlier than that is older than what its search looks at."""


class Attempt(NamedTuple):
    """A create of this process, as it stands at one moment."""

    asked: Asked
    sent: float = 0.0
    """When its request went out last."""
    out: bool = True
    """Whether the request may have arrived."""
    unanswered: bool = False
    """Whether no answer will tell what it has started."""
    ending: bool = False
    """Whether what it has started is to be canceled."""

    def may_own(self, found: Sequence[Any]) -> bool:
        """Tell whether it may have started something that was found."""
        return self.out and any(self.asked.fits(each) for each in found)

    def may_swap_with(self, other: Attempt) -> bool:
        """Tell whether either of two whose answers are lost may take what the other has started."""
        return other.asked == self.asked or (other.ending and self.ending)


class Verdict(NamedTuple):
    """What a create may do with what was found."""

    take: Sequence[Any] = ()
    """What it may take: the first of these that no other create has claimed meanwhile. Empty if it may take nothing."""
    wait: bool = False
    """Whether another create may own some of it, and is still to be answered: that answer will tell."""
    explained: bool = False
    """Whether this create, and those of this process like it, have started exactly what was found."""
    inherits: bool = False
    """Whether it may also cancel what creates like it have started that were given up."""


def without_others(fit: Fit, rivals: Sequence[Attempt]) -> Fit:
    """Leave out what may have something added, if a create whose answer is lost, too, has asked for exactly that."""
    if fit.exact:
        return fit
    lost = [each.asked for each in rivals if each.out and each.unanswered]
    return fit._replace(found=[each for each in fit.found if not any(asked.is_exactly(each) for asked in lost)])


def assign(mine: Attempt, fit: Fit, rivals: Sequence[Attempt], given_up: int) -> Verdict:
    """Decide what a create whose answer is lost may take of what fits it, and that no create has claimed.

    `rivals` are the other creates of this process that have not claimed anything, and `given_up` is the number of those
    that were given up and may have started some of what was found. Creates that ask for the same and whose answers are
    lost, too, may each take any of it, if there is no more of it than there are creates.
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
