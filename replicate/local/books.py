"""All runs of one kind, predictions or trainings: running ones in memory, finished ones in the store."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from replicate.local.prediction import Prediction
from replicate.local.store import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from replicate.local.clock import Clock
    from replicate.local.store import Store

P = TypeVar("P", bound=Prediction)
_INTERRUPTED = "The server was killed while this {} was running."
_CHUNK = 100


class Book(Generic[P]):
    """The predictions, or the trainings, of one server, by id; iterates newest first."""

    def __init__(self, kind: type[P], store: Store, clock: Clock) -> None:
        self._kind, self._store, self._clock = kind, store, clock
        self._running: dict[str, P] = {}
        self._by_key: dict[str, P] = {}
        for run in store.interrupted(kind):
            run.clock, run.on_finish = clock, store.save
            run.fail(_INTERRUPTED.format(kind.__name__.lower()))

    def create(self, **fields: Any) -> P:
        """Add a new run; the fields are those that only the caller knows."""
        run = self._kind(
            id=_name(16),
            key=_name(32),
            created_at=self._clock.now(),
            clock=self._clock,
            on_finish=self._finish,
            **fields,
        )
        self._store.save(run)
        self._running[run.id] = self._by_key[run.key] = run
        return run

    def get(self, identifier: str) -> P | None:
        """Return a run by its id."""
        return self._running.get(identifier) or self._store.run(self._kind, id=identifier)

    def by_key(self, key: str) -> P | None:
        """Return a run by the key of its stream."""
        return self._by_key.get(key) or self._store.run(self._kind, key=key)

    def page(
        self, place: Place, limit: int, after: datetime | None = None, before: datetime | None = None
    ) -> list[tuple[int, P]]:
        """Return runs with their numbers, newest first."""
        running = dict(self._running)  # first: a run that finishes now must not appear as it was stored before
        found = self._store.runs(self._kind, place, limit, after, before)
        return [(number, running.get(run.id, run)) for number, run in found]

    def running(self) -> list[P]:
        """Return the runs that are not finished."""
        return list(self._running.values())

    def forget(self, version: str) -> None:
        """Delete the runs of a version; cancel those that are running."""
        for run in self.running():
            if run.version == version:
                run.cancel()
        self._store.forget(self._kind, version)

    def __iter__(self) -> Iterator[P]:
        place = Place()
        while found := self.page(place, _CHUNK):
            for number, run in found:
                place = Place(number)
                yield run

    def __len__(self) -> int:
        return self._store.count(self._kind)

    def _finish(self, run: Prediction) -> None:
        self._store.save(run)
        del self._running[run.id], self._by_key[run.key]


def _name(size: int) -> str:
    """Return a random, unguessable name: 26 characters for 16 bytes."""
    return base64.b32encode(secrets.token_bytes(size)).decode().rstrip("=").lower()
