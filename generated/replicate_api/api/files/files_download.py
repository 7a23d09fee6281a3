"""The operation `files_download`: `GET /files/{file_id}/download`."""

from __future__ import annotations

from ... import types


def build_request(
    file_id: str,
    *,
    expiry: int,
    owner: str,
    signature: str,
) -> types.Request:
    """Download a file.

    Return the bytes of a file to whoever holds a signed link: owner, expiry and signature stand in for
    an API token.

    Parameters:
        file_id: The id of the file, as `files.create` answered it.
        expiry: When the link stops working, in seconds since 1970-01-01T00:00:00Z. Part of what
            is signed.
        owner: The user or organization that owns the file.
        signature: The signature over owner, file id and expiry, in base64. It takes the place
            of a token, so treat it as a secret.
    """
    return types.Request(
        "GET",
        f"/files/{types.segment('file_id', file_id)}/download",
        query=types.query(
            expiry=expiry,
            owner=owner,
            signature=signature,
        ),
        headers={"Accept": "*/*"},
    )


def parse_response(content: bytes) -> bytes:
    """Give the answer's bytes as they are."""
    return content
