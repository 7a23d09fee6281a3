"""The contents of the webhooks in these tests."""

from __future__ import annotations

import json
from typing import Any

from replicate.webhook import Webhooks

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMVb5sSYspob7oDx"
NOW = 1_760_000_000.0

PREDICTION = {
    "id": "p2vxd5brcxrmc0cr9jmb0zkd94",
    "model": "me/llama",
    "version": "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa",
    "input": {"prompt": "Grüße"},
    "output": "Hallo 🦙",
    "status": "succeeded",
    "created_at": "2026-01-02T03:04:05.678Z",
    "urls": {
        "get": "https://api.replicate.com/v1/predictions/p2vxd5brcxrmc0cr9jmb0zkd94",
        "cancel": "https://api.replicate.com/v1/predictions/p2vxd5brcxrmc0cr9jmb0zkd94/cancel",
    },
}
TRAINING = {
    **{name: PREDICTION[name] for name in ("model", "version", "created_at")},
    "id": "zz4ibbonubfz7carwiefibzgga",
    "input": {"input_images": "https://example.com/data.zip"},
    "status": "succeeded",
    "destination": "me/tuned",
    "output": {"version": "me/tuned:abc", "weights": "https://example.com/weights.tar"},
    "urls": {"get": "https://api.replicate.com/v1/trainings/zz4ibbonubfz7carwiefibzgga"},
}
BODY = json.dumps(PREDICTION, ensure_ascii=False).encode()


def headers(body: bytes | str = BODY, secret: str = SECRET, now: float = NOW) -> dict[str, str]:
    """Return the headers of a delivery, and a common one."""
    return {"content-type": "application/json", **Webhooks.sign(body, secret, now=now)}


def without(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}
