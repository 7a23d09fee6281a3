"""The operation `models_examples_list`: `GET /models/{model_owner}/{model_name}/examples`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.prediction_page import PredictionPage


def build_request(
    model_owner: str,
    model_name: str,
) -> types.Request:
    """List a model's examples.

    List predictions that the model's owner saved as examples. The one shown first on the website is the
    model's `default_example`.

    Parameters:
        model_owner: The user or organization that owns the model: `acme` in `acme/hello-world`.
        model_name: The name of the model without its owner: `hello-world` in
            `acme/hello-world`.
    """
    return types.Request(
        "GET",
        f"/models/{types.segment('model_owner', model_owner)}/{types.segment('model_name', model_name)}/examples",
    )


def parse_response(content: bytes) -> PredictionPage:
    """Read the answer's JSON."""
    from ...models.prediction_page import PredictionPage

    return types.decode(content, PredictionPage.from_dict)
