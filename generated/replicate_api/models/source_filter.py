"""The known values of `SourceFilter`. An answer may carry others: the API adds to them."""

from __future__ import annotations

from typing import Literal

SourceFilter = Literal["web",]
"""`web` for only those predictions that were made on the website, which reach back 14 days. Without
it, predictions of every origin are listed.
"""
