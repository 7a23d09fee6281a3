"""The creates of this process, and which job belongs to which of them."""

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
"""How many claims are kept."""
MOST_GIVEN_UP, WORTH_KNOWING = 100, 300.0
"""How many abandoned creates are remembered, and for how many seconds."""
Account: TypeAlias = tuple[str, int]


class GivenUp(NamedTuple):
    """A create that could not be canceled, because its job could not be told from those of equal creates.

    One of the jobs in `found` is its own; the others belong to the equal creates.
    """

    account: Account
    asked: int
    moment: float
    found: frozenset[str]


class Claimant(Protocol):
    """A create, as seen by the others of this process."""

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
        """What its job is called."""
        ...

    @property
    def unanswered(self) -> bool:
        """Whether no response will come."""
        ...

    def attempt(self) -> Attempt:
        """Return what decides which of several jobs it has started."""
        ...


class CreateRegistry:
    """The creates in flight, and the jobs that are known to belong to one. All clients of the process share it.

    It holds no tokens, and clients and inputs only of creates in flight.
    """

    def __init__(self) -> None:
        self.under_way: dict[Claimant, None] = {}
        self._claims: OrderedDict[tuple[Account, str], object] = OrderedDict()
        self._given_up: list[GivenUp] = []
        self._adopted: OrderedDict[str, bool] = OrderedDict()
        self._lock = Lock()
        inheritors.add(self)

    def claim(self, run_id: str, create: Claimant) -> bool:
        """Claim a job for a create. Returns False if another one has it: one of two at a time gets it."""
        with self._lock:
            owner = self._claims.setdefault((create.account, run_id), create.mark)
            if len(self._claims) > REMEMBERED:
                self._claims.popitem(last=False)
        return owner is create.mark

    def adopt(self, run_id: str, *, exact: bool) -> None:
        """Note a job that was only found in a list, and whether it alone has exactly (`exact`) the input."""
        with self._lock:
            self._adopted[run_id] = exact
            if len(self._adopted) > REMEMBERED:
                self._adopted.popitem(last=False)

    def is_adopted(self, run_id: str) -> bool:
        """Return whether a job was only found in a list."""
        return run_id in self._adopted

    def may_cancel(self, run_id: str | None, *, late: bool) -> bool:
        """Return whether a call may cancel its job: not if that may be another program's.

        A job that was only found in a list is not canceled at the deadline (`late`). An interrupt cancels it if only it
        has exactly the input that was sent.
        """
        exact = self._adopted.get(run_id or "")
        return exact is None or (exact and not late)

    def is_free(self, run_id: str, account: Account) -> bool:
        """Return whether no create has claimed a job."""
        return (account, run_id) not in self._claims

    def is_another_s(self, run_id: str, create: Claimant) -> bool:
        """Return whether another create has claimed a job."""
        return self._claims.get((create.account, run_id), create.mark) is not create.mark

    def give_up(self, create: Claimant, found: Iterable[str]) -> None:
        """Note that an abandoned create has started one of these jobs, and equal creates the others."""
        now = create.session.transport.now()
        given_up = GivenUp(create.account, hash((create.noun, create.asked.fingerprint)), now, frozenset(found))
        with self._lock:
            kept = [each for each in self._given_up if 0 <= now - each.moment <= WORTH_KNOWING]
            self._given_up = [*kept, given_up][-MOST_GIVEN_UP:]

    def alike(self, create: Claimant, found: Collection[str]) -> list[GivenUp]:
        """Return the abandoned creates that equal this one and may have started some of the jobs it found."""
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
        """Claim the jobs of abandoned creates for a create, one for each."""
        with self._lock:
            mine = [each for each in given_up if each in self._given_up]
            self._given_up = [each for each in self._given_up if each not in mine]
        taken = list[str]()
        for each in mine:
            free = (run_id for run_id in each.found if self.is_free(run_id, create.account))
            taken += [run_id for run_id in [next(free, None)] if run_id and self.claim(run_id, create)]
        return taken

    def forget(self) -> None:
        """Forget, in the child of a fork, the creates of the parent's threads."""
        self._lock = Lock()
        self._given_up = []
        self.under_way.clear()


create_registry: CreateRegistry = CreateRegistry()
