"""The operation `models_predictions_create`: `POST /models/{model_owner}/{model_name}/predictions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ... import types

if TYPE_CHECKING:
    from ...models.prediction import Prediction
    from ...models.prediction_request import PredictionRequest


def build_request(
    model_owner: str,
    model_name: str,
    *,
    body: PredictionRequest | Mapping[str, Any],
    cancel_after: str | None = types.UNSET,
    prefer: str | None = types.UNSET,
) -> types.Request:
    """Create a prediction on an official model.

    Run an official model, which needs no version: the newest is always used and the price is
    predictable. Other models answer 404 here; run those with `predictions.create`.

    Send `Prefer: wait` to hold the request open for a result. Otherwise read the prediction again with
    `predictions.get`, follow `urls.stream`, or name a `webhook`. Input, output, logs and files are
    removed one hour after the prediction ended: save what you need.

    Sending this request twice creates, and bills, two predictions.

    Parameters:
        model_owner: The user or organization that owns the model: `acme` in `acme/hello-world`.
        model_name: The name of the model without its owner: `hello-world` in
            `acme/hello-world`.
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
        f"/models/{types.segment('model_owner', model_owner)}/{types.segment('model_name', model_name)}/predictions",
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
