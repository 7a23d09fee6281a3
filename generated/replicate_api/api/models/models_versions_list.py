"""The operation `models_versions_list`: `GET /models/{model_owner}/{model_name}/versions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.version_page import VersionPage


def build_request(
    model_owner: str,
    model_name: str,
) -> types.Request:
    """List a model's versions.

    List the versions of a model, newest first. Official models keep theirs to themselves and answer 404
    or nothing.

    Parameters:
        model_owner: The user or organization that owns the model: `acme` in `acme/hello-world`.
        model_name: The name of the model without its owner: `hello-world` in
            `acme/hello-world`.
    """
    return types.Request(
        "GET",
        f"/models/{types.segment('model_owner', model_owner)}/{types.segment('model_name', model_name)}/versions",
    )


def parse_response(content: bytes) -> VersionPage:
    """Read the answer's JSON."""
    from ...models.version_page import VersionPage

    return types.decode(content, VersionPage.from_dict)
