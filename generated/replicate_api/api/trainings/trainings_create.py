"""The operation `trainings_create`: `POST /models/{model_owner}/{model_name}/versions/{version_id}/trainings`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ... import types

if TYPE_CHECKING:
    from ...models.training import Training
    from ...models.training_request import TrainingRequest


def build_request(
    model_owner: str,
    model_name: str,
    version_id: str,
    *,
    body: TrainingRequest | Mapping[str, Any],
) -> types.Request:
    """Create a training.

    Train a model: run the training of this version on your data. When it succeeds, `destination` has a
    new version. Trainings take minutes to hours, so name a `webhook`, or read the training again with
    `trainings.get`.

    Sending this request twice creates, and bills, two trainings.

    Parameters:
        model_owner: The user or organization that owns the model: `acme` in `acme/hello-world`.
        model_name: The name of the model without its owner: `hello-world` in
            `acme/hello-world`.
        version_id: The id of the version: 64 hexadecimal characters.
    """
    return types.Request(
        "POST",
        f"/models/{types.segment('model_owner', model_owner)}/{types.segment('model_name', model_name)}/versions/{types.segment('version_id', version_id)}/trainings",
        json=types.plain(body),
    )


def parse_response(content: bytes) -> Training:
    """Read the answer's JSON."""
    from ...models.training import Training

    return types.decode(content, Training.from_dict)
