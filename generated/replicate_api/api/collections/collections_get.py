"""The operation `collections_get`: `GET /collections/{collection_slug}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.collection import Collection


def build_request(
    collection_slug: str,
) -> types.Request:
    """Get a collection.

    Return a collection together with its models.

    Parameters:
        collection_slug: The short name of the collection in its URL, such as
            `super-resolution`.
    """
    return types.Request(
        "GET",
        f"/collections/{types.segment('collection_slug', collection_slug)}",
    )


def parse_response(content: bytes) -> Collection:
    """Read the answer's JSON."""
    from ...models.collection import Collection

    return types.decode(content, Collection.from_dict)
