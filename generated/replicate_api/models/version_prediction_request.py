"""What `VersionPredictionRequest` holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload

if TYPE_CHECKING:
    from .webhook_event import WebhookEvent


@define(slots=False, kw_only=True, eq=False, repr=False)
class VersionPredictionRequest(Payload):
    """What to run, and on what."""

    input: dict[str, Any]
    """The model's input by name. Names and types are in the `openapi_schema` of the version, under `Input`. Files are
    given as HTTP URLs, or up to 256 kB as `data:` URLs. Names that the model does not know may be ignored without a
    word.
    """

    version: str
    """What to run: the id of a version (64 hexadecimal characters), `owner/name:id`, or for an official model just
    `owner/name`.
    """

    stream: bool | None = UNSET
    """Ask for a stream of the output. No longer needed: every model that can stream answers `urls.stream` anyway."""

    webhook: str | None = UNSET
    """An HTTPS URL that receives the prediction as JSON by POST when something happened to it. Redirects are not
    followed, and an event may arrive more than once with the same `webhook-id`. Query parameters of the URL are
    kept: use them to pass an id of yours.
    """

    webhook_events_filter: list[WebhookEvent | str] | None = UNSET
    """Which events call the webhook: `start` when it starts, `output` and `logs` whenever there is more of either
    (each at most every 500 ms), `completed` when it ends. Without it: `output` and `completed`.
    """
