"""The operation `files_list`: `GET /files`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.file_page import FilePage


def build_request() -> types.Request:
    """List files.

    List the files that the account has uploaded and that have not expired.
    """
    return types.Request(
        "GET",
        "/files",
    )


def parse_response(content: bytes) -> FilePage:
    """Read the answer's JSON."""
    from ...models.file_page import FilePage

    return types.decode(content, FilePage.from_dict)
