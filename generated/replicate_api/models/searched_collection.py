"""What `SearchedCollection` holds."""

from __future__ import annotations

from attrs import define

from ..types import UNSET, Payload


@define(slots=False, kw_only=True, eq=False, repr=False)
class SearchedCollection(Payload):
    """A collection that matched a search."""

    description: str
    """What the models of the collection are for."""

    name: str
    """The name to display."""

    slug: str
    """The short name in its URL; `collections.get` takes it."""

    models: list[str] | None = UNSET
    """The models of the collection, as `owner/name`."""
