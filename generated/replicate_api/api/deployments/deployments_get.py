"""The operation `deployments_get`: `GET /deployments/{deployment_owner}/{deployment_name}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.deployment import Deployment


def build_request(
    deployment_owner: str,
    deployment_name: str,
) -> types.Request:
    """Get a deployment.

    Return a deployment with its current release.

    Parameters:
        deployment_owner: The user or organization that owns the deployment.
        deployment_name: The name of the deployment, unique within its owner.
    """
    return types.Request(
        "GET",
        f"/deployments/{types.segment('deployment_owner', deployment_owner)}/{types.segment('deployment_name', deployment_name)}",
    )


def parse_response(content: bytes) -> Deployment:
    """Read the answer's JSON."""
    from ...models.deployment import Deployment

    return types.decode(content, Deployment.from_dict)
