"""The known values of `SortDirection`. An answer may carry others: the API adds to them."""

from __future__ import annotations

from typing import Literal

SortDirection = Literal[
    "asc",
    "desc",
]
"""`asc` for oldest first, `desc` for newest first."""
