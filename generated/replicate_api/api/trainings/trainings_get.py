"""The operation `trainings_get`: `GET /trainings/{training_id}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.training import Training


def build_request(
    training_id: str,
) -> types.Request:
    """Get a training.

    Return a training as it stands. It has ended when its status is `succeeded`, `failed`, `canceled` or
    `aborted`.

    Parameters:
        training_id: The id of the training.
    """
    return types.Request(
        "GET",
        f"/trainings/{types.segment('training_id', training_id)}",
    )


def parse_response(content: bytes) -> Training:
    """Read the answer's JSON."""
    from ...models.training import Training

    return types.decode(content, Training.from_dict)
