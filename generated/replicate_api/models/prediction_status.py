"""The known values of `PredictionStatus`. An answer may carry others: the API adds to them."""

from __future__ import annotations

from typing import Literal

PredictionStatus = Literal[
    "aborted",
    "canceled",
    "failed",
    "processing",
    "starting",
    "succeeded",
]
"""Where the prediction is: `starting` (queued, or a machine is booting), `processing` (running), and
for good `succeeded`, `failed` (see `error`), `canceled` (stopped while it ran) or `aborted` (its
deadline passed before it started; not billed on public models).
"""
