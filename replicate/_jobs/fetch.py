"""Asking the API about a job, or for its end."""

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
"""The states that a prediction never leaves. A state that is not known is none of them."""
PASSING = (APIConnectionError, APIResponseValidationError, InternalServerError, RateLimitError)
"""What may be over at the next look, for the prediction goes on meanwhile. So may a 408."""


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


def passing(error: APIError) -> bool:
    """Tell whether an error may be over at the next look."""
    return isinstance(error, PASSING) or (isinstance(error, APIStatusError) and error.status_code == 408)
