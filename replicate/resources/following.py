"""Following a prediction while it runs: by its stream of events where it has one, by looking at it where not."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from replicate._core.plain import is_array, members
from replicate._core.polling import Deadline, interval
from replicate._core.resource import session_of
from replicate.exceptions import APIError, PredictionTimeout, StreamError, ended
from replicate.resources.events import events, stream_url
from replicate.resources.waiting import Watch, look, settle

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from replicate._core.sse import ServerSentEvent
    from replicate._data.schema import OutputSchema
    from replicate.resources.predictions import Prediction

PATIENCE = 10.0
"""For how many seconds a prediction, whose stream told of its end, may still look unfinished."""


async def followed(prediction: Prediction[Any], deadline: Deadline) -> AsyncGenerator[ServerSentEvent, None]:
    """Yield the events of a prediction to its end. Raise StreamError if it fails, or its stream does."""
    told: str | None = None
    async with aclosing(events(prediction, deadline)) as source:
        async for event in source:
            yield event
            told = failure(event) if told is None else told
    if told is not None:
        raise await stream_error(prediction, told, deadline)


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


async def items(prediction: Prediction[Any], schema: OutputSchema, deadline: Deadline) -> AsyncGenerator[Any, None]:
    """Yield the items of a prediction's output as they come, each once; the prediction is finished at the end.

    By events where they are offered and an item fits into one. What these may have left out is taken from the
    prediction itself. Raises PredictionTimeout at the deadline.
    """
    seen: list[Any] = []
    watch = Watch(prediction, deadline)
    if not prediction.finished and schema.streams_text and stream_url(prediction):
        try:
            async with aclosing(events(prediction, deadline)) as streamed:
                async for event in streamed:
                    if event.event == "output":
                        seen.append(event.data)
                        yield event.data
        except (StreamError, PredictionTimeout):
            pass  # the prediction itself tells the rest
        await watch.look()
    session = session_of(prediction)
    waited = Deadline(session, None)
    while True:
        for item in unseen(prediction.output, seen, schema):
            seen.append(item)
            yield item
        if prediction.finished:
            return
        if deadline.remaining() <= 0:
            raise PredictionTimeout(prediction, deadline.seconds or 0)
        pause = interval(waited.elapsed())
        await session.transport.sleep(min(pause, deadline.remaining()))
        await watch.look()


def unseen(output: Any, seen: list[Any], schema: OutputSchema) -> list[Any]:
    """Give what an output holds beyond the items seen; of a text in pieces, which may be cut differently, the rest."""
    if output is None:
        return []
    made: list[Any] = (
        [each for each in output if each is not None or not schema.concatenate] if is_array(output) else [output]
    )
    if made[: len(seen)] == seen or not schema.is_text(output):
        return made[len(seen) :]
    rest = "".join(map(str, made))[len("".join(map(str, seen))) :]
    return [rest] if rest else []
