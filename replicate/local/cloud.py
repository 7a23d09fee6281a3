"""All parts of one local Replicate except its web application and its listener."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replicate.local.books import Book
from replicate.local.catalog import Catalog
from replicate.local.deployments import Deployments
from replicate.local.engine import Engine
from replicate.local.files import Files
from replicate.local.prediction import Prediction
from replicate.local.store import Store
from replicate.local.training import Training
from replicate.local.webhooks import Webhooks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from replicate.local.clock import Clock
    from replicate.local.models import Model

USERNAME = "local"
ACCOUNT = {"type": "user", "username": USERNAME, "name": "Local server"}
_GRACE = 0.5  # seconds for models to notice that the server stops


class Cloud:
    """The models of a server, with their predictions, files and storage, and the engine that runs them."""

    def __init__(
        self,
        models: Mapping[str, Model | Callable[..., Any]],
        *,
        collections: Mapping[str, Sequence[str]] | None,
        store: str | os.PathLike[str],
        clock: Clock,
        workers: int,
        page_size: int,
    ) -> None:
        self.clock: Clock = clock
        self.page_size: int = page_size
        self._store = Store(store)
        try:
            self.models: Catalog = Catalog(models, self._store, clock)
            self.collections: dict[str, list[str]] = _collections(self.models, collections)
        except BaseException:
            self._store.close()
            raise
        self._temporary = tempfile.TemporaryDirectory(prefix="replicate-local-") if store == ":memory:" else None
        folder = Path(self._temporary.name) if self._temporary else Path(f"{os.fspath(store)}.files")
        self.files: Files = Files(folder, self._store, clock, USERNAME)
        self.predictions: Book[Prediction] = Book(Prediction, self._store, clock)
        self.trainings: Book[Training] = Book(Training, self._store, clock)
        self.deployments: Deployments = Deployments(self._store, clock, ACCOUNT)
        self.webhooks: Webhooks = Webhooks(self._store, clock)
        self.engine: Engine = Engine(self.files, workers)

    def halt(self) -> None:
        """Cancel all runs, which also ends their streams and the requests that wait for them."""
        for run in (*self.predictions.running(), *self.trainings.running()):
            run.cancel()

    def close(self) -> None:
        """Give models a moment to stop; then close the database and remove temporary files."""
        self.engine.close(_GRACE)
        self._store.close()
        if self._temporary:
            self._temporary.cleanup()


def _collections(models: Catalog, given: Mapping[str, Sequence[str]] | None) -> dict[str, list[str]]:
    """Return collections by slug: the given ones, or one of official and one of community models."""
    if given is None:
        kinds = {"official": True, "community": False}
        made = {slug: [entry.reference for entry in models if entry.official is kind] for slug, kind in kinds.items()}
        return {slug: references for slug, references in made.items() if references}
    for slug, references in given.items():
        if unknown := [reference for reference in references if models.get(reference) is None]:
            raise ValueError(f"the collection {slug!r} has {', '.join(unknown)}, but no such model is served")
    return {slug: list(references) for slug, references in given.items()}
