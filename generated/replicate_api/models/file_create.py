"""What `FileCreate` holds."""

from __future__ import annotations

from typing import IO, Any

from attrs import define

from ..types import UNSET, Part, Payload


@define(slots=False, kw_only=True, eq=False, repr=False)
class FileCreate(Payload):
    """A file to store."""

    content: Part | bytes | IO[bytes]
    """The bytes of the file, at most 100 MiB."""

    filename: str | None = UNSET
    """The name of the file, at most 255 bytes of UTF-8."""

    metadata: dict[str, Any] | None = UNSET
    """Whatever you wish to remember about the file, as a JSON object."""

    type: str | None = UNSET
    """The media type of the file."""
