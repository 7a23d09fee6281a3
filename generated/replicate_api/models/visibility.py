"""The known values of `Visibility`. An answer may carry others: the API adds to them."""

from __future__ import annotations

from typing import Literal

Visibility = Literal[
    "private",
    "public",
]
"""`public` for everyone; `private` for its owner alone."""
