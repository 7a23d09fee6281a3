"""What `TrainingPage` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload, each

if TYPE_CHECKING:
    from .training import Training


@define(slots=False, kw_only=True, eq=False, repr=False)
class TrainingPage(Payload):
    """A page of trainings."""

    next: str | None = UNSET
    """URL of the following page; null on the last one."""

    previous: str | None = UNSET
    """URL of the preceding page; null on the first one."""

    results: list[Training] | None = UNSET
    """The trainings of this page, newest first."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .training import Training

        return {
            "results": each(Training.from_dict),
        }
