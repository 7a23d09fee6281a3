"""The operation `collections_list`: `GET /collections`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.collection_page import CollectionPage


def build_request() -> types.Request:
    """List collections.

    List the collections: models for one kind of task, picked by hand.
    """
    return types.Request(
        "GET",
        "/collections",
    )


def parse_response(content: bytes) -> CollectionPage:
    """Read the answer's JSON."""
    from ...models.collection_page import CollectionPage

    return types.decode(content, CollectionPage.from_dict)
