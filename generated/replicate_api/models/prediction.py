"""What `Prediction` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload, Timestamp, timestamp

if TYPE_CHECKING:
    from .prediction_metrics import PredictionMetrics
    from .prediction_status import PredictionStatus
    from .prediction_urls import PredictionUrls
    from .source import Source
    from .webhook_event import WebhookEvent


@define(slots=False, kw_only=True, eq=False, repr=False)
class Prediction(Payload):
    """One run of a model."""

    created_at: Timestamp
    """When it was created."""

    id: str
    """The id of the prediction."""

    input: dict[str, Any]
    """The input as it was given; empty once the data has been removed."""

    status: PredictionStatus | str
    """Where the prediction is: `starting` (queued, or a machine is booting), `processing` (running), and for good
    `succeeded`, `failed` (see `error`), `canceled` (stopped while it ran) or `aborted` (its deadline passed before
    it started; not billed on public models).
    """

    urls: PredictionUrls
    """URLs about the prediction."""

    version: str
    """The id of the version that was run: 64 hexadecimal characters, or `hidden` for an official model."""

    completed_at: Timestamp | None = UNSET
    """When it ended, for better or worse; absent until then."""

    data_removed: bool | None = UNSET
    """Whether input, output and logs are gone. Those of predictions made by API go one hour after they end."""

    deadline: Timestamp | None = UNSET
    """When it will be canceled unless it has ended; there only if `Cancel-After` was sent."""

    deployment: str | None = UNSET
    """The deployment that ran it, as `owner/name`; there only if one did."""

    error: str | None = UNSET
    """Why it failed; null otherwise."""

    logs: str | None = UNSET
    """All that the model has printed so far."""

    metrics: PredictionMetrics | None = UNSET
    """Measurements, once it has ended. Models may add their own."""

    model: str | None = UNSET
    """The model that was run, as `owner/name`."""

    output: Any = UNSET
    """What the model returned, in the shape that its schema calls `Output`; null until there is some. Models that
    yield grow a list here while they run. Files are URLs that work for one hour; after `Prefer: wait` they may be
    `data:` URLs.
    """

    source: Source | str | None = UNSET
    """Where it was created: on the website or through the API."""

    started_at: Timestamp | None = UNSET
    """When a machine began to work on it; absent until then."""

    webhook: str | None = UNSET
    """The URL that receives the webhook's events."""

    webhook_completed: str | None = UNSET
    """The URL that is told about the end only. Older than `webhook`."""

    webhook_events_filter: list[WebhookEvent | str] | None = UNSET
    """The events that `webhook` is told about."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .prediction_metrics import PredictionMetrics
        from .prediction_urls import PredictionUrls

        return {
            "created_at": timestamp,
            "urls": PredictionUrls.from_dict,
            "completed_at": timestamp,
            "deadline": timestamp,
            "metrics": PredictionMetrics.from_dict,
            "started_at": timestamp,
        }
