"""Streaming a model's output as events."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from replicate._core.options import check_keywords
from replicate._core.plain import members
from replicate._core.polling import Deadline
from replicate._core.resource import session_of
from replicate._flows.events import events
from replicate._flows.run import AT_ONCE, RUN_OPTIONS
from replicate._flows.start import Call
from replicate.exceptions import APIError, PredictionTimeout, StreamError, ended
from replicate.resources.predictions import look, settle

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from replicate._core.session import Session
    from replicate._core.sse import ServerSentEvent
    from replicate._flows.run import RunOptions
    from replicate.resources.predictions import Prediction

PATIENCE = 10.0
"""For how many seconds a prediction, whose stream told of its end, may still look unfinished."""


async def stream(
    session: Session[Any], ref: Any, input: Mapping[str, Any] | None, options: RunOptions
) -> AsyncGenerator[ServerSentEvent, None]:
    """Start a prediction and yield its events. Raise StreamError if it fails, or the stream does."""
    check_keywords(options, RUN_OPTIONS)
    settings: dict[str, Any] = {**options}
    settings.pop("use_file_output", None)
    call = Call(session, ref, input, settings, settings.pop("timeout", None))
    prediction = await call.start(**AT_ONCE, stream=True)
    told: str | None = None
    async with aclosing(events(prediction, call.deadline)) as source:
        async for event in source:
            yield event
            told = failure(event) if told is None else told
    if told is not None:
        raise await stream_error(prediction, told, call.deadline)


def failure(event: ServerSentEvent) -> str | None:
    """Give what an event tells of a failure: an error, or a reason to be done before the end."""
    if event.event == "error":
        return event.data
    if event.event != "done":
        return None
    try:
        reason = members(json.loads(event.data)).get("reason")
    except ValueError:
        return None
    return None if reason is None else str(reason)


async def stream_error(prediction: Prediction[Any], told: str, deadline: Deadline) -> StreamError:
    """Make the error of a stream that told of a failure: as the prediction ended, if that can be learned in time."""
    cause: Exception | None = None
    try:
        await look(prediction, deadline)
        left = min(PATIENCE, deadline.remaining())
        if left > 0:
            await settle(prediction, Deadline(session_of(prediction), left))
    except (APIError, PredictionTimeout) as error:
        cause = error
    if prediction.status in ("failed", "canceled", "aborted"):
        made = StreamError(ended(prediction), detail=prediction.error or told, prediction=prediction)
    else:
        made = StreamError(
            f"The stream of prediction {prediction.id} told of a failure: {told}.",
            hint=f"client.predictions.wait({prediction.id!r}) tells how the prediction ended.",
            detail=told,
            prediction=prediction,
        )
    made.__cause__ = cause
    return made
