"""The operation `files_get`: `GET /files/{file_id}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.file import File


def build_request(
    file_id: str,
) -> types.Request:
    """Get a file.

    Return what is known about a file: size, type, checksums, expiry. The bytes are not included.

    Parameters:
        file_id: The id of the file, as `files.create` answered it.
    """
    return types.Request(
        "GET",
        f"/files/{types.segment('file_id', file_id)}",
    )


def parse_response(content: bytes) -> File:
    """Read the answer's JSON."""
    from ...models.file import File

    return types.decode(content, File.from_dict)
