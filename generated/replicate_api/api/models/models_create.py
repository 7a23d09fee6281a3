"""The operation `models_create`: `POST /models`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ... import types

if TYPE_CHECKING:
    from ...models.model import Model
    from ...models.model_create import ModelCreate


def build_request(
    *,
    body: ModelCreate | Mapping[str, Any],
) -> types.Request:
    """Create a model.

    Create a model without a version; push versions to it, or name it as the destination of a training.
    An account can hold 1000 models, so prefer a new version to a new model.
    """
    return types.Request(
        "POST",
        "/models",
        json=types.plain(body),
    )


def parse_response(content: bytes) -> Model:
    """Read the answer's JSON."""
    from ...models.model import Model

    return types.decode(content, Model.from_dict)
