"""Keeps predictions and file records in SQLite, in memory or in a file.

A prediction is written when it is made and when it is finished, never in between. Nothing waits for the disk
(`synchronous=OFF`): a power cut may cost the last few records, which for a local server is a fair price.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import attrs

from replicate.local.prediction import Event, Prediction

if TYPE_CHECKING:
    import os

_TABLES = """
    CREATE TABLE IF NOT EXISTS predictions (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        key TEXT NOT NULL UNIQUE,
        created_at REAL NOT NULL,
        finished INTEGER NOT NULL,
        record TEXT NOT NULL,
        events TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS files (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        record TEXT NOT NULL
    );
"""
_MOMENTS = ("created_at", "started_at", "completed_at", "deadline")
_PLAIN = ("id", "key", "model", "version", "input", "origin", "status", "output", "error", "logs")


@attrs.frozen
class Place:
    """Where in a list a page begins: at the records before or after a number, or at the newest."""

    number: int | None = None
    newer: bool = False


class Store:
    """One SQLite database, used by any number of threads."""

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

    def _run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def save_prediction(self, prediction: Prediction) -> None:
        """Write a prediction, new or changed."""
        record = {name: getattr(prediction, name) for name in _PLAIN}
        record |= {name: _seconds(getattr(prediction, name)) for name in _MOMENTS}
        self._run(
            "INSERT INTO predictions (id, key, created_at, finished, record, events) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE"
            " SET finished = excluded.finished, record = excluded.record, events = excluded.events",
            prediction.id,
            prediction.key,
            prediction.created_at.timestamp(),
            prediction.finished,
            json.dumps(record, separators=(",", ":")),
            json.dumps([attrs.astuple(event) for event in prediction.events], separators=(",", ":")),
        )

    def prediction(self, *, id: str | None = None, key: str | None = None) -> Prediction | None:
        """Read a prediction by its id, or by the key of its stream."""
        rows = self._run("SELECT record, events FROM predictions WHERE id = ? OR key = ?", id, key)
        return _prediction(*rows[0]) if rows else None

    def interrupted(self) -> list[Prediction]:
        """Read what was running when a server that used this database last was killed."""
        return [_prediction(*row) for row in self._run("SELECT record, events FROM predictions WHERE NOT finished")]

    def predictions(
        self, place: Place, limit: int, after: datetime | None = None, before: datetime | None = None
    ) -> list[tuple[int, Prediction]]:
        """Read predictions with their numbers, newest first and without their events."""
        order, beyond = ("ASC", ">") if place.newer else ("DESC", "<")
        rows = self._run(
            "SELECT number, record FROM predictions"  # noqa: S608 - what is put in is not from outside
            f" WHERE (?1 IS NULL OR number {beyond} ?1) AND (?2 IS NULL OR created_at >= ?2)"
            f" AND (?3 IS NULL OR created_at < ?3) ORDER BY number {order} LIMIT ?4",
            place.number,
            after and after.timestamp(),
            before and before.timestamp(),
            limit,
        )
        found = [(number, _prediction(record)) for number, record in rows]
        return found[::-1] if place.newer else found

    def count_predictions(self) -> int:
        """Count the predictions."""
        return int(self._run("SELECT count(*) FROM predictions")[0][0])

    def save_file(self, identifier: str, record: dict[str, Any]) -> None:
        """Write a file's record."""
        self._run("INSERT INTO files (id, record) VALUES (?, ?)", identifier, json.dumps(record))

    def file(self, identifier: str) -> dict[str, Any] | None:
        """Read a file's record."""
        rows = self._run("SELECT record FROM files WHERE id = ?", identifier)
        return json.loads(rows[0][0]) if rows else None

    def files(self, place: Place, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Read file records with their numbers, newest first."""
        order, beyond = ("ASC", ">") if place.newer else ("DESC", "<")
        rows = self._run(
            "SELECT number, record FROM files"  # noqa: S608 - as above
            f" WHERE ?1 IS NULL OR number {beyond} ?1 ORDER BY number {order} LIMIT ?2",
            place.number,
            limit,
        )
        found = [(number, json.loads(record)) for number, record in rows]
        return found[::-1] if place.newer else found

    def delete_file(self, identifier: str) -> None:
        """Forget a file's record."""
        self._run("DELETE FROM files WHERE id = ?", identifier)


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _prediction(text: str, events: str = "[]") -> Prediction:
    record = json.loads(text)
    for name in _MOMENTS:
        if record[name] is not None:
            record[name] = datetime.fromtimestamp(record[name], timezone.utc)
    return Prediction(**record, events=[Event(*event) for event in json.loads(events)])
