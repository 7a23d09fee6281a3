"""The operation `models_delete`: `DELETE /models/{model_owner}/{model_name}`."""

from __future__ import annotations

from ... import types


def build_request(
    model_owner: str,
    model_name: str,
) -> types.Request:
    """Delete a model.

    Delete a model. It must be yours, private, and have no version left: delete those first.

    Parameters:
        model_owner: The user or organization that owns the model: `acme` in `acme/hello-world`.
        model_name: The name of the model without its owner: `hello-world` in
            `acme/hello-world`.
    """
    return types.Request(
        "DELETE",
        f"/models/{types.segment('model_owner', model_owner)}/{types.segment('model_name', model_name)}",
    )


def parse_response(content: bytes) -> None:
    """Ignore the content: the operation answers with none."""
