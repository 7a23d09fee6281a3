"""Fetch or cancel a job with one request to the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from replicate._http.error_responses import is_too_large, unreadable
from replicate._models.reference import is_name
from replicate._objects.resource import session_of, update_from
from replicate.exceptions import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    InternalServerError,
    RateLimitError,
    ReplicateError,
)

if TYPE_CHECKING:
    from replicate._http.deadline import Deadline
    from replicate._http.session import Session
    from replicate._jobs.any_job import AnyJob

Run = TypeVar("Run", bound="AnyJob")
TERMINAL = ("succeeded", "failed", "canceled", "aborted")
"""The final states of a prediction. An unknown state is not final, even one that cannot be hashed: this is no set."""
PASSING = (APIConnectionError, APIResponseValidationError, InternalServerError, RateLimitError)
"""Errors that may be gone at the next poll, as the prediction continues in the meantime. So may a status of 408."""


async def fetch_job(session: Session[Any], endpoint: Any, run_id: str | None) -> Any:
    """Send a request to get or cancel a prediction or a training, and return the parsed response.

    Raises APIResponseValidationError if the id in the response is not the requested one: its other fields would
    otherwise be taken for the model's result. Raises ReplicateError for an id that cannot be requested.
    """
    if not is_name(run_id):
        raise ReplicateError(f"The API has sent {run_id!r} as an id, which cannot be requested.")
    response = await session.answer(endpoint.build_request(run_id))
    payload = session.parse(endpoint, response)
    if getattr(payload, "id", None) != run_id:
        raise unreadable(response, f"its id is not {run_id}")
    return payload


async def refresh(run: Run, deadline: Deadline | None = None) -> Run:
    """Fetch a prediction or a training, and update it in place."""
    session = session_of(run)
    update_from(run, await fetch_job(deadline.bound(session) if deadline else session, run.endpoints.get, run.id))
    tell_end(run)
    return run


async def cancel_job(run: Run) -> Run:
    """Cancel a prediction or a training, and update it in place."""
    update_from(run, await fetch_job(session_of(run), run.endpoints.cancel, run.id))
    tell_end(run)
    return run


def tell_end(run: Any, *, complete: bool = False, session: Session[Any] | None = None) -> None:
    """Notify the client's observers if a job has ended, or is `complete` although its status does not say so.

    The observers are those of the job's session, unless another session is given.
    """
    observers = (session or session_of(run)).config.observers
    if observers is not None and (complete or run.status in TERMINAL):
        observers.finished(run)


def passing(error: APIError) -> bool:
    """Return whether an error may be gone at the next poll."""
    if is_too_large(error):
        return False
    return isinstance(error, PASSING) or (isinstance(error, APIStatusError) and error.status_code == 408)
