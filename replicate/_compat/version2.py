"""What version 2 offered and this version has no other use for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from replicate._annotations import deferred
from replicate._http.libraries import httpx

if TYPE_CHECKING:
    from os import PathLike

ProxiesTypes: TypeAlias = str | httpx.URL | httpx.Proxy
"""What `httpx.Client(proxy=…)` takes."""


@deferred
def get_path_url(path: object) -> str | None:
    """Give the URL of a file that a model made; None for anything else, which has none."""
    url = getattr(path, "url", None)
    return url if isinstance(url, str) else None


@deferred
def file_from_path(path: str | PathLike[str]) -> tuple[str, bytes]:
    """Give a file's name and content, as `files.create` takes them. Raises OSError."""
    return Path(path).name, Path(path).read_bytes()
