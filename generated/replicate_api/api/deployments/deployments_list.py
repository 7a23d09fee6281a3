"""The operation `deployments_list`: `GET /deployments`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.deployment_page import DeploymentPage


def build_request() -> types.Request:
    """List deployments.

    List the deployments of the account, each with its current release.
    """
    return types.Request(
        "GET",
        "/deployments",
    )


def parse_response(content: bytes) -> DeploymentPage:
    """Read the answer's JSON."""
    from ...models.deployment_page import DeploymentPage

    return types.decode(content, DeploymentPage.from_dict)
