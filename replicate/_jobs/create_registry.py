"""What is known of the creates of this process, by which each tells what it has started from what the others have."""

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
"""How many claims."""
MOST_GIVEN_UP, WORTH_KNOWING = 100, 300.0
"""How many creates that were given up, and for how many seconds."""
Account: TypeAlias = tuple[str, int]


class GivenUp(NamedTuple):
    """A create that was to be canceled, but could not be told from others of this process that asked for the same.

    One of `found` is what it has started, and the rest is theirs.
    """

    account: Account
    asked: int
    moment: float
    found: frozenset[str]


class Claimant(Protocol):
    """A create, as the others of this process see it."""

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
        """What it starts."""
        ...

    @property
    def unanswered(self) -> bool:
        """Whether no answer will come."""
        ...

    def attempt(self) -> Attempt:
        """Return what decides which of several jobs it has started."""
        ...


class CreateRegistry:
    """The creates of this process: those that are under way, and what is known to belong to one. All clients share it.

    It holds neither clients nor inputs, except of what is under way, nor tokens.
    """

    def __init__(self) -> None:
        self.under_way: dict[Claimant, None] = {}
        self._claims: OrderedDict[tuple[Account, str], object] = OrderedDict()
        self._given_up: list[GivenUp] = []
        self._adopted: OrderedDict[str, bool] = OrderedDict()
        self._lock = Lock()
        inheritors.add(self)

    def claim(self, run_id: str, create: Claimant) -> bool:
        """Note what a create has started. False if that is another one's: one of two that ask at once gets it."""
        with self._lock:
            owner = self._claims.setdefault((create.account, run_id), create.mark)
            if len(self._claims) > REMEMBERED:
                self._claims.popitem(last=False)
        return owner is create.mark

    def adopt(self, run_id: str, *, exact: bool) -> None:
        """Note what was only found in a list, and whether that alone has `exactly` the input that was sent."""
        with self._lock:
            self._adopted[run_id] = exact
            if len(self._adopted) > REMEMBERED:
                self._adopted.popitem(last=False)

    def is_adopted(self, run_id: str) -> bool:
        """Tell whether a create has only found it in a list."""
        return run_id in self._adopted

    def may_cancel(self, run_id: str | None, *, late: bool) -> bool:
        """Tell whether a call may cancel what it has: not what may be another program's.

        Of what it only found in a list, a call that is too `late` cancels nothing, and an interrupted one what alone
        has exactly the input that was sent.
        """
        exact = self._adopted.get(run_id or "")
        return exact is None or (exact and not late)

    def is_free(self, run_id: str, account: Account) -> bool:
        """Tell whether nobody has claimed it."""
        return (account, run_id) not in self._claims

    def is_another_s(self, run_id: str, create: Claimant) -> bool:
        """Tell whether another create has claimed it."""
        return self._claims.get((create.account, run_id), create.mark) is not create.mark

    def give_up(self, create: Claimant, found: Iterable[str]) -> None:
        """Note that a create which was to be canceled has started one of these, and creates like it the others."""
        now = create.session.transport.now()
        given_up = GivenUp(create.account, hash((create.noun, create.asked.fingerprint)), now, frozenset(found))
        with self._lock:
            kept = [each for each in self._given_up if 0 <= now - each.moment <= WORTH_KNOWING]
            self._given_up = [*kept, given_up][-MOST_GIVEN_UP:]

    def alike(self, create: Claimant, found: Collection[str]) -> list[GivenUp]:
        """Give those that were given up, asked for the same as a create, and may have started some of what it found."""
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
        """Claim for a create what others have started that were given up, one of what each has found."""
        with self._lock:
            mine = [each for each in given_up if each in self._given_up]
            self._given_up = [each for each in self._given_up if each not in mine]
        taken = list[str]()
        for each in mine:
            free = (run_id for run_id in each.found if self.is_free(run_id, create.account))
            taken += [run_id for run_id in [next(free, None)] if run_id and self.claim(run_id, create)]
        return taken

    def forget(self) -> None:
        """In the child of a fork: what the parent's threads have under way is not answered here."""
        self._lock = Lock()
        self._given_up = []
        self.under_way.clear()


create_registry: CreateRegistry = CreateRegistry()
