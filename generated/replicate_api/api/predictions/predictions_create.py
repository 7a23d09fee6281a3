"""The operation `predictions_create`: `POST /predictions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ... import types

if TYPE_CHECKING:
    from ...models.prediction import Prediction
    from ...models.version_prediction_request import VersionPredictionRequest


def build_request(
    *,
    body: VersionPredictionRequest | Mapping[str, Any],
    cancel_after: str | None = types.UNSET,
    prefer: str | None = types.UNSET,
) -> types.Request:
    """Create a prediction.

    Run a model on an input. `version` says what to run: a version, or an official model by its name.

    Send `Prefer: wait` to hold the request open for a result. Otherwise read the prediction again with
    `predictions.get`, follow `urls.stream`, or name a `webhook`. Input, output, logs and files are
    removed one hour after the prediction ended: save what you need.

    Sending this request twice creates, and bills, two predictions.

    Parameters:
        cancel_after: Cancel the prediction by itself once this much time has passed since it
            was created: a number and a unit, such as `90s` or `5m`. A prediction that had not
            started by then becomes `aborted`, which costs nothing on a public model; one that was
            running becomes `canceled` and is billed for the time it ran. The moment is answered as
            `deadline`.
        prefer: Hold the request open until the prediction has finished: `wait` for up to 60
            seconds, `wait=N` for up to N seconds (1 to 60). When the time is up the prediction is
            answered as it stands, `starting` or `processing`, and goes on running. The answer's
            `Preference-Applied` header confirms the wait. Without this header the answer comes at
            once. This bounds the request, not the prediction: for the latter use `Cancel-After`.
    """
    return types.Request(
        "POST",
        "/predictions",
        headers=types.headers(
            {
                "Cancel-After": cancel_after,
                "Prefer": prefer,
            }
        ),
        json=types.plain(body),
    )


def parse_response(content: bytes) -> Prediction:
    """Read the answer's JSON."""
    from ...models.prediction import Prediction

    return types.decode(content, Prediction.from_dict)
