"""The operation `models_get`: `GET /models/{model_owner}/{model_name}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.model import Model


def build_request(
    model_owner: str,
    model_name: str,
) -> types.Request:
    """Get a model.

    Return a model with its newest version and that version's schema.

    Parameters:
        model_owner: The user or organization that owns the model: `acme` in `acme/hello-world`.
        model_name: The name of the model without its owner: `hello-world` in
            `acme/hello-world`.
    """
    return types.Request(
        "GET",
        f"/models/{types.segment('model_owner', model_owner)}/{types.segment('model_name', model_name)}",
    )


def parse_response(content: bytes) -> Model:
    """Read the answer's JSON."""
    from ...models.model import Model

    return types.decode(content, Model.from_dict)
