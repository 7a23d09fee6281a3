"""A prediction's stream of events: opened, and taken up again where it breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._dual.generators import nested
from replicate._http.sse import Decoder
from replicate._jobs.pauses import interval
from replicate._objects.resource import session_of
from replicate.exceptions import APIConnectionError, APIStatusError, PredictionTimeout
from replicate_api.types import Request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from replicate._http.session import Session
    from replicate._http.sse import ServerSentEvent
    from replicate._jobs.any_job import AnyJob
    from replicate._jobs.wait import Watch

HEADERS = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
RECONNECTIONS = 5
"""How often in a row a stream that breaks, without a single new event, is taken up again."""
SILENCE = 15.0
"""For how many seconds nothing but comments may come before the prediction is looked at, which may have ended."""
LONGEST_PAUSE = 10.0
"""Seconds. What the server asks for before a stream is taken up again is cut to this."""


class BrokenStreamError(Exception):
    """A stream of events ended before its prediction did, and cannot be taken up again."""


async def events(watch: Watch, url: str) -> AsyncGenerator[list[ServerSentEvent], None]:
    """Yield the events of a prediction's stream up to `done`, as many at a time as come together.

    Where the stream breaks, it is taken up again. Raises BrokenStreamError if that is in vain, or would repeat output,
    or if the prediction has ended without the stream telling it; PredictionTimeout at the deadline.

    One that is silent is let go of before the prediction is looked at, and taken up again after: to hold a connection
    while waiting for another would be to wait for ever, where all are held by those that do the same.
    """
    prediction: Any = watch.run
    session, deadline = session_of(watch.run), watch.deadline
    now, place = session.transport.now, Place()
    failures = 0
    while True:
        headers = {**HEADERS, "Last-Event-ID": place.last_id} if place.last_id else HEADERS
        error: Exception | None = None
        place.reconnect()
        heard, silent = now(), False
        try:
            request = Request("GET", url, headers=headers)
            async with nested(connection(deadline.bound(session), request, place)) as connected:
                async for batch in connected:
                    before = place.last_id
                    if new := place.advance(batch):
                        heard, failures = now(), 0 if place.last_id != before else failures
                        yield new
                        if new[-1].event == "done":
                            return
                    elif deadline.remaining() <= 0 or (silent := now() - heard > SILENCE):
                        break
        except (APIConnectionError, APIStatusError) as cause:
            error = cause
        if deadline.remaining() <= 0:
            raise PredictionTimeout(prediction, deadline.seconds or 0) from error
        if silent:
            await watch.look()
        failures += not silent
        over = (silent and prediction.finished) or failures > RECONNECTIONS or place.lost
        if over or isinstance(error, APIStatusError):
            raise BrokenStreamError from error
        await session.transport.sleep(0.0 if silent else min(place.pause(failures), deadline.remaining()))


class Place:
    """How far a stream has been read, over all its connections."""

    def __init__(self) -> None:
        self.last_id: str | None = None
        self.retry: int | None = None
        """The milliseconds that the server asks to wait before a reconnection, if it does."""
        self.lost: bool = False
        """Output has come without an id of its own: asked again, the server may send it again."""
        self._seen: set[str | None] = set()
        self._latest: str | None = None
        self._known = False

    def reconnect(self) -> None:
        """Begin anew: the server may repeat what it has sent."""
        self._latest, self._known = None, False

    def pause(self, failures: int) -> float:
        """Give the seconds to let pass before the next connection."""
        return interval(failures) if self.retry is None else min(LONGEST_PAUSE, self.retry / 1000)

    def advance(self, events: list[ServerSentEvent]) -> list[ServerSentEvent]:
        """Note some events, and give those up to `done` that no earlier connection has brought."""
        ids = {event.id for event in events}
        usual = len(ids) == len(events) > 0 and all(events) and all(ids)
        if usual and ids.isdisjoint(self._seen):  # nothing but output, all of it new: quick, for a stream has much
            self._seen |= ids
            self._latest = self.last_id = events[-1].id
            self._known = self.lost = False
            return events
        new: list[ServerSentEvent] = []
        seen, latest, known = self._seen, self._latest, self._known
        for event in events:
            place = event.id
            if place and place != latest:
                latest, known = place, place in seen
                if not known:
                    seen.add(place)
                    self.last_id, self.lost = place, False
            elif not known and event.event == "output":
                self.lost = True
            if not known:
                new.append(event)
                if not event and event.event == "done":
                    break
        self._latest, self._known = latest, known
        return new


async def connection(
    session: Session[Any], request: Request, place: Place
) -> AsyncGenerator[list[ServerSentEvent], None]:
    """Open a stream, and yield its events to its end or break, or to the session's deadline.

    Raises APIConnectionError, APIStatusError.
    """
    response = await session.send(request, stream=True)
    decoder = Decoder()
    async with nested(session.chunks(response)) as chunks:
        async for chunk in chunks:
            batch = decoder.feed(chunk)
            if decoder.retry is not None:
                place.retry = decoder.retry
            yield batch
            if session.remaining() <= 0:
                return


def stream_url(prediction: AnyJob) -> str | None:
    """Give the URL of a prediction's events, if it has some; older answers have no URLs at all."""
    url: str | None = getattr(prediction.urls, "stream", None)
    return url
