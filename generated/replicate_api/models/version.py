"""What `Version` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define

from ..types import UNSET, Payload, Timestamp, timestamp


@define(slots=False, kw_only=True, eq=False, repr=False)
class Version(Payload):
    """One build of a model."""

    cog_version: str | None = UNSET
    """The version of Cog, the packaging tool, that built it."""

    created_at: Timestamp | None = UNSET
    """When it was pushed."""

    id: str | None = UNSET
    """The id of the version: 64 hexadecimal characters."""

    openapi_schema: dict[str, Any] | None = UNSET
    """An OpenAPI document that describes the version; `components.schemas` has `Input` and `Output`."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:

        return {
            "created_at": timestamp,
        }
