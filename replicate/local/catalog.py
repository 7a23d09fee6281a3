"""The models of one server: those that it was started with, and those that were created later."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from dateutil.parser import isoparse

from replicate.local.clock import stamp
from replicate.local.models import Entry, Model, Version, check_reference, version_of
from replicate.local.prediction import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from replicate.local.clock import Clock
    from replicate.local.store import Store
    from replicate.local.training import Training


class Catalog:
    """Models by name and by version, oldest first.

    The store keeps what requests have created: models, changed details, and trained versions. After a restart, a
    trained version exists again if the model that it was trained from does.
    """

    def __init__(self, models: Mapping[str, Model | Callable[..., Any]], store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        now = clock.now()
        self._entries = {reference: _entry(reference, model, now) for reference, model in models.items()}
        self._versions = {version.id: version for entry in self for version in entry.versions}
        for _number, record in reversed(store.records("model")):
            self._restore(**record)
        for _number, record in reversed(store.records("version")):
            self._attach(**record)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    def get(self, reference: str) -> Entry | None:
        """Return a model by `owner/name`."""
        return self._entries.get(reference)

    def entry_of(self, version: Version) -> Entry:
        """Return the model of a version."""
        return self._entries[version.reference]

    def version(self, identifier: str, reference: str = "") -> Version | None:
        """Return a version of a community model by its id; if a model is given, the version must belong to it."""
        version = self._versions.get(identifier)
        if version and not self.entry_of(version).official and reference in ("", version.reference):
            return version
        return None

    def runnable(self, spelling: str) -> Version | None:
        """Return the version for a prediction's `version`: an id, `owner/name:id`, or an official `owner/name`."""
        reference, _, identifier = spelling.rpartition(":")
        entry = self.get(spelling)
        return entry.latest if entry and entry.official else self.version(identifier, reference)

    def create(self, reference: str, details: dict[str, Any]) -> Entry:
        """Add a model without a version."""
        entry = self._entries[reference] = Entry(reference, self._clock.now(), details)
        record = {"reference": reference, "created_at": stamp(entry.created_at), "details": details}
        self._store.keep("model", reference, record)
        return entry

    def change(self, entry: Entry, details: dict[str, Any]) -> None:
        """Change details of a model."""
        entry.details |= details
        record: dict[str, Any] = self._store.record("model", entry.reference) or {"reference": entry.reference}
        known: dict[str, Any] = record.get("details", {})
        self._store.keep("model", entry.reference, {**record, "details": {**known, **details}})

    def delete(self, entry: Entry) -> None:
        """Remove a model that has no versions."""
        del self._entries[entry.reference]
        self._store.discard("model", entry.reference)

    def trained(self, training: Training, weights: str | None) -> str | None:
        """Create the version from a training; return `owner/name:id`, or None if the destination is gone."""
        identifier = hashlib.sha256(f"{training.destination} {training.id}".encode()).hexdigest()
        base = self._versions.get(training.version)
        record: dict[str, Any] = {
            "identifier": identifier,
            "reference": training.destination,
            "base": (base.base if base else None) or training.model,
            "weights": weights,
            "created_at": stamp(self._clock.now()),
        }
        if not self._attach(**record):
            return None
        self._store.keep("version", identifier, record)
        return f"{training.destination}:{identifier}"

    def remove(self, version: Version) -> None:
        """Delete a version."""
        self.entry_of(version).versions.remove(version)
        del self._versions[version.id]
        self._store.discard("version", version.id)

    def _attach(self, identifier: str, reference: str, base: str, weights: str | None, created_at: str) -> bool:
        entry, origin = self.get(reference), self.get(base)
        source = next((version for version in origin.versions if not version.base), None) if origin else None
        if not (entry and source):
            return False
        version = Version(
            identifier, reference, isoparse(created_at), source.signature, source.training, base=base, weights=weights
        )
        entry.versions.append(version)
        self._versions[identifier] = version
        return True

    def _restore(self, reference: str, details: dict[str, Any], created_at: str | None = None) -> None:
        if entry := self.get(reference):
            entry.details |= details
        elif created_at:
            self._entries[reference] = Entry(reference, isoparse(created_at), details)


def _entry(reference: str, model: Model | Callable[..., Any], now: datetime) -> Entry:
    check_reference(reference)
    model = model if isinstance(model, Model) else Model(model)
    version = version_of(reference, model, now)
    examples = [
        _example(version, number, given, output, official=model.official)
        for number, (given, output) in enumerate(model.examples)
    ]
    return Entry(reference, now, model.details(), model.official, [version], examples)


def _example(version: Version, number: int, given: dict[str, Any], output: Any, *, official: bool) -> Prediction:
    """Return an example as a finished prediction."""
    name = hashlib.sha256(f"{version.id} {number}".encode()).hexdigest()[:26]
    moment = version.created_at
    return Prediction(
        id=name,
        key=name,
        model=version.reference,
        version="hidden" if official else version.id,
        input=given,
        output=output,
        status="succeeded",
        origin="",
        created_at=moment,
        started_at=moment,
        completed_at=moment,
    )
