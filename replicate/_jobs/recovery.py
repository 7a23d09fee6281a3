"""Find the job of a create whose response was lost, so that nothing is paid for twice or left running.

The API cannot look up a job by the request that started it. But it lists jobs, newest first, with their model and
input. The job of a create is the one that was started after the request was sent, is what the request asked for, and is
not known to belong to another create.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from replicate._errors import brief
from replicate._http import log
from replicate._http.config import LAST_CHANCE
from replicate._http.connections.interface import came_over_a_socket
from replicate._http.connections.process import ClosedError
from replicate._http.connections.transport import Lock
from replicate._http.deadline import Deadline
from replicate._http.error_responses import unreadable
from replicate._http.libraries import httpx
from replicate._http.secrecy.frames import is_interruption
from replicate._http.secrecy.hiding import authorization
from replicate._jobs.assignment import Attempt, Verdict, assign, without_others
from replicate._jobs.create_registry import create_registry as create_registry  # noqa: PLC0414 - for tests
from replicate._jobs.fetch import PASSING, TERMINAL, fetch_job
from replicate._jobs.list_recent import list_recent
from replicate._jobs.matching import Asked, fitting
from replicate._jobs.outputs import known_inputs
from replicate._jobs.ownership import LAST_WILL, cancel_quietly, in_thread, without_interrupting_observers
from replicate._jobs.pauses import CROWDED, CROWDED_LOOKS, FIND, FIND_QUICKLY
from replicate._models import look_up
from replicate._models.descriptions import description_reference, remembered
from replicate._wording import PROBLEM, sentence
from replicate.exceptions import (
    AmbiguousCreateError,
    APIError,
    APIResponseValidationError,
    ReplicateError,
    ReplicateException,
    RunError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from replicate._http.session import Session
    from replicate._jobs.any_job import Endpoints
    from replicate._jobs.create_registry import Account, Claimant
    from replicate._jobs.ownership import CancelOnExit
    from replicate.exceptions import APIConnectionError


CARRIED = (*PROBLEM, "status_code", "request", "response", "body", "request_id", "retry_after")
"""The fields that an AmbiguousCreateError takes over from the error that came in the place of a response."""


class CreateAttempt:
    """A create request, and what became of it.

    It is a context manager around the request, inside the block of the call. It finds the job and cancels it, provided
    that the block of the call cancels, when it is left in one of two ways: by an interrupt or a foreign exception while
    the request may be in progress, or by any exception once the job's id is known.
    """

    def __init__(self, session: Session[Any], endpoints: Endpoints, block: CancelOnExit) -> None:
        self.session: Session[Any] = session
        self.endpoints: Endpoints = endpoints
        self._block = block
        self.mark: object = object()
        """Identifies this create in the claims, which outlive it."""
        self.account: Account = ("", 0)
        """The account that it belongs to: the API's base URL, and a hash of the token."""
        self.asked: Asked = Asked({}, {})
        self.sent: float = 0.0
        """When the request was last sent."""
        self.out: bool = False
        """Whether the request may have arrived."""
        self.lost: bool = False
        """Whether no response will tell what became of it."""
        self.ending: bool = False
        """Whether the job is to be canceled."""
        self.id: str | None = None
        """The id of the job that it started."""
        self._listed: Any = None
        self._found: list[str] = []
        self._similar: list[str] = []  # jobs whose input has additional members
        self._verdict = Verdict()  # of the last search
        self._described = False  # whether the model was looked up
        self._inherited: list[str] = []
        self._trouble: Exception | None = None
        self._lock = Lock()

    @property
    def noun(self) -> str:
        """The name of the kind of job that it starts."""
        return self.endpoints.noun

    @property
    def unanswered(self) -> bool:
        """Whether no response will come: it is lost, or the client, an asynchronous one, was closed."""
        return self.lost or (self.session.transport.is_closed and not self.session.blocking)

    def attempt(self) -> Attempt:
        """Return the state that decides which of several jobs it started."""
        return Attempt(self.asked, self.sent, self.out, self.unanswered, self.ending)

    def going_out(self, headers: httpx.Headers, moment: float) -> None:
        """Record the account and the time of the request, which is about to be sent."""
        self.account = self.session.address, hash(authorization(headers))
        self.out, self.sent = True, moment

    def ended(self, *, arrived: bool) -> None:
        """Record whether the request may have arrived."""
        self.out = arrived

    def check_own(self, payload: Any, response: httpx.Response) -> None:
        """Raise APIResponseValidationError for the response to another create, which a cache or a proxy has repeated.

        Such a response shows another input. The responses of a mock that returns one id for all creates do not come
        over a socket, or show no input.
        """
        if (
            create_registry.is_another_s(payload.id, self)
            and self.asked.differs(payload)
            and came_over_a_socket(response)
        ):
            raise unreadable(response, f"its id, {payload.id}, is another {self.noun}'s, which has another input")

    def answered(self, run_id: str) -> None:
        """Record the job that the request started."""
        self.id = run_id
        if not create_registry.claim(run_id, self) and create_registry.is_adopted(run_id):
            log.warning("%s %s was taken up by another call, too, whose own answer was lost", self.noun, run_id)

    def accepted(self) -> None:
        """Leave the job to the code that has the response now, and may not have read it yet."""
        self._block.release()

    def broken(self, error: APIConnectionError) -> AmbiguousCreateError:
        """Create the error for a successful response that broke off while its content was being read."""
        made = AmbiguousCreateError(
            f"The {self.noun} was started, but the answer that tells its id broke off: {sentence(error.message)}",
            hint=f"To send it again might be charged twice. parse() looks for the {self.noun} and gives it.",
            **fields_of(error),
        )
        made.__cause__ = error
        return made

    async def __aenter__(self) -> None:
        create_registry.under_way[self] = None
        self._block.create = self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            create_registry.under_way.pop(self, None)
            return
        try:
            if self.id is None and isinstance(error, ReplicateException):
                self._block.create = None  # there is nothing to cancel
            elif self._block.release():
                await self.session.transport.shielded(lambda: self.end(self.session), LAST_WILL)
        finally:
            create_registry.under_way.pop(self, None)  # the process may have been forked since
            if self.ending and self.id is None and self._verdict.explained:
                create_registry.give_up(self, self._found)
        if self.out and isinstance(error, (httpx.HTTPError, TimeoutError)):
            raise RunError.of(error, None) from error  # code that repeats calls on these must not pay twice

    async def end(self, session: Session[Any], seconds: float = LAST_WILL) -> None:
        """Cancel the job that the request started, if the request was sent and the job can be found quickly."""
        if not self.out and self.id is None:
            return
        self.lost, self.ending, seconds = True, True, min(seconds, LAST_WILL)
        session = without_interrupting_observers(session)
        late = session.transport.now() + seconds
        try:
            if self.id is None:
                await self._find_quickly(session, seconds - LAST_CHANCE)
            if self.id is not None and not create_registry.may_cancel(self.id, late=False):
                log.warning("%s %s may be what an interrupted call has started, and goes on", self.noun, self.id)
            elif self.id is not None:
                await cancel_quietly(session, self.endpoints.cancel, self.id, seconds=late - session.transport.now())
            for run_id in self._inherited:
                await cancel_quietly(session, self.endpoints.cancel, run_id, seconds=late - session.transport.now())
        except Exception as error:  # noqa: BLE001 - another exception is being raised already
            log.debug("looking for an interrupted %s failed: %s", self.noun, error)
        if self.id is None:
            ids = " or ".join(self._found) or "its id is not known"
            log.warning("an interrupted %s could not be canceled, and may go on: %s", self.noun, ids)

    async def recovered(self, error: APIError) -> Any:
        """Return the job that the request started, after its response was lost. Raises AmbiguousCreateError."""
        self.lost = True
        await self._find_anyhow(self.session, FIND, LAST_WILL)
        if self.id is None:
            raise self._ambiguous(error) from error
        log.info("the answer to a create was lost; %s %s was started by it, and is taken up", self.noun, self.id)
        outer = sys.exception()
        try:
            return await fetch_job(self.session, self.endpoints.get, self.id)
        except Exception as trouble:  # any failure: the job was found in any case
            if is_interruption(trouble, outer):
                raise
            log.debug("reading %s %s failed: %s", self.noun, self.id, trouble)
            if self._listed.status in TERMINAL:
                self._listed.status = "processing"  # lists may omit the output: make a waiting caller poll
            return self._listed

    async def _find_quickly(self, session: Session[Any], seconds: float) -> None:
        """Search for the job within so many seconds."""
        bound = Deadline(session, max(0.1, seconds - LAST_CHANCE)).bound(session)
        await self._find_anyhow(bound, FIND_QUICKLY, seconds)

    async def _find_anyhow(self, session: Session[Any], pauses: Sequence[float], seconds: float) -> None:
        """Search for the job; if the client has been closed, within so many seconds over new connections."""

        async def find(spare: Session[Any]) -> None:
            """Search through a session. If this is canceled and repeated, it waits for the first thread to finish."""
            with self._lock:
                if self.id is None:
                    await self._find(Deadline(spare, max(0.1, seconds - LAST_CHANCE)).bound(spare), FIND_QUICKLY)

        try:
            await self._find(session, pauses)
        except ClosedError as error:
            try:
                await in_thread(session, find)
            except ReplicateError:  # the caller's own HTTP client cannot be created anew
                self._trouble = error

    async def _find(self, session: Session[Any], pauses: Sequence[float]) -> None:
        """Search for the job, once after each pause. A temporary failure does not end the search."""
        looks, crowded, outer = 0, 0, sys.exception()
        while looks < len(pauses) and crowded < CROWDED_LOOKS:
            if pause := CROWDED if self._verdict.wait else pauses[looks]:
                if session.remaining() <= pause:
                    return
                await session.transport.sleep(pause)
            try:
                await self._look(session)
            except Exception as error:
                if isinstance(error, ClosedError) or is_interruption(error, outer):
                    raise
                self._trouble = error  # the error of the create is raised
                if not isinstance(error, (*PASSING, APIResponseValidationError)):
                    return
            else:
                self._trouble = None
            if self.id is not None or (self._found and not self._verdict.wait):
                return
            crowded, looks = (crowded + 1, looks) if self._verdict.wait else (crowded, looks + 1)

    async def _look(self, session: Session[Any]) -> None:
        """Search once, and take a job that this create may take."""
        self._verdict = self._verdict._replace(wait=False)
        listed = await list_recent(session, self.endpoints, self.sent)
        rivals = self._rivals(session.transport.now())
        free = [each for each in listed if create_registry.is_free(each.id, self.account)]
        await self._learn_properties(session, free)
        others = [rival.attempt() for rival in rivals]
        fit = without_others(fitting(self.asked, free, self._properties), others)
        self._found = [each.id for each in fit.found]
        self._similar = [each.id for each in free if self.asked.fits(each) and each.id not in self._found]
        given_up = create_registry.alike(self, self._found)
        self._verdict = verdict = assign(self.attempt(), fit, others, len(given_up))
        for each in verdict.take:
            if create_registry.claim(each.id, self):
                self.id, self._listed = each.id, each
                create_registry.adopt(each.id, exact=fit.exact)
                self._inherited = create_registry.take_over(self, given_up) if verdict.inherits else []
                return
        if verdict.take:
            self._found = []  # other creates were faster: the job of this one may still appear

    def _rivals(self, now: float) -> list[Claimant]:
        """Return the other creates of this process that may have started one of the listed jobs."""
        return [
            other
            for other in list(create_registry.under_way)
            if other is not self
            and other.id is None
            and other.sent <= now
            and (other.account, other.noun) == (self.account, self.noun)
        ]

    async def _learn_properties(self, session: Session[Any], started: Sequence[Any]) -> None:
        """Look up, once, the model of a job whose input has more or fewer members. They may be defaults or secrets."""
        fit = [each for each in started if self.asked.fits(each)]
        exact = any(map(self.asked.is_exactly, fit))
        if self._described or not self.endpoints.described or not fit or exact:
            return
        self._described, reference = True, description_reference(fit[0])
        if reference is not None and remembered(session, reference) is None:
            await look_up.try_look_up(session, reference, Deadline.within(session), look_up.QUICKLY)

    def _properties(self, started: Any) -> Mapping[str, Any]:
        """Return the known input properties of a job's model. Those of trainings are not known."""
        return known_inputs(started, self.session) if self.endpoints.described else {}

    def _ambiguous(self, error: APIError) -> AmbiguousCreateError:
        """Create the error for a create with an unknown outcome."""
        noun, ids = self.noun, ", ".join(self._found)
        where = f"Look for it in client.{noun}s.list() or at https://replicate.com/{noun}s"
        if self._trouble is not None:
            looked = f"Looking for it failed, too: {sentence(brief(self._trouble))}"
        elif len(self._found) > 1:
            looked = f"What it asked for was started several times since: {ids}. One of them may be this one."
            where = f"See by client.{noun}s.get() which of them somebody else has started,"
        elif ids:
            looked = f"{ids} is what it asked for, but may be that of another call, which has no answer yet either."
            where = f"See whether the other call ends with {ids},"
        elif self._similar:
            looked = f"What it asked for, with more in the input, was started since: {', '.join(self._similar)}."
            where = f"See by client.{noun}s.get() whether somebody else has started that,"
        else:
            looked = f"It does not show among the {noun}s that were started since, but may still."
        return AmbiguousCreateError(
            f"It is not known whether the {noun} was started: {sentence(error.message)} {looked}",
            hint=f"It was not sent again, since that might be charged twice. {where} before you start another.",
            **fields_of(error),
        )


def fields_of(error: APIError) -> dict[str, Any]:
    """Return the fields that an AmbiguousCreateError takes over from the error in the place of a response."""
    return {name: value for name, value in vars(error).items() if name in CARRIED}
