"""Search over models, collections and documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from replicate._dual.colours import C
from replicate._objects.resource import Resource
from replicate.resources.models import Model
from replicate_api import models

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class SearchedModel(Resource[C], models.SearchedModel):
    """A model that was found, and the search's metadata about it."""

    _nested: ClassVar[Mapping[str, Callable[[Any, Any], Any]]] = {"model": Model[Any].bind}
    model: Model[C]  # pyright: ignore[reportIncompatibleVariableOverride]  # the same, but bound


class SearchResults(Resource[C], models.SearchResults):
    """Search results: `models`, `collections` and `pages` of the documentation."""

    _nested: ClassVar[Mapping[str, Callable[[Any, Any], Any]]] = {"models": SearchedModel[Any].bind}
    models: list[SearchedModel[C]]  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]
