"""What `CollectionItem` holds."""

from __future__ import annotations

from attrs import define

from ..types import Payload


@define(slots=False, kw_only=True, eq=False, repr=False)
class CollectionItem(Payload):
    """A collection as lists show it, without its models."""

    description: str
    """What the models of the collection are for."""

    name: str
    """The name to display."""

    slug: str
    """The short name in its URL; `collections.get` takes it."""
