"""The operation `deployments_delete`: `DELETE /deployments/{deployment_owner}/{deployment_name}`."""

from __future__ import annotations

from ... import types


def build_request(
    deployment_owner: str,
    deployment_name: str,
) -> types.Request:
    """Delete a deployment.

    Delete a deployment. It must have been offline and unused for 15 minutes: set `min_instances` to 0,
    and wait.

    Parameters:
        deployment_owner: The user or organization that owns the deployment.
        deployment_name: The name of the deployment, unique within its owner.
    """
    return types.Request(
        "DELETE",
        f"/deployments/{types.segment('deployment_owner', deployment_owner)}/{types.segment('deployment_name', deployment_name)}",
    )


def parse_response(content: bytes) -> None:
    """Ignore the content: the operation answers with none."""
