"""One training: a run that creates a version of a model when it succeeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from replicate.local.prediction import Prediction
from replicate.local.validation import is_object

if TYPE_CHECKING:
    from collections.abc import Callable


@attrs.define(eq=False, kw_only=True)
class Training(Prediction):
    """A training, live or from the store; `make_version` creates a version from the weights of a live one."""

    KEPT: ClassVar[tuple[str, ...]] = (*Prediction.KEPT, "destination")

    destination: str
    make_version: Callable[[Training, str | None], str | None] = attrs.field(
        default=lambda _training, _weights: None, repr=False
    )

    def succeed(self, output: Any) -> None:
        """Finish with the weights that the function returned: a file, or a dictionary with the file as `weights`."""
        weights = output.get("weights") if is_object(output) else output
        with self._lock:
            if self.finished:
                return
            if weights is not None and not isinstance(weights, str):
                self.fail("A training returns its weights: a file, {'weights': file}, or None.")
            elif version := self.make_version(self, weights):
                super().succeed({"version": version, **({"weights": weights} if weights else {})})
            else:
                self.fail(f"The destination {self.destination} does not exist any more.")

    def to_json(self, origin: str) -> dict[str, Any]:
        """Return the training as the API shows it."""
        shown = super().to_json(origin)
        url = f"{origin}/v1/trainings/{self.id}"
        absent = {"data_removed", *(["output"] if shown["output"] is None else [])}
        return {
            **{name: value for name, value in shown.items() if name not in absent},
            "urls": {"cancel": f"{url}/cancel", "get": url, "web": shown["urls"]["web"]},
        }
