"""The operation `predictions_cancel`: `POST /predictions/{prediction_id}/cancel`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.prediction import Prediction


def build_request(
    prediction_id: str,
) -> types.Request:
    """Cancel a prediction.

    Stop a prediction. The time that it ran is billed.

    Parameters:
        prediction_id: The id of the prediction.
    """
    return types.Request(
        "POST",
        f"/predictions/{types.segment('prediction_id', prediction_id)}/cancel",
    )


def parse_response(content: bytes) -> Prediction:
    """Read the answer's JSON."""
    from ...models.prediction import Prediction

    return types.decode(content, Prediction.from_dict)
