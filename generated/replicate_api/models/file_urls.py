"""What `FileUrls` holds."""

from __future__ import annotations

from attrs import define

from ..types import UNSET, AttributeDict, GetText


@define(slots=False, kw_only=True, eq=False, repr=False)
class FileUrls(AttributeDict):
    """URLs about the file."""

    get: GetText = UNSET  # pyright: ignore[reportIncompatibleMethodOverride]
    """The file's own URL: give it to a model as input, or read the description there."""
