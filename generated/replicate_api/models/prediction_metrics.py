"""What `PredictionMetrics` holds."""

from __future__ import annotations

from attrs import define

from ..types import UNSET, AttributeDict


@define(slots=False, kw_only=True, eq=False, repr=False)
class PredictionMetrics(AttributeDict):
    """Measurements, once it has ended. Models may add their own."""

    predict_time: float | None = UNSET
    """Seconds that the model has run. This is what is billed."""

    total_time: float | None = UNSET
    """Seconds from its creation to its end, waiting included."""
