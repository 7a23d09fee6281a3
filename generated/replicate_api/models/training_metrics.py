"""What `TrainingMetrics` holds."""

from __future__ import annotations

from attrs import define

from ..types import UNSET, AttributeDict


@define(slots=False, kw_only=True, eq=False, repr=False)
class TrainingMetrics(AttributeDict):
    """Measurements, once it has ended."""

    predict_time: float | None = UNSET
    """Seconds that it ran."""

    total_time: float | None = UNSET
    """Seconds from its creation to its end, waiting included."""
