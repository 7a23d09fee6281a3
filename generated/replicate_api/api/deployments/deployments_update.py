"""The operation `deployments_update`: `PATCH /deployments/{deployment_owner}/{deployment_name}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ... import types

if TYPE_CHECKING:
    from ...models.deployment import Deployment
    from ...models.deployment_update import DeploymentUpdate


def build_request(
    deployment_owner: str,
    deployment_name: str,
    *,
    body: DeploymentUpdate | Mapping[str, Any] = types.UNSET,
) -> types.Request:
    """Update a deployment.

    Change the version, the hardware or the scaling of a deployment. Each change makes a new release,
    whose number is one higher.

    Parameters:
        deployment_owner: The user or organization that owns the deployment.
        deployment_name: The name of the deployment, unique within its owner.
    """
    return types.Request(
        "PATCH",
        f"/deployments/{types.segment('deployment_owner', deployment_owner)}/{types.segment('deployment_name', deployment_name)}",
        json=types.plain(body),
    )


def parse_response(content: bytes) -> Deployment:
    """Read the answer's JSON."""
    from ...models.deployment import Deployment

    return types.decode(content, Deployment.from_dict)
