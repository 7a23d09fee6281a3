"""What `DeploymentConfiguration` holds."""

from __future__ import annotations

from attrs import define

from ..types import UNSET, Payload


@define(slots=False, kw_only=True, eq=False, repr=False)
class DeploymentConfiguration(Payload):
    """Hardware and scaling."""

    hardware: str | None = UNSET
    """The `sku` of the hardware it runs on."""

    max_instances: int | None = UNSET
    """Machines to scale up to under load."""

    min_instances: int | None = UNSET
    """Machines kept running without any work. 0 saves money and costs a cold start."""
