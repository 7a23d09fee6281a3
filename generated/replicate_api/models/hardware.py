"""What `Hardware` holds."""

from __future__ import annotations

from attrs import define

from ..types import UNSET, Payload


@define(slots=False, kw_only=True, eq=False, repr=False)
class Hardware(Payload):
    """A kind of hardware."""

    name: str | None = UNSET
    """The name to display."""

    sku: str | None = UNSET
    """The name to use in requests."""
