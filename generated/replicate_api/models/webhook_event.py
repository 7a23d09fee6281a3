"""The known values of `WebhookEvent`. An answer may carry others: the API adds to them."""

from __future__ import annotations

from typing import Literal

WebhookEvent = Literal[
    "completed",
    "logs",
    "output",
    "start",
]
