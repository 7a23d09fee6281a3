"""Looking at a prediction or a training until it has finished, through whatever passes meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from replicate._dual.drive import drive
from replicate._errors import brief
from replicate._http import log
from replicate._http.config import LAST_CHANCE
from replicate._http.connections.process import ClosedError
from replicate._http.deadline import Deadline
from replicate._http.error_responses import unreadable
from replicate._http.libraries import httpx
from replicate._jobs.exit_registry import ExitRegistry
from replicate._jobs.ledger import create_registry
from replicate._jobs.outputs import raw_output
from replicate._jobs.pauses import CANCEL, CANCEL_ASIDE, backoff
from replicate._jobs.polling import acquire, sleep_until_due
from replicate._jobs.updates import Updates
from replicate._objects.resource import session_of, update_from
from replicate.exceptions import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    DataRemovedError,
    InternalServerError,
    ModelError,
    NotFoundError,
    PredictionCanceled,
    PredictionTimeout,
    RateLimitError,
    ReplicateException,
    RunError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType
    from typing import Self

    from replicate._http.session import Session
    from replicate._jobs.any_job import AnyJob

T = TypeVar("T")
Run = TypeVar("Run", bound="AnyJob")

TERMINAL = frozenset({"succeeded", "failed", "canceled", "aborted"})
"""The states that a prediction never leaves. A state that is not known is none of them."""
PASSING = (APIConnectionError, APIResponseValidationError, InternalServerError, RateLimitError)
"""What may be over at the next look, for the prediction goes on meanwhile. So may a 408."""
FAILURES = 10
"""How many looks in a row may fail where there is no deadline."""
LAST_WILL = 5.0
"""Seconds that a call which is being left may take to cancel what it has started."""
LATE = 1.0
"""Seconds before its deadline from which on a call takes a canceled prediction for one that was out of time."""


async def fetch_job(session: Session[Any], endpoint: Any, run_id: str | None) -> Any:
    """Ask about a prediction or a training, or for its end.

    Raises APIResponseValidationError for an answer without the very id that was asked for: whatever else is in it would
    be taken for what the model made.
    """
    response = await session.answer(endpoint.build_request(run_id))
    payload = session.parse(endpoint, response)
    if getattr(payload, "id", None) != run_id:
        raise unreadable(response, f"its id is not {run_id}")
    return payload


async def refresh(run: Run, deadline: Deadline | None = None) -> Run:
    """Load a prediction or a training anew, in place."""
    session = session_of(run)
    update_from(run, await fetch_job(deadline.bound(session) if deadline else session, run.endpoints.get, run.id))
    tell_end(run)
    return run


async def cancel_job(run: Run) -> Run:
    """Stop a prediction or a training, in place."""
    update_from(run, await fetch_job(session_of(run), run.endpoints.cancel, run.id))
    tell_end(run)
    return run


def tell_end(run: Any, *, complete: bool = False) -> None:
    """Tell the observers of a client when something has ended, or is `complete` although its status is another."""
    observers = session_of(run).config.observers
    if observers is not None and (complete or run.status in TERMINAL):
        observers.finished(run)


open_blocks: ExitRegistry = ExitRegistry()


class Starting(Protocol):
    """A create, as the block of its call knows it."""

    session: Session[Any]
    id: str | None

    async def end(self, session: Session[Any], seconds: float = ...) -> None:
        """Cancel what the request has started, within so many seconds."""


class CancelOnExit:
    """What a call does with what it starts, from before its request goes out to the end of the call.

    The block may be entered again where it was left without an error: what iterates the output goes on with it.

    Cancels what was started, unless it has finished or `cancel` is False, on interrupts, task cancellation, generator
    close and foreign exceptions; of our own, only on PredictionTimeout, ClosedError and what a callback of `updates`
    raises. Once `run` is set, every ReplicateException that is not about it becomes a RunError with it, and so does
    every error of httpx, and TimeoutError, whoever raises it: whoever makes the call again on one of these must not pay
    twice.
    """

    def __init__(self, run: AnyJob | None = None, *, cancel: bool, updates: Updates | None = None) -> None:
        self.run: AnyJob | None = run
        """What was started."""
        self.create: Starting | None = None
        """The request that starts it, from just before it goes out; None again if it has failed."""
        self.cancel: bool = cancel
        self._updates = updates

    async def __aenter__(self) -> Self:
        if self.cancel:
            open_blocks.add(self)
        return self

    def release(self) -> bool:
        """Cancel nothing from now on. False if this was not to cancel anything, or is of another process."""
        return open_blocks.remove(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ours = self.release()  # False too if it was canceled at exit
        if error is None:
            return
        by_callback = self._updates is not None and error is self._updates.error
        late = isinstance(error, PredictionTimeout) and not by_callback
        early = by_callback or isinstance(error, (PredictionTimeout, ClosedError)) or self.run is None
        session = self.session
        if ours and session is not None and (early or not isinstance(error, ReplicateException)):
            await session.transport.shielded(lambda: self.end(session, late=late), LAST_WILL)
        if self.run is None:
            return
        if isinstance(error, PredictionTimeout):
            error.tell()
        about_this = isinstance(error, RunError) and (not by_callback or error.prediction is self.run)
        if isinstance(error, (ReplicateException, httpx.HTTPError, TimeoutError)) and not about_this:
            raise RunError.of(error, self.run) from error

    @property
    def session(self) -> Session[Any] | None:
        """The session of what was started; None if nothing may have been."""
        if self.run is not None:
            return session_of(self.run)
        return None if self.create is None else self.create.session

    async def end(self, session: Session[Any], seconds: float = LAST_WILL, *, late: bool = False) -> None:
        """Cancel what was started by a session, within so many seconds, unless it has ended, or may be another's."""
        run = self.run
        if run is None:
            if self.create is not None:
                await self.create.end(session, seconds)
        elif run.status not in TERMINAL and create_registry.may_cancel(run.id, late=late):
            await cancel_quietly(session, run.endpoints.cancel, run.id, into=run, seconds=min(seconds, LAST_WILL))


async def cancel_quietly(
    session: Session[Any], canceler: Any, run_id: str, into: AnyJob | None = None, seconds: float = LAST_WILL
) -> bool:
    """Cancel what is left behind, within so many seconds. What goes wrong is logged: something else is raised.

    True if it was canceled.
    """
    canceled = False
    try:
        payload = await cancel_with_retries(
            session, canceler, run_id, Deadline(session, max(0.1, seconds - LAST_CHANCE))
        )
        canceled = True
        if into is not None:
            update_from(into, payload)
            tell_end(into)
    except Exception as error:  # noqa: BLE001 - whatever it is
        log.debug("%s cannot be canceled: %s", run_id, error)
    finally:
        if canceled:
            log.info("canceled %s, for nobody waits for it any more", run_id)
        else:
            log.warning("%s could not be canceled: it may go on, and is charged for then", run_id)
    return canceled


async def cancel_with_retries(
    session: Session[Any], canceler: Any, run_id: str, deadline: Deadline, pauses: tuple[float, ...] = CANCEL
) -> Any:
    """Cancel a prediction or a training by as many attempts as there are pauses, and raise what the last one does."""
    trouble: APIError | None = None
    for pause in pauses:
        try:
            if pause:
                await session.transport.sleep(pause)
            return await fetch_job(deadline.bound(session), canceler, run_id)
        except PASSING as error:
            log.debug("canceling %s failed: %s", run_id, error)
            trouble = error
            if deadline.remaining() <= 0:
                break
        except ClosedError:
            # A client may be closed, by hand or at the end of its event loop, before what is iterated with it.
            return await in_thread(
                session, lambda spare: cancel_with_retries(spare, canceler, run_id, deadline, CANCEL_ASIDE)
            )
    raise trouble or AssertionError


async def in_thread(session: Session[Any], work: Callable[[Session[Any]], Coroutine[Any, Any, T]]) -> T:
    """Do some work with a session that blocks, over connections of its own, where it does not hold up the event loop.

    It goes on to its end, in its thread, even where nobody waits for it any more. So it must have a deadline.
    """

    async def whole() -> T:
        """Make the connections, work, and close them."""
        spare = session.afresh()
        try:
            return await work(spare)
        finally:
            await spare.transport.close()

    return await session.transport.offload(lambda: drive(whole()))


async def wait_until_done(run: Run, deadline: Deadline, updates: Updates | None = None, *, seen: bool = True) -> Run:
    """Look at a prediction or a training until it has finished. Raise PredictionTimeout at the deadline.

    One that has not been `seen`, of which there is only the id, is looked at first.
    """
    watch = Watch(run, deadline, updates)
    await (watch.updates.tell(run) if seen else watch.look())
    while await watch.look_again():
        pass
    await watch.updates.tell(run)  # for a callback may have canceled it
    return run


class Watch:
    """Looks at a prediction or a training, again and again, that ride out what passes."""

    def __init__(
        self, run: AnyJob, deadline: Deadline, updates: Updates | None = None, block: CancelOnExit | None = None
    ) -> None:
        self.run: AnyJob = run
        self.deadline: Deadline = deadline
        self.failures: int = 0
        """How many looks have failed since the last one that did not."""
        self._trouble: str | None = None
        self.final: bool = False
        """Whether it was looked at when the deadline had come."""
        self.updates: Updates = updates or Updates(session_of(run))
        self.block: CancelOnExit = block or CancelOnExit(run, cancel=False, updates=self.updates)
        """The block of the call that watches."""
        self.session: Session[Any] = session_of(run).evolve(max_retries=0)  # it looks again by itself
        self.off_stream: bool = False
        """Whether its reader has no use for the events of its stream: it begins later than the output, say."""
        tell_end(run)

    @property
    def tells_end(self) -> bool:
        """Whether somebody wants to see how it ends."""
        observers = self.session.config.observers
        return self.updates.wanted or (observers is not None and observers.wants("finished"))

    async def look_again(self) -> bool:
        """Load what is watched anew when it is time to: True. Once it has finished, do not: False.

        A deadline that passes while nobody looks, for a reader is slow, leaves time for one more look. Raises
        PredictionTimeout after that, and what `refresh` raises.
        """
        if self.run.status in TERMINAL:
            return False
        if not await sleep_until_due(self.session, self.deadline) and self.final:
            raise self.late()
        await self.look()
        return True

    async def look(self) -> None:
        """Load what is watched anew, or leave that to the next look. What is raised carries it.

        Each failure in a row makes the pause before the next look longer. All looks with one token keep to its quota.
        """
        if self.failures:
            await self.session.transport.sleep(min(backoff(self.failures), max(0.0, self.deadline.remaining())))
        self.final = self.deadline.remaining() <= 0
        if not await acquire(self.session, self.deadline):
            return
        try:
            update_from(
                self.run, await fetch_job(self.deadline.bound(self.session), self.run.endpoints.get, self.run.id)
            )
            self.failures = 0
            tell_end(self.run)
        except APIError as error:
            if not passing(error):
                raise self.carried_by(error) from error.__cause__
            self.failures, self._trouble = self.failures + 1, brief(error)
            if self.deadline.remaining() <= 0:
                raise self.late() from error
            if self.deadline.seconds is None and self.failures >= FAILURES:
                raise self.carried_by(error) from error.__cause__
        except ClosedError as error:
            vars(error).update(prediction=self.run)
            raise
        else:
            await self.updates.tell(self.run)

    def late(self) -> PredictionTimeout:
        """Make the error for when it has not finished in time."""
        return PredictionTimeout(self.run, self.deadline.seconds or 0, self._trouble if self.failures else None)

    def carried_by(self, error: APIError) -> APIError:
        """Have an error carry what is watched, and say how to go on."""
        vars(error).update(prediction=self.run)
        if isinstance(error, NotFoundError) and self.run.created_at is None:  # nothing was ever seen of it
            return error
        noun = self.run.endpoints.noun
        again = f"The {noun} may go on: client.{noun}s.wait({self.run.id!r}) gives its result."
        return error.advise(f"{error.hint} {again}" if error.hint else again)


def passing(error: APIError) -> bool:
    """Tell whether an error may be over at the next look."""
    return isinstance(error, PASSING) or (isinstance(error, APIStatusError) and error.status_code == 408)


def check_success(prediction: AnyJob, deadline: Deadline | None = None, cancel_after: str | None = None) -> None:
    """Raise for a prediction that has ended without an output: ModelError, or DataRemovedError if it is gone by now.

    One that was canceled when the deadline was over was canceled for that: PredictionTimeout. But if it was started
    with a `cancel_after` of the caller's, for that, probably.
    """
    match prediction.status:
        case "failed":
            raise ModelError(prediction)
        case "canceled" | "aborted":
            if cancel_after:
                hint = f"It was started with cancel_after={cancel_after!r}: a longer one gives it more time."
                raise PredictionCanceled(prediction).advise(hint)
            if deadline is not None and deadline.remaining() < LATE:
                raise PredictionTimeout(prediction, deadline.seconds or 0)
            raise PredictionCanceled(prediction)
        case "succeeded":
            check_kept(prediction)
        case _:
            return


def check_kept(prediction: Any) -> None:
    """Raise DataRemovedError for a prediction that has succeeded, and whose output is gone by now."""
    if prediction.status == "succeeded" and prediction.data_removed and raw_output(prediction) is None:
        raise DataRemovedError(prediction)
