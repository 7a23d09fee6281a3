"""What `TrainingOutput` holds."""

from __future__ import annotations

from attrs import define

from ..types import UNSET, AttributeDict


@define(slots=False, kw_only=True, eq=False, repr=False)
class TrainingOutput(AttributeDict):
    """What the training made; absent until it has succeeded."""

    version: str | None = UNSET
    """The new version, as `owner/name:id`."""

    weights: str | None = UNSET
    """URL of the trained weights."""
