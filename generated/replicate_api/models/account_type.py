"""The known values of `AccountType`. An answer may carry others: the API adds to them."""

from __future__ import annotations

from typing import Literal

AccountType = Literal[
    "organization",
    "user",
]
"""Whether this is a person or an organization."""
