"""What `SearchResults` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import Payload, each

if TYPE_CHECKING:
    from .searched_collection import SearchedCollection
    from .searched_model import SearchedModel
    from .searched_page import SearchedPage


@define(slots=False, kw_only=True, eq=False, repr=False)
class SearchResults(Payload):
    """What matched a search."""

    collections: list[SearchedCollection]
    """Collections that match."""

    models: list[SearchedModel]
    """Models that match, the best first."""

    pages: list[SearchedPage]
    """Documentation pages that match."""

    query: str
    """The query that was searched for."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .searched_collection import SearchedCollection
        from .searched_model import SearchedModel
        from .searched_page import SearchedPage

        return {
            "collections": each(SearchedCollection.from_dict),
            "models": each(SearchedModel.from_dict),
            "pages": each(SearchedPage.from_dict),
        }
