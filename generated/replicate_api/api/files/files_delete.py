"""The operation `files_delete`: `DELETE /files/{file_id}`."""

from __future__ import annotations

from ... import types


def build_request(
    file_id: str,
) -> types.Request:
    """Delete a file.

    Delete a file before it expires. Predictions can no longer read it.

    Parameters:
        file_id: The id of the file, as `files.create` answered it.
    """
    return types.Request(
        "DELETE",
        f"/files/{types.segment('file_id', file_id)}",
    )


def parse_response(content: bytes) -> None:
    """Ignore the content: the operation answers with none."""
