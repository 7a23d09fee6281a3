"""The operation `models_readme_get`: `GET /models/{model_owner}/{model_name}/readme`."""

from __future__ import annotations

from ... import types


def build_request(
    model_owner: str,
    model_name: str,
) -> types.Request:
    """Get a model's readme.

    Return the readme of a model as Markdown text.

    Parameters:
        model_owner: The user or organization that owns the model: `acme` in `acme/hello-world`.
        model_name: The name of the model without its owner: `hello-world` in
            `acme/hello-world`.
    """
    return types.Request(
        "GET",
        f"/models/{types.segment('model_owner', model_owner)}/{types.segment('model_name', model_name)}/readme",
        headers={"Accept": "text/plain"},
    )


def parse_response(content: bytes) -> str:
    """Read the answer's text."""
    return content.decode("utf-8", "replace")
