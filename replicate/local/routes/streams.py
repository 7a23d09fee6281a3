"""Server-sent events of a prediction, as they happen; later requests get them all again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.routing import Route

from replicate.local.problems import not_found
from replicate.local.routes.request import cloud_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from replicate.local.prediction import Prediction

_LINE_END = "\n"
_KEEP_ALIVE = 15  # seconds


async def get(request: Request) -> Response:
    """Stream a prediction, from the start or from after the event in `Last-Event-ID`."""
    prediction = cloud_of(request).predictions.by_key(request.path_params["key"])
    if prediction is None:
        raise not_found()
    place = request.headers.get("last-event-id", "").rpartition(":")[2]
    first = int(place) + 1 if place.isdecimal() else 0
    return EventSourceResponse(_events(prediction, first), sep=_LINE_END, ping=_KEEP_ALIVE)


async def _events(prediction: Prediction, place: int) -> AsyncIterator[ServerSentEvent]:
    loop, awake = asyncio.get_running_loop(), asyncio.Event()
    yield ServerSentEvent(comment="hi", sep=_LINE_END)
    with prediction.listening(lambda: _ring(loop, awake)):
        while True:
            awake.clear()
            for event in prediction.events[place:]:
                place += 1
                yield ServerSentEvent(event.data, event=event.kind, id=event.id, sep=_LINE_END)
                await asyncio.sleep(0)  # a model that is faster than the network must not block the loop
            if place >= len(prediction.events) and prediction.ended:
                return
            await awake.wait()


def _ring(loop: asyncio.AbstractEventLoop, awake: asyncio.Event) -> None:
    loop.call_soon_threadsafe(awake.set)


ROUTES = [Route("/streams/{key}", get)]
