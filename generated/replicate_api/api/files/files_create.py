"""The operation `files_create`: `POST /files`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ... import types

if TYPE_CHECKING:
    from ...models.file import File
    from ...models.file_create import FileCreate


def build_request(
    *,
    body: FileCreate | Mapping[str, Any],
) -> types.Request:
    """Upload a file.

    Store a file of at most 100 MiB so that predictions can read it: pass the answered `urls.get` where
    a model takes a file. It expires after 24 hours. A file of up to 256 kB can also be given to a model
    directly, as a `data:` URL.
    """
    return types.Request(
        "POST",
        "/files",
        parts=types.multipart(body),
    )


def parse_response(content: bytes) -> File:
    """Read the answer's JSON."""
    from ...models.file import File

    return types.decode(content, File.from_dict)
