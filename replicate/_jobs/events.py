"""A prediction's stream of events: opened, and resumed after it breaks."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from replicate._dual.generators import closing
from replicate._http.sse import Decoder
from replicate._jobs.pauses import interval
from replicate._objects.resource import session_of
from replicate.exceptions import APIConnectionError, APIStatusError, PredictionTimeout
from replicate_api.types import Request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from replicate._http.sse import ServerSentEvent
    from replicate._jobs.any_job import AnyJob
    from replicate._jobs.wait import Watch

HEADERS = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
RECONNECTIONS = 5
"""How often in a row a broken stream is resumed without a single new event."""
SILENCE = 15.0
"""Seconds without an event, comments aside, before the prediction is polled: it may have ended."""
REMEMBERED = 10_000
"""How many ids of a stream are kept, to recognise what a new connection repeats."""
LONGEST_PAUSE = 10.0
"""Seconds. The longest pause before a reconnection that a server can ask for."""


class BrokenStreamError(Exception):
    """A stream of events ended before its prediction, and cannot be resumed."""


async def events(watch: Watch, url: str) -> AsyncGenerator[list[ServerSentEvent], None]:
    """Yield the events of a prediction's stream up to `done`, in batches as they arrive.

    A broken stream is resumed. Raises BrokenStreamError if that fails, or would repeat output, or if the prediction has
    ended without `done`; PredictionTimeout at the deadline.

    A silent stream is closed before the prediction is polled, and resumed afterwards. If all streams held a connection
    while they wait for another one, they would wait forever.
    """
    prediction: Any = watch.run
    session, deadline = session_of(watch.run), watch.deadline
    now, place = session.transport.now, Place()
    failures = 0
    while True:
        headers = {**HEADERS, "Last-Event-ID": place.last_id} if place.last_id else HEADERS
        error: Exception | None = None
        decoder = Decoder()
        place.reconnect()
        heard, silent = now(), False
        try:
            response = await deadline.bound(session).send(Request("GET", url, headers=headers), stream=True)
            async with closing(session.chunks(response)) as chunks:
                async for chunk in chunks:
                    before = place.last_id
                    if new := place.advance(decoder.feed(chunk)):
                        heard, failures = now(), 0 if place.last_id != before else failures
                        yield new
                        if new[-1].event == "done":
                            return
                    silent = not new and now() - heard > SILENCE
                    if silent or deadline.remaining() <= 0:
                        break
        except (APIConnectionError, APIStatusError) as cause:
            error = cause
        place.retry = place.retry if decoder.retry is None else decoder.retry
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
    """The position in a stream, over all its connections."""

    def __init__(self) -> None:
        self.last_id: str | None = None
        self.retry: int | None = None
        """The milliseconds that the server asks to wait before a reconnection, if any."""
        self.lost: bool = False
        """Output has come without an id: the server may repeat it on a new connection."""
        self._first: str | None = None
        self._ids: deque[str] = deque(maxlen=REMEMBERED)
        self._earlier: set[str | None] = set()
        """The ids from earlier connections: the first and the last ones."""
        self._latest: str | None = None
        self._known = self._from_first = False

    def reconnect(self) -> None:
        """Start a new connection: the server may repeat events."""
        self._earlier = {self._first, *self._ids} if self._ids else set()
        self._latest, self._known, self._from_first = None, False, False

    def pause(self, failures: int) -> float:
        """Return the seconds to wait before the next connection."""
        return interval(failures) if self.retry is None else min(LONGEST_PAUSE, self.retry / 1000)

    def advance(self, events: list[ServerSentEvent]) -> list[ServerSentEvent]:
        """Note some events, and return those up to `done` that no earlier connection has brought."""
        ids: list[Any] = [event.id for event in events]
        plain = len(ids) > 0 and all(events) and all(ids) and ids[-1] != (ids[-2] if len(ids) > 1 else self._latest)
        unheard = not self._earlier or (not self._from_first and self._earlier.isdisjoint(ids))
        if plain and unheard:  # streams have many events without ids
            self._first = self._first or ids[0]
            self._ids += ids
            self._latest = self.last_id = ids[-1]
            self._known = self.lost = False
            return events
        new: list[ServerSentEvent] = []
        for event in events:
            if event.id and event.id != self._latest:
                self._known = self._was_known(event.id)
                self._latest = event.id
                if not self._known:
                    self._first = self._first or event.id
                    self._ids.append(event.id)
                    self.last_id, self.lost = event.id, False
            elif not self._known and event.event == "output":
                self.lost = True
            if not self._known:
                new.append(event)
                if not event and event.event == "done":
                    break
        return new

    def _was_known(self, id: str) -> bool:
        """Return whether an id, the next one of this connection, came from an earlier connection.

        The number of remembered ids is limited. A server that repeats more starts at the first and passes the last.
        """
        if self._latest is None and id == self._first:
            self._from_first = len(self._ids) == REMEMBERED
        known = self._from_first or id in self._earlier
        if id == self.last_id:
            self._from_first = False
        return known


def stream_url(prediction: AnyJob) -> str | None:
    """Return the URL of a prediction's stream, if it has one; older responses have no URLs at all."""
    url: str | None = getattr(prediction.urls, "stream", None)
    return url
