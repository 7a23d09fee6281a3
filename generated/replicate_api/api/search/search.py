"""The operation `search`: `GET /search`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.search_results import SearchResults


def build_request(
    *,
    query: str,
    limit: int | None = types.UNSET,
) -> types.Request:
    """Search.

    Search public models, collections and documentation pages at once. This operation is in beta and may
    change.

    Parameters:
        query: What to look for, in plain words.
        limit: How many models to return at most.
    """
    return types.Request(
        "GET",
        "/search",
        query=types.query(
            limit=limit,
            query=query,
        ),
    )


def parse_response(content: bytes) -> SearchResults:
    """Read the answer's JSON."""
    from ...models.search_results import SearchResults

    return types.decode(content, SearchResults.from_dict)
