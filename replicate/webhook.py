"""Verification of webhooks without a client, at the import path of version 1."""

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
