"""The operation `models_update`: `PATCH /models/{model_owner}/{model_name}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ... import types

if TYPE_CHECKING:
    from ...models.model import Model
    from ...models.model_update import ModelUpdate


def build_request(
    model_owner: str,
    model_name: str,
    *,
    body: ModelUpdate | Mapping[str, Any] = types.UNSET,
) -> types.Request:
    """Update a model.

    Change how a model is described.

    Parameters:
        model_owner: The user or organization that owns the model: `acme` in `acme/hello-world`.
        model_name: The name of the model without its owner: `hello-world` in
            `acme/hello-world`.
    """
    return types.Request(
        "PATCH",
        f"/models/{types.segment('model_owner', model_owner)}/{types.segment('model_name', model_name)}",
        json=types.plain(body),
    )


def parse_response(content: bytes) -> Model:
    """Read the answer's JSON."""
    from ...models.model import Model

    return types.decode(content, Model.from_dict)
