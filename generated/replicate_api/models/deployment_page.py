"""What `DeploymentPage` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload, each

if TYPE_CHECKING:
    from .deployment import Deployment


@define(slots=False, kw_only=True, eq=False, repr=False)
class DeploymentPage(Payload):
    """A page of deployments."""

    next: str | None = UNSET
    """URL of the following page; null on the last one."""

    previous: str | None = UNSET
    """URL of the preceding page; null on the first one."""

    results: list[Deployment] | None = UNSET
    """The deployments of this page."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .deployment import Deployment

        return {
            "results": each(Deployment.from_dict),
        }
