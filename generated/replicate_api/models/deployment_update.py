"""What `DeploymentUpdate` holds."""

from __future__ import annotations

from attrs import define

from ..types import UNSET, Payload


@define(slots=False, kw_only=True, eq=False, repr=False)
class DeploymentUpdate(Payload):
    """What to change about a deployment."""

    hardware: str | None = UNSET
    """The hardware to run on: a `sku` of `hardware.list`."""

    max_instances: int | None = UNSET
    """Machines to scale up to under load."""

    min_instances: int | None = UNSET
    """Machines kept running without any work. 0 saves money and costs a cold start."""

    version: str | None = UNSET
    """The id of the version to deploy: 64 hexadecimal characters."""
