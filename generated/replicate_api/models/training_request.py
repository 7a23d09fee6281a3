"""What `TrainingRequest` holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload

if TYPE_CHECKING:
    from .webhook_event import WebhookEvent


@define(slots=False, kw_only=True, eq=False, repr=False)
class TrainingRequest(Payload):
    """What to train on, and where to put the result."""

    destination: str
    """The model that receives the new version, as `owner/name`. It must exist, and be yours."""

    input: dict[str, Any]
    """The training's input by name. Names and types are in the `openapi_schema` of the version, under `TrainingInput`."""

    webhook: str | None = UNSET
    """An HTTPS URL that receives the training as JSON by POST when something happened to it. Redirects are not
    followed, and an event may arrive more than once with the same `webhook-id`. Query parameters of the URL are
    kept: use them to pass an id of yours.
    """

    webhook_events_filter: list[WebhookEvent | str] | None = UNSET
    """Which events call the webhook: `start` when it starts, `output` and `logs` whenever there is more of either
    (each at most every 500 ms), `completed` when it ends. Without it: `output` and `completed`.
    """
