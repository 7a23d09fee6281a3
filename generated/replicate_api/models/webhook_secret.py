"""What `WebhookSecret` holds."""

from __future__ import annotations

from attrs import define

from ..types import UNSET, Payload


@define(slots=False, kw_only=True, eq=False, repr=False)
class WebhookSecret(Payload):
    """The secret that signs the account's webhooks."""

    key: str | None = UNSET
    """The secret: `whsec_` and the key in base64."""
