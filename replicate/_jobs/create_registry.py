"""The creates of this process, and which job belongs to which, so that no create takes the job of another."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from replicate._http.connections.process import inheritors
from replicate._http.connections.transport import Lock

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from replicate._http.session import Session
    from replicate._jobs.any_job import Endpoints
    from replicate._jobs.assignment import Attempt
    from replicate._jobs.matching import Asked

REMEMBERED = 10_000
"""Maximum number of claims, and of adopted jobs, that are kept."""
MOST_GIVEN_UP, WORTH_KNOWING = 100, 300.0
"""Maximum number of given-up creates that are kept, and for how many seconds."""
Account: TypeAlias = tuple[str, int]


class GivenUp(NamedTuple):
    """A create whose job should be canceled, but cannot be told apart from those of similar creates of this process.

    One of the ids in `found` is its job; the others belong to the similar creates.
    """

    account: Account
    asked: int
    moment: float
    found: frozenset[str]


class Claimant(Protocol):
    """A create, as the other creates of this process see it."""

    session: Session[Any]
    endpoints: Endpoints
    account: Account
    mark: object
    asked: Asked
    id: str | None
    sent: float
    out: bool
    ending: bool

    @property
    def noun(self) -> str:
        """The name of the kind of job that it starts."""
        ...

    @property
    def unanswered(self) -> bool:
        """Whether no response will come."""
        ...

    def attempt(self) -> Attempt:
        """Return the state that decides which of several jobs it started."""
        ...


class CreateRegistry:
    """The creates of this process: those in progress, and the jobs known to belong to one. All clients share it.

    It holds clients and inputs only of creates in progress, and never a token.
    """

    def __init__(self) -> None:
        self.under_way: dict[Claimant, None] = {}
        self._claims: OrderedDict[tuple[Account, str], object] = OrderedDict()
        self._given_up: list[GivenUp] = []
        self._adopted: OrderedDict[str, bool] = OrderedDict()
        self._lock = Lock()
        inheritors.add(self)

    def claim(self, run_id: str, create: Claimant) -> bool:
        """Record which job a create started. False if another create owns it: of two at once, one gets it."""
        with self._lock:
            owner = self._claims.setdefault((create.account, run_id), create.mark)
            if len(self._claims) > REMEMBERED:
                self._claims.popitem(last=False)
        return owner is create.mark

    def adopt(self, run_id: str, *, exact: bool) -> None:
        """Record a job that was only found in a list. `exact`: it has exactly the input that was sent."""
        with self._lock:
            self._adopted[run_id] = exact
            if len(self._adopted) > REMEMBERED:
                self._adopted.popitem(last=False)

    def is_adopted(self, run_id: str) -> bool:
        """Return whether a create only found this job in a list."""
        return run_id in self._adopted

    def may_cancel(self, run_id: str | None, *, late: bool) -> bool:
        """Return whether a call may cancel its job: not if the job may belong to another program.

        If the job was only found in a list, a call that ends at its deadline (`late`) does not cancel it, and an
        interrupted call cancels it only if it has exactly the input that was sent.
        """
        exact = self._adopted.get(run_id or "")
        return exact is None or (exact and not late)

    def is_free(self, run_id: str, account: Account) -> bool:
        """Return whether no create has claimed this job."""
        return (account, run_id) not in self._claims

    def is_another_s(self, run_id: str, create: Claimant) -> bool:
        """Return whether another create has claimed this job."""
        return self._claims.get((create.account, run_id), create.mark) is not create.mark

    def give_up(self, create: Claimant, found: Iterable[str]) -> None:
        """Record that a create to be canceled started one of these jobs, and similar creates the others."""
        now = create.session.transport.now()
        given_up = GivenUp(create.account, hash((create.noun, create.asked.fingerprint)), now, frozenset(found))
        with self._lock:
            kept = [each for each in self._given_up if 0 <= now - each.moment <= WORTH_KNOWING]
            self._given_up = [*kept, given_up][-MOST_GIVEN_UP:]

    def alike(self, create: Claimant, found: Collection[str]) -> list[GivenUp]:
        """Return the given-up creates that have the same request as a create, and may have started a job it found."""
        now = create.session.transport.now()
        near = [
            each
            for each in self._given_up
            if each.account == create.account
            and 0 <= now - each.moment <= WORTH_KNOWING
            and not each.found.isdisjoint(found)
        ]
        asked = hash((create.noun, create.asked.fingerprint)) if near else 0
        return [each for each in near if each.asked == asked]

    def take_over(self, create: Claimant, given_up: Iterable[GivenUp]) -> list[str]:
        """Claim the jobs of given-up creates for a create: one of the jobs that each of them found."""
        with self._lock:
            mine = [each for each in given_up if each in self._given_up]
            self._given_up = [each for each in self._given_up if each not in mine]
        taken = list[str]()
        for each in mine:
            free = (run_id for run_id in each.found if self.is_free(run_id, create.account))
            taken += [run_id for run_id in [next(free, None)] if run_id and self.claim(run_id, create)]
        return taken

    def forget(self) -> None:
        """After a fork, in the child: drop the creates of the parent's threads, whose responses do not arrive here."""
        self._lock = Lock()
        self._given_up = []
        self.under_way.clear()


create_registry: CreateRegistry = CreateRegistry()
