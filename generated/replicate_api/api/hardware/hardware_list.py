"""The operation `hardware_list`: `GET /hardware`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.hardware import Hardware


def build_request() -> types.Request:
    """List hardware.

    List the hardware that models and deployments can run on.
    """
    return types.Request(
        "GET",
        "/hardware",
    )


def parse_response(content: bytes) -> list[Hardware]:
    """Read the answer's JSON."""
    from ...models.hardware import Hardware

    return types.decode(content, types.each(Hardware.from_dict))
