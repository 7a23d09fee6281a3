"""What `ModelCreate` holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define

from ..types import UNSET, Payload

if TYPE_CHECKING:
    from .visibility import Visibility


@define(slots=False, kw_only=True, eq=False, repr=False)
class ModelCreate(Payload):
    """A model to create."""

    hardware: str
    """The hardware to run on: a `sku` of `hardware.list`."""

    name: str
    """The name of the model, unique within its owner."""

    owner: str
    """The user or organization that will own it; the API token must belong to the same."""

    visibility: Visibility | str
    """`public` for everyone; `private` for its owner alone."""

    cover_image_url: str | None = UNSET
    """URL of the picture shown for the model."""

    description: str | None = UNSET
    """What the model does, in a sentence."""

    github_url: str | None = UNSET
    """URL of the source code, on GitHub."""

    license_url: str | None = UNSET
    """URL of the license."""

    paper_url: str | None = UNSET
    """URL of the paper behind the model."""
