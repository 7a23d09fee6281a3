"""Start predictions and trainings, at every endpoint that can. These are the requests that cost money."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from replicate._http import log
from replicate._http.deadline import Deadline
from replicate._http.options import with_read_timeout
from replicate._inputs.aliases import drop_unset
from replicate._inputs.encode import UNKNOWN, Inputs
from replicate._jobs.fetch import tell_end
from replicate._jobs.input_names import warn_of_names
from replicate._jobs.matching import Asked
from replicate._jobs.options import (
    MEMBERS,
    check,
    prefer_header,
    prefer_wait_seconds,
    with_prefer,
    with_request_options,
)
from replicate._jobs.recovery import CreateAttempt
from replicate._models import look_up
from replicate._models.reference import is_name
from replicate.exceptions import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    InternalServerError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from replicate._http.session import Session
    from replicate._jobs.any_job import Endpoints
    from replicate._jobs.ownership import CancelOnExit
    from replicate._models.descriptions import Description
    from replicate._models.reference import Reference
    from replicate_api.types import Request


GRACE = 10
"""Seconds that the response may take beyond the time that `Prefer` asks the API to wait."""

SHORTEST_LIFE = 5
"""The shortest `Cancel-After` that is sent, in seconds."""

LONGEST_LIFE = 365 * 24 * 3600
"""Seconds. A call with more time left than this is practically unlimited, and sends no `Cancel-After`."""

EARLY = 0.9
"""Fraction of the requested wait after which a response may mean that the wait ran out before the job had finished."""

MARGIN = 0.8
"""Fraction of the time left that the API is asked to wait at most."""


class Created(NamedTuple):
    """The result of a create."""

    payload: Any
    answered_early: bool = False
    """Whether the API waited as asked with `Prefer`, and responded before that time was over."""


async def create(
    session: Session[Any],
    endpoint: Any,
    *path: str,
    kind: type[Any],
    input: Mapping[str, Any] | None,
    options: Mapping[str, Any],
    block: CancelOnExit,
    reference: Reference | None = None,
    **members: Any,
) -> Created:
    """Start a job at an endpoint, in the block of a call. All that can be checked is checked before anything is sent.

    `reference` is the model that takes the input, if it is known.
    """
    options = drop_unset(options)
    check(input, options)
    asking = with_request_options(session, options)
    inputs = Inputs(input or {}, options.get("file_encoding_strategy"), blocking=session.blocking)
    beside = session.uncaptured()
    known = await describe_model(beside, reference, inputs, Deadline(beside, None)) if reference else None
    with inputs:
        ready = await encode(inputs, asking.uncaptured(), known)
        members |= {"kind": kind, "input": ready, "options": options, "block": block}
        created = await post(asking, endpoint, *path, **members)
    if reference:
        look_up.note_version(session, reference, known, created.payload.version)
    return created


async def encode(inputs: Inputs, session: Session[Any], known: Description | None) -> Any:
    """Return an input as JSON data. Await running values, and upload files through a session."""
    if inputs.plain is not None:
        return inputs.plain
    return await inputs.sent(upload_session(session), known.input if known else UNKNOWN)


async def describe_model(
    session: Session[Any],
    reference: Reference,
    inputs: Inputs,
    deadline: Deadline,
    known: Description | None = None,
) -> Description | None:
    """Return the description of a model before it is started with some inputs, if it is known.

    The description is a remembered one. It is looked up only before a long upload, or if only the schema decides what
    to send. Warns once of an input that the model does not have. The input is sent as given: the API decides.
    """
    known = known or await look_up.recall(session, reference)
    if known is not None:
        warn_of_names(session, reference, inputs.names, known)
    elif reference.model and await inputs.worth_describing(session):
        known = await look_up.try_look_up(session, reference, deadline)
    return known


async def post(
    session: Session[Any],
    endpoint: Any,
    *path: str,
    input: Mapping[str, Any],
    options: Mapping[str, Any],
    kind: type[Any],
    block: CancelOnExit,
    **members: Any,
) -> Created:
    """Start a prediction or a training at an endpoint, exactly once, with an input that is ready to send.

    `session` already includes the request options. `members` are added to the body. If the response is lost, this looks
    for the job that was started. If the call is left early, the job is canceled, provided that the block of the call
    cancels.

    Raises AmbiguousCreateError if the request was sent, but whether it started a job cannot be determined.
    """
    session, prefer = with_prefer(session, prefer_header(options))
    body = {"input": input} | members | {name: options.get(name) for name in MEMBERS}  # in version 1's order
    body = {name: value for name, value in body.items() if value is not None}
    create, held = CreateAttempt(session, kind.endpoints, block), None

    def request() -> Request:
        """Build the request anew for each attempt: a retry has less time left."""
        nonlocal held
        remaining = session.remaining()
        held = shorten_wait(prefer, remaining, kind.endpoints)
        after = options.get("cancel_after") or (cancel_after_header(remaining) if block.cancel else None)
        headers = {name: value for name, value in (("prefer", held), ("cancel_after", after)) if value is not None}
        made: Request = endpoint.build_request(*path, body=body, **headers)
        create.asked = Asked.of(made.path, {**made.json, **session.config.body})
        return made

    patient = (
        with_read_timeout(session.config.timeout, prefer_wait_seconds(prefer) + GRACE)
        if prefer
        else session.config.timeout
    )
    async with create:
        try:
            response = await session.evolve(timeout=patient).answer(request, started=create)
            payload = parse(session, endpoint, response, kind.endpoints)
            create.check_own(payload, response)
        except (APIConnectionError, APIResponseValidationError, APIStatusError) as error:
            if not in_doubt(error, create.out):
                raise
            payload = await create.recovered(error)
            announce(session, payload, kind)
            return Created(payload)
        create.answered(payload.id)
        announce(session, payload, kind)
        early = held is not None and session.transport.now() - create.sent < prefer_wait_seconds(held) * EARLY
    return Created(payload, early and "preference-applied" in response.headers)


def announce(session: Session[Any], payload: Any, kind: type[Any]) -> None:
    """Notify the observers that a job was started, and log the URL of its web page."""
    if log.shows(log.INFO):
        page = getattr(getattr(payload, "urls", None), "web", None) or f"https://replicate.com/p/{payload.id}"
        log.info("%s %s started: %s", kind.endpoints.noun, payload.id, page)
    if (observers := session.config.observers) is not None:
        job = kind.bind(payload, session.uncaptured())
        observers.started(job)
        tell_end(job)


def cancel_after_header(remaining: float) -> str | None:
    """Format the `Cancel-After` for a job that has so many seconds left, rounded up; None for no limit."""
    return None if remaining > LONGEST_LIFE else f"{max(SHORTEST_LIFE, math.ceil(remaining))}s"


def parse(session: Session[Any], endpoint: Any, response: httpx.Response, endpoints: Endpoints) -> Any:
    """Parse the job in the response to a create. Raises APIResponseValidationError if it has no id to request it by."""
    payload: Any = session.parse(endpoint, response)
    if not is_name(getattr(payload, "id", None)):
        raise APIResponseValidationError(f"The API answered without the {endpoints.noun}'s id.")
    return payload


def in_doubt(error: APIConnectionError | APIResponseValidationError | APIStatusError, out: bool) -> bool:  # noqa: FBT001
    """Return whether the prediction may have been started in spite of an error. `out`: the request may have arrived."""
    match error:
        case APIConnectionError():
            return error.sent
        case APIResponseValidationError():
            return True
        case _:
            return out and (isinstance(error, InternalServerError) or error.status_code == 408)


def shorten_wait(prefer: str | None, remaining: float, endpoints: Endpoints) -> str | None:
    """Shorten the wait of a `Prefer` header to fit the time left. Raises APITimeoutError if no time is left."""
    if remaining <= 0:
        error = APITimeoutError(f"The time was up before the {endpoints.noun} was started: nothing was started.")
        error.sent = False
        raise error
    if prefer is None or remaining == float("inf"):
        return prefer
    longest = int(remaining * MARGIN)
    return f"wait={min(prefer_wait_seconds(prefer), longest)}" if longest else None


def upload_session(session: Session[Any]) -> Session[Any]:
    """Return a session for uploading files, without the `Prefer: wait` and the extra body members of the create."""
    session, _ = with_prefer(session, None)
    return session.evolve(body={}) if session.config.body else session
