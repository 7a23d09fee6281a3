"""What `FileUrls` holds."""

from __future__ import annotations

from attrs import define

from ..types import UNSET, Payload


@define(slots=False, kw_only=True, eq=False, repr=False)
class FileUrls(Payload):
    """URLs about the file."""

    get: str | None = UNSET
    """The file's own URL: give it to a model as input, or read the description there."""
