"""Looking at a prediction or a training until it has finished, through whatever passes meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._errors import brief
from replicate._http.connections.process import ClosedError
from replicate._jobs.fetch import TERMINAL, Run, fetch_job, passing, tell_end
from replicate._jobs.outputs import raw_output
from replicate._jobs.ownership import CancelOnExit
from replicate._jobs.pauses import backoff
from replicate._jobs.polling import acquire, sleep_until_due
from replicate._jobs.updates import Updates
from replicate._objects.resource import session_of, update_from
from replicate.exceptions import (
    APIError,
    DataRemovedError,
    ModelError,
    NotFoundError,
    PredictionCanceled,
    PredictionTimeout,
)

if TYPE_CHECKING:
    from replicate._http.deadline import Deadline
    from replicate._http.session import Session
    from replicate._jobs.any_job import AnyJob


FAILURES = 10
"""How many looks in a row may fail where there is no deadline."""
LATE = 1.0
"""Seconds before its deadline from which on a call takes a canceled prediction for one that was out of time."""


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
