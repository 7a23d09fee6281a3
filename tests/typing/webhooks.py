"""The types of webhooks. Checked by mypy and pyright, never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

import replicate
from replicate import AsyncReplicate, Replicate
from replicate._dual.colours import Async, Sync
from replicate.resources.predictions import Prediction
from replicate.resources.trainings import Training
from replicate.webhook import Webhooks, WebhookSigningSecret

if TYPE_CHECKING:
    import httpx


def blocking(client: Replicate, request: httpx.Request) -> None:
    """Assert the plain results of a blocking client, of the secret and of its `get`."""
    assert_type(client.webhooks.default.secret(), WebhookSigningSecret)
    assert_type(client.webhooks.default.secret.get(timeout=3), WebhookSigningSecret)
    assert_type(client.webhooks.unwrap(request, secret="whsec_"), Prediction[Sync] | Training[Sync])
    assert_type(replicate.webhooks.validate(request, secret=client.webhooks.default.secret()), bool)
    assert_type(Webhooks.validate(headers={}, body=b"", secret=WebhookSigningSecret(key="whsec_")), bool)
    assert_type(Webhooks.validate(headers=[("a", "b")], body="", secret="whsec_", tolerance=None), bool)
    assert_type(Webhooks.sign(b"", "whsec_"), dict[str, str])


async def awaited(client: AsyncReplicate, request: httpx.Request) -> None:
    """Assert that only methods that send requests return coroutines."""
    assert_type(await client.webhooks.default.secret(), WebhookSigningSecret)
    assert_type(await client.webhooks.default.secret.get(timeout=3), WebhookSigningSecret)
    assert_type(client.webhooks.unwrap(request, secret="whsec_"), Prediction[Async] | Training[Async])


def mistakes(client: Replicate) -> None:
    """Assert that each of these is an error; an unneeded ignore is an error too."""
    client.webhooks.default.secret(timeuot=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.webhooks.validate(body={}, secret="")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.webhooks.validate(secret=b"whsec_")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
