"""What `ModelUpdate` holds."""

from __future__ import annotations

from attrs import define

from ..types import UNSET, Payload


@define(slots=False, kw_only=True, eq=False, repr=False)
class ModelUpdate(Payload):
    """What to change about a model."""

    description: str | None = UNSET
    """What the model does, in a sentence."""

    github_url: str | None = UNSET
    """URL of the source code, on GitHub."""

    license_url: str | None = UNSET
    """URL of the license."""

    paper_url: str | None = UNSET
    """URL of the paper behind the model."""

    readme: str | None = UNSET
    """The readme, as Markdown."""

    weights_url: str | None = UNSET
    """URL of the model's weights."""
