"""A prediction's stream of events: opened, and taken up again where it breaks."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from replicate._core.polling import Deadline, interval
from replicate._core.resource import session_of
from replicate._core.sse import Decoder, ServerSentEvent
from replicate.exceptions import APIConnectionError, APIStatusError, PredictionTimeout, StreamError
from replicate_api.types import Request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from replicate._core.polling import Deadline
    from replicate._core.session import Session
    from replicate.resources.predictions import Prediction

HEADERS = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
RECONNECTIONS = 5
"""How often in a row a stream that breaks, without a single new event, is taken up again."""


async def events(prediction: Prediction[Any], deadline: Deadline) -> AsyncGenerator[ServerSentEvent, None]:
    """Yield the events of a prediction's stream up to `done`, taking it up again where it breaks.

    Raises StreamError if the prediction has no stream, or if it stays broken; PredictionTimeout at the deadline.
    """
    session = session_of(prediction)
    url = stream_url(prediction)
    if url is None:
        raise StreamError(
            f"Prediction {prediction.id} has no stream of events.",
            hint="Models that make text have one: wait for the result of others with prediction.wait().",
            prediction=prediction,
        )
    place = Place()
    failures = 0
    while True:
        headers = {**HEADERS, "Last-Event-ID": place.last_id} if place.last_id else HEADERS
        error: Exception | None = None
        place.reconnect()
        try:
            request = Request("GET", url, headers=headers)
            async with aclosing(connection(deadline.bound(session), request)) as connected:
                async for event in connected:
                    if not place.reach(event):
                        continue
                    failures = 0 if event.id else failures
                    yield event
                    if event.event == "done":
                        return
        except (APIConnectionError, APIStatusError) as cause:
            error = cause
        if deadline.remaining() <= 0:
            raise PredictionTimeout(prediction, deadline.seconds or 0) from error
        failures += 1
        if failures > RECONNECTIONS or place.lost or isinstance(error, APIStatusError):
            raise StreamError(
                f"The stream of prediction {prediction.id} broke off before its end.",
                hint=f"The prediction goes on: client.predictions.wait({prediction.id!r}) gives its result.",
                prediction=prediction,
            ) from error
        await session.transport.sleep(interval(failures))


class Place:
    """How far a stream has been read, over all its connections."""

    def __init__(self) -> None:
        self.last_id: str | None = None
        self.lost: bool = False
        """Output has come without an id: asked again, the server may send it again."""
        self._seen: set[str] = set()
        self._latest: str | None = None
        self._known = False

    def reconnect(self) -> None:
        """Begin anew: the server may repeat what it has sent."""
        self._latest, self._known = None, False

    def reach(self, event: ServerSentEvent) -> bool:
        """Note an event, and tell whether it is one that no earlier connection has brought."""
        if event.id != self._latest:  # an event without an id of its own has that of the event before it
            self._latest, self._known = event.id, event.id in self._seen
        if self._known:
            return False
        if event.id:
            self.last_id = event.id
            self._seen.add(event.id)
        self.lost = self.last_id is None and (self.lost or event.event == "output")
        return True


async def connection(session: Session[Any], request: Request) -> AsyncGenerator[ServerSentEvent, None]:
    """Open a stream, and yield its events to its end or break, or to the session's deadline.

    Raises APIConnectionError, APIStatusError.
    """
    response = await session.send(request, stream=True)
    decoder = Decoder()
    async with aclosing(session.chunks(response)) as chunks:
        async for chunk in chunks:
            for event in decoder.feed(chunk):
                yield event
            if session.remaining() <= 0:
                return


def stream_url(prediction: Prediction[Any]) -> str | None:
    """Give the URL of a prediction's events, if it has some; older answers have no URLs at all."""
    url: str | None = getattr(prediction.urls, "stream", None)
    return url
