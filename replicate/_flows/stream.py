"""Streaming a model's output as events."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from replicate._core.options import check_keywords
from replicate._flows.run import AT_ONCE, RUN_OPTIONS
from replicate._flows.start import Call
from replicate.resources.following import followed
from replicate.resources.spelling import stated

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
    settings = stated(options)
    settings.pop("use_file_output", None)
    call = Call(session, ref, input, settings, settings.pop("timeout", None))
    prediction = await call.start(**AT_ONCE, stream=True)
    async with aclosing(followed(prediction, call.deadline)) as events:
        async for event in events:
            yield event
