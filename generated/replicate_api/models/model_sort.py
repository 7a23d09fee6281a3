"""The known values of `ModelSort`. An answer may carry others: the API adds to them."""

from __future__ import annotations

from typing import Literal

ModelSort = Literal[
    "latest_version_created_at",
    "model_created_at",
]
"""The date to sort by: that of the model, or that of its newest version."""
