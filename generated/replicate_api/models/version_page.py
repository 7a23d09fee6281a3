"""What `VersionPage` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload, each

if TYPE_CHECKING:
    from .version import Version


@define(slots=False, kw_only=True, eq=False, repr=False)
class VersionPage(Payload):
    """A page of versions."""

    next: str | None = UNSET
    """URL of the following page; null on the last one."""

    previous: str | None = UNSET
    """URL of the preceding page; null on the first one."""

    results: list[Version] | None = UNSET
    """The versions of this page, newest first."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .version import Version

        return {
            "results": each(Version.from_dict),
        }
