"""What `FilePage` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload, each

if TYPE_CHECKING:
    from .file import File


@define(slots=False, kw_only=True, eq=False, repr=False)
class FilePage(Payload):
    """A page of files."""

    next: str | None = UNSET
    """URL of the following page; null on the last one."""

    previous: str | None = UNSET
    """URL of the preceding page; null on the first one."""

    results: list[File] | None = UNSET
    """The files of this page."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .file import File

        return {
            "results": each(File.from_dict),
        }
