"""The operation `deployments_create`: `POST /deployments`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ... import types

if TYPE_CHECKING:
    from ...models.deployment import Deployment
    from ...models.deployment_create import DeploymentCreate


def build_request(
    *,
    body: DeploymentCreate | Mapping[str, Any],
) -> types.Request:
    """Create a deployment.

    Give one version of a model a private endpoint with machines of its own, and with it control over
    hardware and scaling. While `min_instances` is above 0 machines run, and are billed, even without
    any prediction.
    """
    return types.Request(
        "POST",
        "/deployments",
        json=types.plain(body),
    )


def parse_response(content: bytes) -> Deployment:
    """Read the answer's JSON."""
    from ...models.deployment import Deployment

    return types.decode(content, Deployment.from_dict)
