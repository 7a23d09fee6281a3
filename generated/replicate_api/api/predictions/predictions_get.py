"""The operation `predictions_get`: `GET /predictions/{prediction_id}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.prediction import Prediction


def build_request(
    prediction_id: str,
) -> types.Request:
    """Get a prediction.

    Return a prediction as it stands. It has ended when its status is `succeeded`, `failed`, `canceled`
    or `aborted`.

    Parameters:
        prediction_id: The id of the prediction.
    """
    return types.Request(
        "GET",
        f"/predictions/{types.segment('prediction_id', prediction_id)}",
    )


def parse_response(content: bytes) -> Prediction:
    """Read the answer's JSON."""
    from ...models.prediction import Prediction

    return types.decode(content, Prediction.from_dict)
