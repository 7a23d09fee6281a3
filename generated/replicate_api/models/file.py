"""What `File` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload, Timestamp, timestamp

if TYPE_CHECKING:
    from .file_checksums import FileChecksums
    from .file_urls import FileUrls


@define(slots=False, kw_only=True, eq=False, repr=False)
class File(Payload):
    """An uploaded file."""

    checksums: FileChecksums
    """Checksums of the bytes, by algorithm."""

    content_type: str
    """The media type given at upload."""

    created_at: Timestamp
    """When the file was uploaded."""

    id: str
    """The id of the file."""

    metadata: dict[str, Any]
    """The metadata given at upload."""

    size: int
    """The size in bytes."""

    urls: FileUrls
    """URLs about the file."""

    etag: str | None = UNSET
    """A tag that changes with the content."""

    expires_at: Timestamp | None = UNSET
    """When the file will be removed: 24 hours after its upload."""

    name: str | None = UNSET
    """The file's name."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .file_checksums import FileChecksums
        from .file_urls import FileUrls

        return {
            "checksums": FileChecksums.from_dict,
            "created_at": timestamp,
            "urls": FileUrls.from_dict,
            "expires_at": timestamp,
        }
