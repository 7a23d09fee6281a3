"""Poll a prediction or a training until it has finished, through temporary failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._errors import brief
from replicate._http.connections.process import ClosedError
from replicate._jobs.fetch import TERMINAL, Run, fetch_job, passing, tell_end
from replicate._jobs.outputs import raw_output
from replicate._jobs.ownership import CancelOnExit
from replicate._jobs.pauses import backoff
from replicate._jobs.polling import acquire, sleep_until_due
from replicate._jobs.updates import Updates, is_text
from replicate._json import is_array
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
    from collections.abc import Sequence

    from replicate._http.deadline import Deadline
    from replicate._http.session import Session
    from replicate._http.sse import ServerSentEvent
    from replicate._jobs.any_job import AnyJob
    from replicate._models.schema import OutputSchema


FAILURES = 10
"""Number of failed polls in a row after which a wait without a deadline gives up."""
LATE = 1.0
"""Seconds before the deadline of a call from which on a canceled prediction counts as timed out."""


async def wait_until_done(run: Run, deadline: Deadline, updates: Updates | None = None, *, seen: bool = True) -> Run:
    """Poll a prediction or a training until it has finished. Raises PredictionTimeout at the deadline, APIError.

    A job that has not been `seen`, of which only the id is known, is fetched first.
    """
    watch = Watch(run, deadline, updates)
    await (watch.updates.tell(run) if seen else watch.look())
    while await watch.look_again():
        pass
    await watch.updates.tell(run)  # a callback may have canceled it
    return run


class Watch:
    """Polls a prediction or a training, and tolerates temporary failures."""

    def __init__(
        self, run: AnyJob, deadline: Deadline, updates: Updates | None = None, block: CancelOnExit | None = None
    ) -> None:
        self.run: AnyJob = run
        self.deadline: Deadline = deadline
        self.failures: int = 0
        """Number of failed polls since the last successful one."""
        self._trouble: str | None = None
        self.final: bool = False
        """Whether the last poll came after the deadline."""
        self.updates: Updates = updates or Updates(session_of(run))
        self.block: CancelOnExit = block or CancelOnExit(run, cancel=False, updates=self.updates)
        """The block of the call that polls."""
        self.session: Session[Any] = session_of(run).evolve(max_retries=0)  # `look_again` retries instead
        self.needed: str = "output"
        """The kind of events that the reader needs each exactly once."""
        self.off_stream: bool = False
        """Whether the reader cannot use the events of the stream, for example as it begins later than the output."""
        self._logs, self._pieces = "", list[str]()  # of the stream, from its beginning
        tell_end(run)

    @property
    def tells_end(self) -> bool:
        """Whether a callback, a display or an observer wants to know how the job ends."""
        observers = self.session.config.observers
        return self.updates.wanted or (observers is not None and observers.wants("finished"))

    async def look_again(self) -> bool:
        """Poll the job when the next poll is due. If it has finished, return False without polling.

        If the deadline passes between two polls, for example because a reader is slow, one more poll is made. Raises
        PredictionTimeout after that, and what `look` raises.
        """
        if self.run.status in TERMINAL:
            return False
        if not await sleep_until_due(self.session, self.deadline) and self.final:
            raise self.late()
        await self.look()
        return True

    async def look(self) -> None:
        """Fetch the job. A temporary failure is left to the next poll; other errors are raised and carry the job.

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

    async def report(self, events: Sequence[ServerSentEvent], schema: OutputSchema) -> None:
        """Add the logs in some events, and the output if it is text, to the job, and report its state if wanted.

        A stream starts at the beginning, so it repeats logs and output that the job already has.
        """
        if not events or not self.updates.wanted:
            return
        run = self.run
        for event in events:
            if event.event == "logs":
                self._logs += event.data
            elif event.event == "output":
                self._pieces.append(str(event))
        if run.status == "starting" and (self._logs or self._pieces):
            run.status = "processing"
        known_logs: Any = run.logs
        if len(self._logs) > (len(known_logs) if is_text(known_logs) else 0):
            run.logs = self._logs
        known = raw_output(run)
        listed = schema.streams_text if schema.iterator else not schema.known
        if listed and (known is None or (is_array(known) and len(self._pieces) > len(known))):
            run.output = [*self._pieces] or None
        await self.updates.tell(run)

    def late(self) -> PredictionTimeout:
        """Create the error for a job that has not finished in time."""
        return PredictionTimeout(self.run, self.deadline.seconds or 0, self._trouble if self.failures else None)

    def carried_by(self, error: APIError) -> APIError:
        """Attach the job to an error, with a hint how to continue."""
        vars(error).update(prediction=self.run)
        if isinstance(error, NotFoundError) and self.run.created_at is None:  # the job was never fetched
            return error
        noun = self.run.endpoints.noun
        again = f"The {noun} may go on: client.{noun}s.wait({self.run.id!r}) gives its result."
        return error.advise(f"{error.hint} {again}" if error.hint else again)


def check_success(prediction: AnyJob, deadline: Deadline | None = None, cancel_after: str | None = None) -> None:
    """Raise for a prediction that ended without an output: ModelError, or DataRemovedError if the output is gone.

    A prediction that was canceled at the deadline was canceled because of it: PredictionTimeout. But if the caller
    started it with `cancel_after`, that is the likelier cause: PredictionCanceled.
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
    """Raise DataRemovedError for a prediction that has succeeded, but whose output has been removed."""
    if prediction.status == "succeeded" and prediction.data_removed and raw_output(prediction) is None:
        raise DataRemovedError(prediction)
