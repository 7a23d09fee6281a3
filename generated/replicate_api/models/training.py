"""What `Training` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload, Timestamp, timestamp

if TYPE_CHECKING:
    from .prediction_status import PredictionStatus
    from .source import Source
    from .training_metrics import TrainingMetrics
    from .training_output import TrainingOutput
    from .training_urls import TrainingUrls


@define(slots=False, kw_only=True, eq=False, repr=False)
class Training(Payload):
    """One run of a model's training, which makes a new version."""

    completed_at: Timestamp | None = UNSET
    """When it ended, for better or worse; absent until then."""

    created_at: Timestamp | None = UNSET
    """When it was created."""

    destination: str | None = UNSET
    """The model that gets the new version, as owner/name."""

    error: str | None = UNSET
    """Why it failed; null otherwise."""

    id: str | None = UNSET
    """The id of the training."""

    input: dict[str, Any] | None = UNSET
    """The input as it was given."""

    logs: str | None = UNSET
    """All that the training has printed so far."""

    metrics: TrainingMetrics | None = UNSET
    """Measurements, once it has ended."""

    model: str | None = UNSET
    """The model whose training was run, as `owner/name`."""

    output: TrainingOutput | None = UNSET
    """What the training made; absent until it has succeeded."""

    source: Source | str | None = UNSET
    """Where it was created: on the website or through the API."""

    started_at: Timestamp | None = UNSET
    """When a machine began to work on it; absent until then."""

    status: PredictionStatus | str | None = UNSET
    """Where the prediction is: `starting` (queued, or a machine is booting), `processing` (running), and for good
    `succeeded`, `failed` (see `error`), `canceled` (stopped while it ran) or `aborted` (its deadline passed before
    it started; not billed on public models).
    """

    urls: TrainingUrls | None = UNSET
    """URLs about the training."""

    version: str | None = UNSET
    """The id of the version whose training was run."""

    webhook: str | None = UNSET
    """The URL that receives the webhook's events."""

    webhook_completed: str | None = UNSET
    """The URL that is told about the end only. Older than `webhook`."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .training_metrics import TrainingMetrics
        from .training_output import TrainingOutput
        from .training_urls import TrainingUrls

        return {
            "completed_at": timestamp,
            "created_at": timestamp,
            "metrics": TrainingMetrics.from_dict,
            "output": TrainingOutput.from_dict,
            "started_at": timestamp,
            "urls": TrainingUrls.from_dict,
        }
