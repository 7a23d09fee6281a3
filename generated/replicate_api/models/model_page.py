"""What `ModelPage` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload, each

if TYPE_CHECKING:
    from .model import Model


@define(slots=False, kw_only=True, eq=False, repr=False)
class ModelPage(Payload):
    """A page of models."""

    next: str | None = UNSET
    """URL of the following page; null on the last one."""

    previous: str | None = UNSET
    """URL of the preceding page; null on the first one."""

    results: list[Model] | None = UNSET
    """The models of this page."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .model import Model

        return {
            "results": each(Model.from_dict),
        }
