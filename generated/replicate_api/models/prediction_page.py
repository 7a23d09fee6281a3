"""What `PredictionPage` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload, each

if TYPE_CHECKING:
    from .prediction import Prediction


@define(slots=False, kw_only=True, eq=False, repr=False)
class PredictionPage(Payload):
    """A page of predictions."""

    next: str | None = UNSET
    """URL of the following page; null on the last one."""

    previous: str | None = UNSET
    """URL of the preceding page; null on the first one."""

    results: list[Prediction] | None = UNSET
    """The predictions of this page."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .prediction import Prediction

        return {
            "results": each(Prediction.from_dict),
        }
