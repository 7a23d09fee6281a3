"""Answers that the real API once gave are read without losing anything."""

from __future__ import annotations

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
PARSERS: dict[tuple[str, ...], Any] = {  # how a path goes on after /v1, with * for an id
    ("collections",): collections_list,
    ("hardware",): hardware_list,
    ("models",): models_get,
    ("models", "*", "*"): models_get,
    ("models", "*", "*", "versions", "*"): models_versions_get,
    ("models", "*", "*", "predictions"): predictions_get,
    ("models", "*", "*", "versions", "*", "trainings"): trainings_get,
    ("predictions",): predictions_get,
    ("predictions", "*"): predictions_get,
    ("predictions", "*", "cancel"): predictions_get,
    ("trainings", "*"): trainings_get,
    ("trainings", "*", "cancel"): trainings_get,
}
WORDS = {word for path in [*PARSERS, ("files",)] for word in path} - {"*"}

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not here")


def answers() -> list[Any]:
    """Give each recorded JSON answer with what reads it."""
    found = []
    for file in sorted(RECORDED.glob("*.yaml")):
        for number, exchange in enumerate(yaml.safe_load(file.read_text(encoding="utf-8"))["interactions"]):
            request, response = exchange["request"], exchange["response"]
            status = response.get("status_code") or response["status"]["code"]
            content = response.get("content") or response.get("body", {}).get("string") or b""
            content = content.encode() if isinstance(content, str) else content
            steps = request["uri"].partition("/v1/")[2].split("?")[0].split("/")
            shape = tuple(step if step in WORDS else "*" for step in steps)
            if status < 300 and shape in PARSERS and content.lstrip().startswith((b"{", b"[")):
                found.append(pytest.param(PARSERS[shape], content, id=f"{file.stem}-{number}"))
    return found


@pytest.mark.parametrize(("endpoint", "content"), answers())
def test_a_recorded_answer_is_read_whole(endpoint: Any, content: bytes) -> None:
    """Every field arrives as an attribute, and times are the only thing that is written in another way."""
    sent = json.loads(content)
    read = endpoint.parse_response(content)
    compare(sent, types.plain(read))
    for item in read if isinstance(read, list) else [read]:
        assert not {name for name in item.additional_properties} - {"stream"}


def compare(sent: Any, written: Any) -> None:
    """Assert that two JSON values are the same, but for how times are written."""
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
