"""What `SearchedModelMetadata` holds."""

from __future__ import annotations

from attrs import define

from ..types import UNSET, AttributeDict


@define(slots=False, kw_only=True, eq=False, repr=False)
class SearchedModelMetadata(AttributeDict):
    """How a model matched a search, and what is known about it beyond its own words."""

    generated_description: str | None = UNSET
    """A longer description, written by a language model."""

    score: float | None = UNSET
    """How well the model matches the query; higher is better."""

    tags: list[str] | None = UNSET
    """Keywords."""
