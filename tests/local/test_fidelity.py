"""Local answers beside the published document, and beside recorded answers of the real API where they are at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from replicate.local import Model
from replicate.local.validation import complaints

ROOT = Path(__file__).parents[2]
RECORDED = ROOT.parent / "shared" / "recorded"
DOCUMENT = json.loads((ROOT / "openapi.json").read_text())


def shout(text: str) -> str:
    return text.upper()


def broken() -> None:
    raise RuntimeError("no")


MODELS = {"me/shout": shout, "me/official": Model(shout, official=True), "me/broken": broken}


def answers(api: Any) -> dict[str, Any]:
    """Return an answer of each operation that is served, by operationId; several where they differ."""
    version = api.version("me/shout")
    done, failed = api.run("me/shout", {"text": "a"}), api.run("me/broken")
    upload = api.post("files", files={"content": ("a.txt", b"a", "text/plain")}).json()
    by_model = api.post("models/me/official/predictions", json={"input": {"text": "a"}}).json()
    return {
        "account.get": [api.get("account").json()],
        "files.create": [upload],
        "files.get": [api.get(f"files/{upload['id']}").json()],
        "files.list": [api.get("files").json()],
        "models.get": [api.get("models/me/shout").json(), api.get("models/me/official").json()],
        "models.list": [api.get("models").json()],
        "models.predictions.create": [by_model],
        "models.versions.get": [api.get(f"models/me/shout/versions/{version}").json()],
        "models.versions.list": [api.get("models/me/shout/versions").json()],
        "predictions.cancel": [api.post(done["urls"]["cancel"]).json()],
        "predictions.create": [api.create("me/shout", {"text": "a"}).json(), failed],
        "predictions.get": [api.get(done["urls"]["get"]).json(), api.get(failed["urls"]["get"]).json()],
        "predictions.list": [api.get("predictions").json()],
    }


def test_answers_fit_the_published_document(api: Any) -> None:
    """Each answer has the fields and types that `openapi.json` gives it."""
    schemas = {
        operation["operationId"]: content["application/json"]["schema"]
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        if status.startswith("2") and (content := answer.get("content", {})) and "application/json" in content
    }
    wrong = [
        f"{operation}: {complaint}"
        for operation, examples in answers(api).items()
        for example in examples
        for complaint in complaints(example, schemas[operation], DOCUMENT["components"]["schemas"])
    ]
    assert wrong == []


def recorded(name: str, method: str, ending: str = "") -> tuple[int, dict[str, str], Any]:
    """Return status, headers and body of the first recorded answer to such a request."""
    if not RECORDED.is_dir():
        pytest.skip("the recordings are not at hand")
    for interaction in yaml.safe_load((RECORDED / f"{name}.yaml").read_text())["interactions"]:
        request, answer = interaction["request"], interaction["response"]
        if request["method"] == method and request["uri"].endswith(ending):
            status = answer.get("status_code") or answer["status"]["code"]
            headers = {name.lower(): values[0] for name, values in answer["headers"].items()}
            return status, headers, json.loads(answer.get("content") or answer["body"]["string"])
    raise LookupError(f"{name} has no {method} …{ending}")


NOT_OURS = {"stream", "webhook_completed"}  # fields that the API has stopped sending


@pytest.mark.parametrize(
    ("name", "method", "ending", "operation"),
    [
        ("predictions-create", "POST", "/predictions", "predictions.create"),
        ("predictions-stream", "POST", "/predictions", "predictions.create"),
        ("models-predictions-create", "POST", "/predictions", "models.predictions.create"),
        ("predictions-cancel", "POST", "/cancel", "predictions.cancel"),
        ("models-get", "GET", "/sdxl", "models.get"),
        ("file-operations", "POST", "/files", "files.create"),
    ],
)
def test_answers_have_what_recorded_answers_have(api: Any, name: str, method: str, ending: str, operation: str) -> None:
    """No field of a recorded answer is missing, and none is of another type."""
    _status, _headers, body = recorded(name, method, ending)
    (answer, *_others) = answers(api)[operation]
    assert body.keys() - answer.keys() <= NOT_OURS
    assert answer["urls"].keys() >= body["urls"].keys() if "urls" in body else True
    same = [field for field in body.keys() & answer.keys() if None not in (body[field], answer[field])]
    assert {field: type(answer[field]) for field in same} == {field: type(body[field]) for field in same}


def test_a_wrong_token_is_refused_as_recorded(api: Any) -> None:
    """Status, type and body of the 401 are the recorded ones."""
    status, headers, body = recorded("run__invalid-token", "POST")
    answer = httpx.post(f"{api.srv.base_url}/predictions", json={}, headers={"authorization": "Bearer wrong"})
    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (
        status,
        headers["content-type"],
        body,
    )


def test_a_blocking_create_has_the_recorded_headers(api: Any) -> None:
    """`Preference-Applied` and the rate limits are as recorded."""
    status, headers, _body = recorded("test_models_predictions_create_blocking_False-10_", "POST")
    answer = api.post("models/me/official/predictions", json={"input": {"text": "a"}}, headers={"prefer": "wait=10"})
    assert answer.status_code == status
    for name in ("preference-applied", "ratelimit-remaining", "ratelimit-reset"):
        assert answer.headers[name] == headers[name]
