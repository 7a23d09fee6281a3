"""Streaming a model's output as events."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from replicate._core.options import check_keywords
from replicate._core.polling import Deadline
from replicate._data.reference import Reference
from replicate._flows.events import events
from replicate._flows.run import AT_ONCE, RUN_OPTIONS
from replicate._flows.start import start
from replicate.exceptions import StreamError
from replicate.resources.creation import prepare
from replicate.resources.predictions import look

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from replicate._core.session import Session
    from replicate._core.sse import ServerSentEvent
    from replicate._flows.run import RunOptions


async def stream(
    session: Session[Any], ref: Any, input: Mapping[str, Any] | None, options: RunOptions
) -> AsyncGenerator[ServerSentEvent, None]:
    """Start a prediction and yield its events. Raise StreamError if it fails, or the stream does."""
    check_keywords(options, RUN_OPTIONS)
    settings: dict[str, Any] = {**options}
    deadline = Deadline(session, settings.pop("timeout", None))
    settings.pop("use_file_output", None)
    reference = Reference.of(ref)
    ready = await prepare(session, input, settings)
    prediction = await start(session, reference, ready, {**settings, **AT_ONCE, "stream": True}, deadline)
    problem: str | None = None
    async with aclosing(events(prediction, deadline)) as source:
        async for event in source:
            yield event
            if event.event == "error" or (event.event == "done" and "reason" in event.data):
                problem = problem or event.data
    if problem is not None:
        await look(prediction)
        raise StreamError(
            f"Prediction {prediction.id} {prediction.status}: {prediction.error or problem}", prediction=prediction
        )
