"""The operation `models_list`: `GET /models`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.model_page import ModelPage
    from ...models.model_sort import ModelSort
    from ...models.sort_direction import SortDirection


def build_request(
    *,
    sort_by: ModelSort | None = types.UNSET,
    sort_direction: SortDirection | None = types.UNSET,
) -> types.Request:
    """List models.

    List public models, a page at a time.

    Parameters:
        sort_by: The date to sort by: that of the model, or that of its newest version.
        sort_direction: `asc` for oldest first, `desc` for newest first.
    """
    return types.Request(
        "GET",
        "/models",
        query=types.query(
            sort_by=sort_by,
            sort_direction=sort_direction,
        ),
    )


def parse_response(content: bytes) -> ModelPage:
    """Read the answer's JSON."""
    from ...models.model_page import ModelPage

    return types.decode(content, ModelPage.from_dict)
