"""The operation `models_versions_delete`: `DELETE /models/{model_owner}/{model_name}/versions/{version_id}`."""

from __future__ import annotations

from ... import types


def build_request(
    model_owner: str,
    model_name: str,
    version_id: str,
) -> types.Request:
    """Delete a version.

    Delete a version with all its predictions and output files. The model must be yours and private, and
    the version must not be in use: not run by anybody else, not deployed, not the base of a training.

    Parameters:
        model_owner: The user or organization that owns the model: `acme` in `acme/hello-world`.
        model_name: The name of the model without its owner: `hello-world` in
            `acme/hello-world`.
        version_id: The id of the version: 64 hexadecimal characters.
    """
    return types.Request(
        "DELETE",
        f"/models/{types.segment('model_owner', model_owner)}/{types.segment('model_name', model_name)}/versions/{types.segment('version_id', version_id)}",
    )


def parse_response(content: bytes) -> None:
    """Ignore the content: the operation answers with none."""
