"""What `TrainingUrls` holds."""

from __future__ import annotations

from attrs import define

from ..types import UNSET, AttributeDict, GetText


@define(slots=False, kw_only=True, eq=False, repr=False)
class TrainingUrls(AttributeDict):
    """URLs about the training."""

    cancel: str | None = UNSET
    """POST here to cancel it."""

    get: GetText = UNSET  # pyright: ignore[reportIncompatibleMethodOverride]
    """GET here to read it again."""

    web: str | None = UNSET
    """The training's page on the web."""
