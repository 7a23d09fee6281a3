"""What `DeploymentCreate` holds."""

from __future__ import annotations

from attrs import define

from ..types import Payload


@define(slots=False, kw_only=True, eq=False, repr=False)
class DeploymentCreate(Payload):
    """What a new deployment runs, and on what."""

    hardware: str
    """The hardware to run on: a `sku` of `hardware.list`."""

    max_instances: int
    """Machines to scale up to under load."""

    min_instances: int
    """Machines kept running without any work. 0 saves money and costs a cold start."""

    model: str
    """The model to deploy, as `owner/name`."""

    name: str
    """The name of the deployment, unique within its owner."""

    version: str
    """The id of the version to deploy: 64 hexadecimal characters."""
