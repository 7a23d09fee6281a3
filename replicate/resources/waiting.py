"""Looking at a prediction or a training until it has finished, through whatever passes meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from replicate._core.polling import poll
from replicate._core.resource import renew, session_of
from replicate.exceptions import (
    APIConnectionError,
    APIError,
    InternalServerError,
    ModelError,
    PredictionCanceled,
    PredictionTimeout,
    RateLimitError,
)

if TYPE_CHECKING:
    from replicate._core.polling import Deadline
    from replicate.resources.predictions import Prediction
    from replicate.resources.trainings import Training

Run = TypeVar("Run", bound="Prediction[Any] | Training[Any]")

TERMINAL = frozenset({"succeeded", "failed", "canceled", "aborted"})
"""The states that a prediction never leaves. A state that is not known is none of them."""
PASSING = (APIConnectionError, InternalServerError, RateLimitError)
"""What may be over at the next look, for the prediction goes on meanwhile."""
FAILURES = 10
"""How many looks in a row may fail where there is no deadline."""


async def look(run: Run, deadline: Deadline | None = None) -> Run:
    """Load a prediction or a training anew, in place."""
    session = session_of(run)
    renew(run, await (deadline.bound(session) if deadline else session).call(run.reader, run.id))
    return run


async def halt(run: Run) -> Run:
    """Stop a prediction or a training, in place."""
    renew(run, await session_of(run).call(run.canceler, run.id))
    return run


async def settle(run: Run, deadline: Deadline) -> Run:
    """Look at a prediction or a training until it has finished. Raise PredictionTimeout at the deadline."""
    watch = Watch(run, deadline)
    if not await poll(session_of(run), lambda: run.status in TERMINAL, watch.look, deadline):
        raise watch.late()
    return run


class Watch:
    """Looks at a prediction or a training, again and again, that ride out what passes."""

    def __init__(self, run: Prediction[Any] | Training[Any], deadline: Deadline) -> None:
        self.run: Prediction[Any] | Training[Any] = run
        self.deadline: Deadline = deadline
        self.failures: int = 0

    async def look(self) -> None:
        """Load what is watched anew, or leave that to the next look. What is raised carries it."""
        try:
            await look(self.run, self.deadline)
            self.failures = 0
        except PASSING as error:
            self.failures += 1
            if self.deadline.remaining() <= 0:
                raise self.late() from error
            if self.deadline.seconds is None and self.failures >= FAILURES:
                raise self.carried_by(error) from error.__cause__
        except APIError as error:
            raise self.carried_by(error) from error.__cause__

    def late(self) -> PredictionTimeout:
        """Make the error for when it has not finished in time."""
        run: Any = self.run  # errors call what they carry a prediction
        return PredictionTimeout(run, self.deadline.seconds or 0)

    def carried_by(self, error: APIError) -> APIError:
        """Have an error carry what is watched, and say how to go on."""
        noun = type(self.run).__name__.lower()
        again = f"The {noun} may go on: client.{noun}s.wait({self.run.id!r}) gives its result."
        vars(error).update(prediction=self.run, hint=f"{error.hint} {again}" if error.hint else again)
        return error


def check_success(prediction: Prediction[Any]) -> None:
    """Raise ModelError for a prediction that ended otherwise than well."""
    match prediction.status:
        case "failed":
            raise ModelError(prediction)
        case "canceled" | "aborted":
            raise PredictionCanceled(prediction)
        case _:
            return
