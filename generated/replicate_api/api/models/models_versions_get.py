"""The operation `models_versions_get`: `GET /models/{model_owner}/{model_name}/versions/{version_id}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.version import Version


def build_request(
    model_owner: str,
    model_name: str,
    version_id: str,
) -> types.Request:
    """Get a version.

    Return a version with the schema of its input and output.

    Parameters:
        model_owner: The user or organization that owns the model: `acme` in `acme/hello-world`.
        model_name: The name of the model without its owner: `hello-world` in
            `acme/hello-world`.
        version_id: The id of the version: 64 hexadecimal characters.
    """
    return types.Request(
        "GET",
        f"/models/{types.segment('model_owner', model_owner)}/{types.segment('model_name', model_name)}/versions/{types.segment('version_id', version_id)}",
    )


def parse_response(content: bytes) -> Version:
    """Read the answer's JSON."""
    from ...models.version import Version

    return types.decode(content, Version.from_dict)
