"""The operation `webhooks_default_secret_get`: `GET /webhooks/default/secret`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.webhook_secret import WebhookSecret


def build_request() -> types.Request:
    """Get the webhook signing secret.

    Return the secret that signs every webhook of the account. Use it to check that a webhook came from
    Replicate, and keep it as safe as a token.
    """
    return types.Request(
        "GET",
        "/webhooks/default/secret",
    )


def parse_response(content: bytes) -> WebhookSecret:
    """Read the answer's JSON."""
    from ...models.webhook_secret import WebhookSecret

    return types.decode(content, WebhookSecret.from_dict)
