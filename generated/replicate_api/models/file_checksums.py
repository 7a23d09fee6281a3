"""What `FileChecksums` holds."""

from __future__ import annotations

from attrs import define

from ..types import UNSET, AttributeDict


@define(slots=False, kw_only=True, eq=False, repr=False)
class FileChecksums(AttributeDict):
    """Checksums of the bytes, by algorithm."""

    md5: str | None = UNSET
    """The content's MD5 digest, in hexadecimal."""

    sha256: str | None = UNSET
    """SHA-256 in hexadecimal."""
