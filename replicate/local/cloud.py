"""Everything that one local Replicate consists of, apart from how it is reached."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replicate.local.books import Predictions
from replicate.local.engine import Engine
from replicate.local.files import Files
from replicate.local.models import Catalog, Model
from replicate.local.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from replicate.local.clock import Clock

USERNAME = "local"
_GRACE = 0.5  # seconds that models get to notice that the server stops


class Cloud:
    """Models, predictions and files, and what keeps and runs them."""

    def __init__(
        self,
        models: Mapping[str, Model | Callable[..., Any]],
        *,
        store: str | os.PathLike[str],
        clock: Clock,
        workers: int,
        page_size: int,
    ) -> None:
        self.models = Catalog(models, clock.now())
        self.clock, self.page_size = clock, page_size
        self._temporary = tempfile.TemporaryDirectory(prefix="replicate-local-") if store == ":memory:" else None
        folder = Path(self._temporary.name) if self._temporary else Path(f"{os.fspath(store)}.files")
        self._store = Store(store)
        self.files = Files(folder, self._store, clock, USERNAME)
        self.predictions = Predictions(self._store, clock)
        self.engine = Engine(self.files, workers)

    def halt(self) -> None:
        """Cancel what runs, which also ends what streams it or waits for it."""
        for prediction in self.predictions.running():
            prediction.cancel()

    def close(self) -> None:
        """Give models a moment to notice the end, and let go of the database and of temporary files."""
        self.engine.close(_GRACE)
        self._store.close()
        if self._temporary:
            self._temporary.cleanup()
