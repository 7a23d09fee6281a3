"""Checking webhooks without a client: the names to import, where version 1 has them."""

from __future__ import annotations

from replicate._webhooks.signature import (
    InvalidSecretKeyError,
    InvalidSignatureError,
    InvalidTimestampError,
    MissingWebhookBodyError,
    MissingWebhookHeaderError,
    WebhookValidationError,
)
from replicate.resources.webhooks import Webhooks, WebhookSigningSecret

__all__ = [
    "InvalidSecretKeyError",
    "InvalidSignatureError",
    "InvalidTimestampError",
    "MissingWebhookBodyError",
    "MissingWebhookHeaderError",
    "WebhookSigningSecret",
    "WebhookValidationError",
    "Webhooks",
]
