"""What `DeploymentRelease` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload, Timestamp, timestamp

if TYPE_CHECKING:
    from .account import Account
    from .deployment_configuration import DeploymentConfiguration


@define(slots=False, kw_only=True, eq=False, repr=False)
class DeploymentRelease(Payload):
    """What the deployment runs now."""

    configuration: DeploymentConfiguration | None = UNSET
    """Hardware and scaling."""

    created_at: Timestamp | None = UNSET
    """When this release was made."""

    created_by: Account | None = UNSET
    """A user or an organization."""

    model: str | None = UNSET
    """The deployed model, as `owner/name`."""

    number: int | None = UNSET
    """The number of this release; it grows by one with each change."""

    version: str | None = UNSET
    """The id of the deployed version."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .account import Account
        from .deployment_configuration import DeploymentConfiguration

        return {
            "configuration": DeploymentConfiguration.from_dict,
            "created_at": timestamp,
            "created_by": Account.from_dict,
        }
