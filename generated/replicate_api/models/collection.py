"""What `Collection` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload, each

if TYPE_CHECKING:
    from .model import Model


@define(slots=False, kw_only=True, eq=False, repr=False)
class Collection(Payload):
    """A collection of models for one kind of task."""

    description: str
    """What the models of the collection are for."""

    models: list[Model]
    """The models of the collection."""

    name: str
    """The name to display."""

    slug: str
    """The short name in its URL."""

    full_description: str | None = UNSET
    """The long description, as Markdown."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .model import Model

        return {
            "models": each(Model.from_dict),
        }
