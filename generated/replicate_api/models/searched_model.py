"""What `SearchedModel` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import Payload

if TYPE_CHECKING:
    from .model import Model
    from .searched_model_metadata import SearchedModelMetadata


@define(slots=False, kw_only=True, eq=False, repr=False)
class SearchedModel(Payload):
    """A model that matched, and how."""

    metadata: SearchedModelMetadata
    """How a model matched a search, and what is known about it beyond its own words."""

    model: Model
    """A machine learning model."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .model import Model
        from .searched_model_metadata import SearchedModelMetadata

        return {
            "metadata": SearchedModelMetadata.from_dict,
            "model": Model.from_dict,
        }
