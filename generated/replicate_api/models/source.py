"""The known values of `Source`. An answer may carry others: the API adds to them."""

from __future__ import annotations

from typing import Literal

Source = Literal[
    "api",
    "web",
]
"""Where it was created: on the website or through the API."""
