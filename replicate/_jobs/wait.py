"""Waiting for a job: polling until it has ended, despite passing failures."""

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
"""How many polls in a row may fail if there is no deadline."""
LATE = 1.0
"""Seconds. A prediction that is canceled this long before the deadline, or later, counts as timed out."""


async def wait_until_done(run: Run, deadline: Deadline, updates: Updates | None = None, *, seen: bool = True) -> Run:
    """Poll a job until it has ended. Raises PredictionTimeout at the deadline.

    If it has not been `seen` yet, as only its id is known, it is loaded first.
    """
    watch = Watch(run, deadline, updates)
    await (watch.updates.tell(run) if seen else watch.look())
    while await watch.look_again():
        pass
    await watch.updates.tell(run)  # a callback may have canceled it
    return run


class Watch:
    """Polls a job. A failure that can be over at the next poll does not end the wait."""

    def __init__(
        self, run: AnyJob, deadline: Deadline, updates: Updates | None = None, block: CancelOnExit | None = None
    ) -> None:
        self.run: AnyJob = run
        self.deadline: Deadline = deadline
        self.failures: int = 0
        """How many polls in a row have failed."""
        self._trouble: str | None = None
        self.final: bool = False
        """Whether it was polled after the deadline had passed."""
        self.updates: Updates = updates or Updates(session_of(run))
        self.block: CancelOnExit = block or CancelOnExit(run, cancel=False, updates=self.updates)
        """The block of the call that watches."""
        self.session: Session[Any] = session_of(run).evolve(max_retries=0)  # polls are repeated here
        self.off_stream: bool = False
        """Whether the reader stops using the stream's events, for example because they begin after the output."""
        tell_end(run)

    @property
    def tells_end(self) -> bool:
        """Whether a callback or an observer wants to see how it ends."""
        observers = self.session.config.observers
        return self.updates.wanted or (observers is not None and observers.wants("finished"))

    async def look_again(self) -> bool:
        """Poll when it is due, and return True. Return False once the job has ended.

        If the deadline passes between two polls, because a reader is slow, there is one more poll. Then this raises
        PredictionTimeout. It also raises what `refresh` raises.
        """
        if self.run.status in TERMINAL:
            return False
        if not await sleep_until_due(self.session, self.deadline) and self.final:
            raise self.late()
        await self.look()
        return True

    async def look(self) -> None:
        """Poll once, or leave it to the next poll after a passing failure. Errors carry the job.

        Each failure in a row makes the pause before the next poll longer. All polls with one token share its quota.
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
        """Return the error for a job that has not ended in time."""
        return PredictionTimeout(self.run, self.deadline.seconds or 0, self._trouble if self.failures else None)

    def carried_by(self, error: APIError) -> APIError:
        """Attach the job to an error, with a hint how to continue."""
        vars(error).update(prediction=self.run)
        if isinstance(error, NotFoundError) and self.run.created_at is None:  # it was never seen
            return error
        noun = self.run.endpoints.noun
        again = f"The {noun} may go on: client.{noun}s.wait({self.run.id!r}) gives its result."
        return error.advise(f"{error.hint} {again}" if error.hint else again)


def check_success(prediction: AnyJob, deadline: Deadline | None = None, cancel_after: str | None = None) -> None:
    """Raise ModelError for a prediction that has failed or was canceled, DataRemovedError if its output is gone.

    A prediction that was canceled at the deadline was canceled because of it: this raises PredictionTimeout. If the
    caller has set `cancel_after`, that is the probable reason: this raises PredictionCanceled.
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
    """Raise DataRemovedError for a prediction that has succeeded and whose output has been removed."""
    if prediction.status == "succeeded" and prediction.data_removed and raw_output(prediction) is None:
        raise DataRemovedError(prediction)
