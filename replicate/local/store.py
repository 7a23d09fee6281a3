"""Stores predictions, trainings and small records in SQLite, in memory or in a file.

A run is written when it is created and when it is finished, never in between. Writes do not wait for the disk
(`synchronous=OFF`): a power cut may lose the last few records, which is acceptable for a local server.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from replicate.local.prediction import Event, Prediction

if TYPE_CHECKING:
    import os

_TABLES = """
    CREATE TABLE IF NOT EXISTS runs (
        number INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        id TEXT NOT NULL UNIQUE,
        key TEXT NOT NULL UNIQUE,
        version TEXT NOT NULL,
        created_at REAL NOT NULL,
        finished INTEGER NOT NULL,
        record TEXT NOT NULL,
        events TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS records (
        number INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        record TEXT NOT NULL,
        UNIQUE (kind, id)
    );
"""
_MOMENTS = ("created_at", "started_at", "completed_at", "deadline")
P = TypeVar("P", bound=Prediction)


@attrs.frozen
class Place:
    """The place in a list where a page begins: at the records before or after a number, or at the newest."""

    number: int | None = None
    newer: bool = False

    @property
    def order(self) -> tuple[str, str]:
        """The order to read in, and the condition on the numbers from here on, in SQL."""
        return ("ASC", ">") if self.newer else ("DESC", "<")


class Store:
    """One SQLite database for any number of threads. The kind of a run is its class; the kind of a record is a word."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def _run(self, sql: str, *values: Any, **named: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, named or values).fetchall()

    def save(self, run: Prediction) -> None:
        """Write a run, new or changed."""
        record = {name: getattr(run, name) for name in run.KEPT}
        record |= {name: _seconds(getattr(run, name)) for name in _MOMENTS}
        self._run(
            "INSERT INTO runs (kind, id, key, version, created_at, finished, record, events)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
            " SET finished = excluded.finished, record = excluded.record, events = excluded.events",
            type(run).__name__,
            run.id,
            run.key,
            run.version,
            run.created_at.timestamp(),
            run.finished,
            json.dumps(record, separators=(",", ":")),
            json.dumps([attrs.astuple(event) for event in run.events], separators=(",", ":")),
        )

    def run(self, kind: type[P], *, id: str | None = None, key: str | None = None) -> P | None:
        """Read a run by its id, or by the key of its stream."""
        where = "kind = ? AND (id = ? OR key = ?)"
        rows = self._run(f"SELECT record, events FROM runs WHERE {where}", kind.__name__, id, key)  # noqa: S608 - ours
        return _read(kind, *rows[0]) if rows else None

    def interrupted(self, kind: type[P]) -> list[P]:
        """Read the runs that were unfinished when the last server with this database was killed."""
        rows = self._run("SELECT record, events FROM runs WHERE kind = ? AND NOT finished", kind.__name__)
        return [_read(kind, *row) for row in rows]

    def runs(
        self, kind: type[P], place: Place, limit: int, after: datetime | None = None, before: datetime | None = None
    ) -> list[tuple[int, P]]:
        """Read runs with their numbers, newest first and without their events."""
        order, beyond = place.order
        rows = self._run(
            "SELECT number, record FROM runs"  # noqa: S608 - the inserted text is not from outside
            f" WHERE kind = :kind AND (:place IS NULL OR number {beyond} :place)"
            " AND (:after IS NULL OR created_at >= :after) AND (:before IS NULL OR created_at < :before)"
            f" ORDER BY number {order} LIMIT :limit",
            kind=kind.__name__,
            place=place.number,
            after=after and after.timestamp(),
            before=before and before.timestamp(),
            limit=limit,
        )
        found = [(number, _read(kind, record)) for number, record in rows]
        return found[::-1] if place.newer else found

    def count(self, kind: type[Prediction]) -> int:
        """Count the runs of a kind."""
        return int(self._run("SELECT count(*) FROM runs WHERE kind = ?", kind.__name__)[0][0])

    def forget(self, kind: type[Prediction], version: str) -> None:
        """Delete the runs of a version."""
        self._run("DELETE FROM runs WHERE kind = ? AND version = ?", kind.__name__, version)

    def keep(self, kind: str, identifier: str, record: Any) -> None:
        """Write a record, new or changed."""
        self._run(
            "INSERT INTO records (kind, id, record) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET record = excluded.record",
            kind,
            identifier,
            json.dumps(record),
        )

    def record(self, kind: str, identifier: str) -> Any:
        """Read a record; None if there is none."""
        rows = self._run("SELECT record FROM records WHERE kind = ? AND id = ?", kind, identifier)
        return json.loads(rows[0][0]) if rows else None

    def records(self, kind: str, place: Place | None = None, limit: int = -1) -> list[tuple[int, Any]]:
        """Read records with their numbers, newest first; all of them unless there is a limit."""
        place = place or Place()
        order, beyond = place.order
        rows = self._run(
            "SELECT number, record FROM records"  # noqa: S608 - as above
            f" WHERE kind = :kind AND (:place IS NULL OR number {beyond} :place) ORDER BY number {order} LIMIT :limit",
            kind=kind,
            place=place.number,
            limit=limit,
        )
        found = [(number, json.loads(record)) for number, record in rows]
        return found[::-1] if place.newer else found

    def discard(self, kind: str, identifier: str) -> None:
        """Delete a record."""
        self._run("DELETE FROM records WHERE kind = ? AND id = ?", kind, identifier)


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _read(kind: type[P], text: str, events: str = "[]") -> P:
    record = json.loads(text)
    for name in _MOMENTS:
        if record[name] is not None:
            record[name] = datetime.fromtimestamp(record[name], UTC)
    return kind(**record, events=[Event(*event) for event in json.loads(events)])
