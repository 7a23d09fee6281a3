"""Names of version 2 that this version does not use itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from replicate._annotations import resolve_lazily
from replicate._http.libraries import httpx

if TYPE_CHECKING:
    from os import PathLike

ProxiesTypes: TypeAlias = str | httpx.URL | httpx.Proxy
"""Values that `httpx.Client(proxy=…)` accepts."""


@resolve_lazily
def get_path_url(path: object) -> str | None:
    """Return the URL of a file that a model made; None for anything else."""
    url = getattr(path, "url", None)
    return url if isinstance(url, str) else None


@resolve_lazily
def file_from_path(path: str | PathLike[str]) -> tuple[str, bytes]:
    """Return a file's name and content, as `files.create` accepts them. Raises OSError."""
    return Path(path).name, Path(path).read_bytes()
