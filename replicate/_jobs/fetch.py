"""Requests about one job: its state, and its cancellation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from replicate._http.error_responses import unreadable
from replicate._objects.resource import session_of, update_from
from replicate.exceptions import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    InternalServerError,
    RateLimitError,
)

if TYPE_CHECKING:
    from replicate._http.deadline import Deadline
    from replicate._http.session import Session
    from replicate._jobs.any_job import AnyJob

Run = TypeVar("Run", bound="AnyJob")
TERMINAL = frozenset({"succeeded", "failed", "canceled", "aborted"})
"""The final states. An unknown state is not final."""
PASSING = (APIConnectionError, APIResponseValidationError, InternalServerError, RateLimitError)
"""Failures that can be over at the next poll, as the job continues meanwhile. So can a 408."""


async def fetch_job(session: Session[Any], endpoint: Any, run_id: str | None) -> Any:
    """Load a job, or cancel it, by the endpoint.

    Raises APIResponseValidationError if the response has another id: its content would be taken for this job's output.
    """
    response = await session.answer(endpoint.build_request(run_id))
    payload = session.parse(endpoint, response)
    if getattr(payload, "id", None) != run_id:
        raise unreadable(response, f"its id is not {run_id}")
    return payload


async def refresh(run: Run, deadline: Deadline | None = None) -> Run:
    """Reload a job in place."""
    session = session_of(run)
    update_from(run, await fetch_job(deadline.bound(session) if deadline else session, run.endpoints.get, run.id))
    tell_end(run)
    return run


async def cancel_job(run: Run) -> Run:
    """Cancel a job, and update it in place."""
    update_from(run, await fetch_job(session_of(run), run.endpoints.cancel, run.id))
    tell_end(run)
    return run


def tell_end(run: Any, *, complete: bool = False) -> None:
    """Notify observers if a job has ended, or is `complete` although its status is not final yet."""
    observers = session_of(run).config.observers
    if observers is not None and (complete or run.status in TERMINAL):
        observers.finished(run)


def passing(error: APIError) -> bool:
    """Return whether an error can be over at the next poll."""
    return isinstance(error, PASSING) or (isinstance(error, APIStatusError) and error.status_code == 408)
