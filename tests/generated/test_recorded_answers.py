"""Recorded responses of the real API are read without losing anything."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from replicate_api import types
from replicate_api.api.collections import collections_list
from replicate_api.api.files import files_create, files_get, files_list
from replicate_api.api.hardware import hardware_list
from replicate_api.api.models import models_get, models_versions_get
from replicate_api.api.predictions import predictions_get
from replicate_api.api.trainings import trainings_get

RECORDED = Path(__file__).parents[3] / "shared" / "recorded"
PARSERS: dict[str, Any] = {  # by method and path after /v1, with * for an id
    "GET collections": collections_list,
    "GET files": files_list,
    "GET files/*": files_get,
    "GET hardware": hardware_list,
    "GET models/*/*": models_get,
    "GET models/*/*/versions/*": models_versions_get,
    "GET predictions/*": predictions_get,
    "GET trainings/*": trainings_get,
    "POST files": files_create,
    "POST models": models_get,
    "POST models/*/*/predictions": predictions_get,
    "POST models/*/*/versions/*/trainings": trainings_get,
    "POST predictions": predictions_get,
    "POST predictions/*/cancel": predictions_get,
    "POST trainings/*/cancel": trainings_get,
}
WORDS = {word for key in PARSERS for word in key.split()[1].split("/")}

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not here")


def answers() -> list[Any]:
    """Return each recorded JSON response with the endpoint that reads it."""
    found = []
    for file in sorted(RECORDED.glob("*.yaml")):
        for number, exchange in enumerate(yaml.safe_load(file.read_text(encoding="utf-8"))["interactions"]):
            request, response = exchange["request"], exchange["response"]
            status = response.get("status_code") or response["status"]["code"]
            content = response.get("content") or response.get("body", {}).get("string") or b""
            content = content.encode() if isinstance(content, str) else content
            content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
            steps = request["uri"].partition("/v1/")[2].split("?")[0].split("/")
            key = f"{request['method']} {'/'.join(step if step in WORDS else '*' for step in steps)}"
            if status < 300 and key in PARSERS and content:
                found.append(pytest.param(PARSERS[key], content, id=f"{file.stem}-{number}"))
    return found


@pytest.mark.parametrize(("endpoint", "content"), answers())
def test_a_recorded_response_is_read_completely(endpoint: Any, content: bytes) -> None:
    """Every field becomes an attribute, and is written again unchanged, except for the format of times."""
    sent = json.loads(content)
    read = endpoint.parse_response(content)
    compare(sent, types.plain(read))
    for item in read if isinstance(read, list) else [read]:
        assert item.additional_properties.keys() <= {"stream"}


def compare(sent: Any, written: Any) -> None:
    """Assert that two JSON values are equal, except for the format of times."""
    if isinstance(sent, dict):
        assert sent.keys() == written.keys()
        for key in sent:
            compare(sent[key], written[key])
    elif isinstance(sent, list):
        assert len(sent) == len(written)
        for one, other in zip(sent, written, strict=True):
            compare(one, other)
    elif sent != written:
        assert types.timestamp(sent) == types.timestamp(written)
