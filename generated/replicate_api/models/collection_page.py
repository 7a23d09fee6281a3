"""What `CollectionPage` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload, each

if TYPE_CHECKING:
    from .collection_item import CollectionItem


@define(slots=False, kw_only=True, eq=False, repr=False)
class CollectionPage(Payload):
    """A page of collections."""

    next: str | None = UNSET
    """URL of the following page; null on the last one."""

    previous: str | None = UNSET
    """URL of the preceding page; null on the first one."""

    results: list[CollectionItem] | None = UNSET
    """The collections of this page."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .collection_item import CollectionItem

        return {
            "results": each(CollectionItem.from_dict),
        }
