"""Read the event stream of a prediction, and reconnect when it breaks off."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from replicate._dual.generators import closing
from replicate._http.connections.unpacking import TooLargeError
from replicate._http.error_responses import is_too_large
from replicate._http.options import is_sendable
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
"""Maximum number of reconnections in a row that bring no new event."""
SILENCE = 15.0
"""Seconds without an event, comments aside, after which the prediction is polled: it may have ended."""
REMEMBERED = 10_000
"""Maximum number of event ids that are kept, to recognize the events that a new connection repeats."""
LONGEST_PAUSE = 10.0
"""Seconds. The server's `retry` time before a reconnection is limited to this."""


class BrokenStreamError(Exception):
    """A stream of events ended before its prediction did, and cannot be resumed."""


async def events(watch: Watch, url: str) -> AsyncGenerator[list[ServerSentEvent], None]:
    """Yield the events of a prediction's stream up to `done`, in batches of those that arrive together.

    Reconnects when the stream breaks off. Raises BrokenStreamError if reconnecting fails or could repeat events that
    the reader needs exactly once, or if the prediction has ended without a `done`; PredictionTimeout at the deadline.

    A silent stream is closed before the prediction is polled, and reopened after. If it kept its connection while it
    waited for another one from the pool, streams that hold all connections would wait for each other forever.
    """
    prediction: Any = watch.run
    session, deadline = session_of(watch.run), watch.deadline
    now, place = session.transport.now, Place(watch.needed)
    failures = 0
    while True:
        last = place.last_id if place.last_id and is_sendable(place.last_id) else None
        headers = {**HEADERS, "Last-Event-ID": last} if last else HEADERS
        error: Exception | None = None
        decoder = Decoder(session.config.max_event_bytes)
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
        except (APIConnectionError, APIStatusError, TooLargeError) as cause:
            error = cause
        place.retry = place.retry if decoder.retry is None else decoder.retry
        if deadline.remaining() <= 0:
            raise PredictionTimeout(prediction, deadline.seconds or 0) from error
        if silent:
            await watch.look()
        failures += not silent
        over = (silent and prediction.finished) or failures > RECONNECTIONS or place.lost
        if over or isinstance(error, APIStatusError) or is_too_large(error):
            raise BrokenStreamError from error
        await session.transport.sleep(0.0 if silent else min(place.pause(failures), deadline.remaining()))


class Place:
    """The position in a stream, across all its connections. The reader needs each event of one kind exactly once."""

    def __init__(self, needed: str = "output") -> None:
        self._needed = needed
        self.last_id: str | None = None
        self.retry: int | None = None
        """The milliseconds that the server asks clients to wait before they reconnect, if it does."""
        self.lost: bool = False
        """Whether the last needed event had no id of its own: after a reconnection the server may repeat it."""
        self._first: str | None = None
        self._ids: deque[str] = deque(maxlen=REMEMBERED)
        self._earlier: set[str | None] = set()
        """The ids received on earlier connections: the first one, and the most recent ones."""
        self._latest: str | None = None
        self._known = self._from_first = False

    def reconnect(self) -> None:
        """Prepare for a new connection, on which the server may repeat events."""
        self._earlier = {self._first, *self._ids} if self._ids else set()
        self._latest, self._known, self._from_first = None, False, False

    def pause(self, failures: int) -> float:
        """Return how many seconds to wait before the next connection."""
        return interval(failures) if self.retry is None else min(LONGEST_PAUSE, self.retry / 1000)

    def advance(self, events: list[ServerSentEvent]) -> list[ServerSentEvent]:
        """Record some events. Return those up to `done` that no earlier connection has delivered."""
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
            elif not self._known and event.event == self._needed:
                self.lost = True
            if not self._known:
                new.append(event)
                if not event and event.event == "done":
                    break
        return new

    def _was_known(self, id: str) -> bool:
        """Return whether the next id of this connection was received on an earlier one.

        The number of remembered ids is limited. A server that repeats more than those starts at the first id, so
        everything is known until it has passed the last id.
        """
        if self._latest is None and id == self._first:
            self._from_first = len(self._ids) == REMEMBERED
        known = self._from_first or id in self._earlier
        if id == self.last_id:
            self._from_first = False
        return known


def stream_url(prediction: AnyJob) -> str | None:
    """Return the URL of a prediction's event stream, or None. Old responses have no `urls` at all."""
    return session_of(prediction).link(getattr(prediction.urls, "stream", None))
