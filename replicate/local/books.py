"""All predictions of a server: the running ones in memory, the others in the store."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any

from replicate.local.prediction import Prediction
from replicate.local.store import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from replicate.local.clock import Clock
    from replicate.local.models import Entry
    from replicate.local.store import Store

_INTERRUPTED = "The server was killed while this prediction was running."
_CHUNK = 100


class Predictions:
    """The predictions of one server; iterate over them, newest first, or look one up by its id."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._running: dict[str, Prediction] = {}
        self._by_key: dict[str, Prediction] = {}
        for prediction in store.interrupted():
            prediction.clock, prediction.on_finish = clock, store.save_prediction
            prediction.fail(_INTERRUPTED)

    def create(self, entry: Entry, given: dict[str, Any], origin: str, deadline: datetime | None) -> Prediction:
        """Enter a new prediction."""
        prediction = Prediction(
            id=_name(16),
            key=_name(32),
            model=entry.reference,
            version="hidden" if entry.model.official else entry.version,
            input=given,
            origin=origin,
            created_at=self._clock.now(),
            deadline=deadline,
            clock=self._clock,
            on_finish=self._finish,
        )
        entry.runs += 1
        self._store.save_prediction(prediction)
        self._running[prediction.id] = self._by_key[prediction.key] = prediction
        return prediction

    def get(self, identifier: str) -> Prediction | None:
        """Return a prediction by its id."""
        return self._running.get(identifier) or self._store.prediction(id=identifier)

    def by_key(self, key: str) -> Prediction | None:
        """Return a prediction by the key of its stream."""
        return self._by_key.get(key) or self._store.prediction(key=key)

    def page(
        self, place: Place, limit: int, after: datetime | None = None, before: datetime | None = None
    ) -> list[tuple[int, Prediction]]:
        """Return predictions with their numbers, newest first."""
        running = dict(self._running)  # first, so that what finishes now is seen as finished, not as it was stored
        found = self._store.predictions(place, limit, after, before)
        return [(number, running.get(prediction.id, prediction)) for number, prediction in found]

    def running(self) -> list[Prediction]:
        """Return the predictions that are not finished."""
        return list(self._running.values())

    def __iter__(self) -> Iterator[Prediction]:
        place = Place()
        while found := self.page(place, _CHUNK):
            for number, prediction in found:
                place = Place(number)
                yield prediction

    def __len__(self) -> int:
        return self._store.count_predictions()

    def _finish(self, prediction: Prediction) -> None:
        self._store.save_prediction(prediction)
        del self._running[prediction.id], self._by_key[prediction.key]


def _name(size: int) -> str:
    """Make up a name that nobody can guess: 26 characters for 16 bytes."""
    return base64.b32encode(secrets.token_bytes(size)).decode().rstrip("=").lower()
