"""The operation `trainings_cancel`: `POST /trainings/{training_id}/cancel`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.training import Training


def build_request(
    training_id: str,
) -> types.Request:
    """Cancel a training.

    Stop a training. The time that it ran is billed.

    Parameters:
        training_id: The id of the training.
    """
    return types.Request(
        "POST",
        f"/trainings/{types.segment('training_id', training_id)}/cancel",
    )


def parse_response(content: bytes) -> Training:
    """Read the answer's JSON."""
    from ...models.training import Training

    return types.decode(content, Training.from_dict)
