"""Searching models, collections and documentation at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from replicate._dual.colours import C
from replicate._objects.resource import Resource
from replicate.resources.models import Model
from replicate_api import models

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class SearchedModel(Resource[C], models.SearchedModel):
    """A model that was found, and what the search knows of it."""

    _nested: ClassVar[Mapping[str, Callable[[Any, Any], Any]]] = {"model": Model[Any].bind}
    model: Model[C]  # pyright: ignore[reportIncompatibleVariableOverride]  # as elsewhere, but bound


class SearchResults(Resource[C], models.SearchResults):
    """What was found: `models`, `collections` and `pages` of the documentation."""

    _nested: ClassVar[Mapping[str, Callable[[Any, Any], Any]]] = {"models": SearchedModel[Any].bind}
    models: list[SearchedModel[C]]  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]
