"""What `Deployment` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload

if TYPE_CHECKING:
    from .deployment_release import DeploymentRelease


@define(slots=False, kw_only=True, eq=False, repr=False)
class Deployment(Payload):
    """A private endpoint for one model, with machines of its own."""

    current_release: DeploymentRelease | None = UNSET
    """What the deployment runs now."""

    name: str | None = UNSET
    """The name of the deployment, unique within its owner."""

    owner: str | None = UNSET
    """The user or organization that owns the deployment."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .deployment_release import DeploymentRelease

        return {
            "current_release": DeploymentRelease.from_dict,
        }
