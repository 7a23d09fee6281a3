"""Local responses compared with the published document, and with recorded responses of the real API if available."""

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


MODELS = {
    "me/shout": Model(shout, readme="# Shout", train=lambda: b"weights", examples=[({"text": "a"}, "A")]),
    "me/official": Model(shout, official=True),
    "me/private": Model(shout, private=True),
    "me/broken": broken,
}
NEW_MODEL = {"owner": "me", "name": "new", "visibility": "private", "hardware": "cpu", "description": "New."}
SEARCH = "models.search"  # `QUERY /models`, which the document does not have


@pytest.fixture(name="answers", scope="module")
def _answers(api: Any) -> dict[str, list[httpx.Response]]:
    """Return responses of each operation, by operationId; several if they differ."""
    return {**asking_for_models(api), **asking_for_runs(api), **asking_for_the_rest(api)}


def asking_for_models(api: Any) -> dict[str, list[httpx.Response]]:
    created = api.post("models", json=NEW_MODEL)
    api.trained(api.train("me/shout", "me/new").json())
    public, private = (f"models/{model}/versions/{api.version(model)}" for model in ("me/shout", "me/private"))
    answers = {
        "models.create": [created],
        "models.examples.list": [api.get("models/me/shout/examples"), api.get("models/me/official/examples")],
        "models.get": [api.get("models/me/shout"), api.get("models/me/official"), api.get("models/me/new")],
        "models.list": [api.get("models")],
        "models.readme.get": [api.get("models/me/shout/readme")],
        "models.update": [api.patch("models/me/new", json={"readme": "# New"})],
        "models.versions.get": [api.get(public)],
        "models.versions.list": [api.get("models/me/shout/versions"), api.get("models/me/new/versions")],
        "models.versions.delete": [api.delete(private)],
        SEARCH: [api.request("QUERY", "models", content="shout")],
    }
    return {**answers, "models.delete": [api.delete("models/me/private")]}


def asking_for_runs(api: Any) -> dict[str, list[httpx.Response]]:
    deployment = {"name": "mine", "model": "me/shout", "version": api.version("me/shout"), "hardware": "cpu"}
    made = api.post("deployments", json={**deployment, "min_instances": 0, "max_instances": 1})
    given = {"input": {"text": "a"}}
    done, failed = (api.create(model, {"text": "a"}, prefer="wait") for model in ("me/shout", "me/broken"))
    training = api.train("me/shout", "me/new")
    api.trained(training.json())
    answers = {
        "deployments.create": [made],
        "deployments.get": [api.get("deployments/local/mine")],
        "deployments.list": [api.get("deployments")],
        "deployments.predictions.create": [api.post("deployments/local/mine/predictions", json=given)],
        "deployments.update": [api.patch("deployments/local/mine", json={"max_instances": 2})],
        "models.predictions.create": [api.post("models/me/official/predictions", json=given)],
        "predictions.cancel": [api.post(done.json()["urls"]["cancel"])],
        "predictions.create": [api.create("me/shout", {"text": "a"}), done, failed],
        "predictions.get": [api.get(each.json()["urls"]["get"]) for each in (done, failed)],
        "predictions.list": [api.get("predictions")],
        "trainings.cancel": [api.post(training.json()["urls"]["cancel"])],
        "trainings.create": [training],
        "trainings.get": [api.get(training.json()["urls"]["get"])],
        "trainings.list": [api.get("trainings")],
    }
    return {**answers, "deployments.delete": [api.delete("deployments/local/mine")]}


def asking_for_the_rest(api: Any) -> dict[str, list[httpx.Response]]:
    upload = api.post("files", files={"content": ("a.txt", b"a", "text/plain")})
    url = upload.json()["urls"]["get"]
    answers = {
        "account.get": [api.get("account")],
        "collections.get": [api.get("collections/official")],
        "collections.list": [api.get("collections")],
        "files.create": [upload],
        "files.download": [api.get(api.srv.download_url(upload.json()["id"], 1 << 40))],
        "files.get": [api.get(url)],
        "files.list": [api.get("files")],
        "hardware.list": [api.get("hardware")],
        "search": [api.get("search", params={"query": "official shout deployments"})],
        "webhooks.default.secret.get": [api.get("webhooks/default/secret")],
    }
    return {**answers, "files.delete": [api.delete(url)]}


OPERATIONS = {
    operation["operationId"]: operation["responses"]
    for methods in DOCUMENT["paths"].values()
    for operation in methods.values()
}


def test_every_operation_is_served(answers: dict[str, list[httpx.Response]]) -> None:
    """Each operation of `openapi.json`, and the undocumented one, succeeds."""
    assert answers.keys() == {*OPERATIONS, SEARCH}
    assert {name for name, found in answers.items() for answer in found if not answer.is_success} == set()


def test_responses_match_the_published_document(answers: dict[str, list[httpx.Response]]) -> None:
    """Each response has a status, content type, fields and types that `openapi.json` allows."""
    documented = {**OPERATIONS, SEARCH: OPERATIONS["models.list"]}
    wrong: list[str] = []
    for operation, answer in ((operation, answer) for operation, found in answers.items() for answer in found):
        content = documented[operation][str(answer.status_code)].get("content", {})
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if operation == "files.download":  # has the file's own content type
            assert answer.content == b"a"
        elif kind == "application/json":
            unfit = complaints(answer.json(), content[kind]["schema"], DOCUMENT["components"]["schemas"])
            wrong += [f"{operation}: {complaint}" for complaint in unfit]
        else:
            assert ({kind} if kind else set()) == content.keys(), operation
            assert kind or answer.content == b"", operation
    assert wrong == []


def recorded(name: str, method: str, ending: str = "") -> tuple[int, dict[str, str], Any]:
    """Return status, headers and body of the first recorded response to such a request."""
    if not RECORDED.is_dir():
        pytest.skip("the recordings are not at hand")
    for interaction in yaml.safe_load((RECORDED / f"{name}.yaml").read_text())["interactions"]:
        request, answer = interaction["request"], interaction["response"]
        if request["method"] == method and request["uri"].endswith(ending):
            status = answer.get("status_code") or answer["status"]["code"]
            headers = {name.lower(): values[0] for name, values in answer["headers"].items()}
            return status, headers, json.loads(answer.get("content") or answer["body"]["string"])
    raise LookupError(f"{name} has no {method} …{ending}")


NOT_OURS = {"stream", "webhook_completed"}  # fields that the API does not send any more


@pytest.mark.parametrize(
    ("name", "method", "ending", "operation"),
    [
        ("predictions-create", "POST", "/predictions", "predictions.create"),
        ("predictions-stream", "POST", "/predictions", "predictions.create"),
        ("models-predictions-create", "POST", "/predictions", "models.predictions.create"),
        ("predictions-cancel", "POST", "/cancel", "predictions.cancel"),
        ("models-get", "GET", "/sdxl", "models.get"),
        ("file-operations", "POST", "/files", "files.create"),
        ("models-create", "POST", "/models", "models.create"),
        ("trainings-create", "POST", "/trainings", "trainings.create"),
        ("trainings-cancel", "POST", "/cancel", "trainings.cancel"),
        ("trainings-get", "GET", "medrnz3bm5dd6ultvad2tejrte", "trainings.get"),
        ("collections-list", "GET", "/collections", "collections.list"),
    ],
)
def test_responses_have_the_fields_of_recorded_ones(
    answers: dict[str, list[httpx.Response]], name: str, method: str, ending: str, operation: str
) -> None:
    """No field of a recorded response is missing or has another type."""
    _status, _headers, body = recorded(name, method, ending)
    answer = answers[operation][0].json()
    assert body.keys() - answer.keys() <= NOT_OURS
    assert answer["urls"].keys() >= body["urls"].keys() if "urls" in body else True
    same = [field for field in body.keys() & answer.keys() if None not in (body[field], answer[field])]
    assert {field: type(answer[field]) for field in same} == {field: type(body[field]) for field in same}


def test_a_wrong_token_is_refused_as_recorded(api: Any) -> None:
    """The status, type and body of the 401 are as recorded."""
    status, headers, body = recorded("run__invalid-token", "POST")
    answer = httpx.post(f"{api.srv.base_url}/predictions", json={}, headers={"authorization": "Bearer wrong"})
    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (
        status,
        headers["content-type"],
        body,
    )


def test_a_missing_destination_is_refused_as_recorded(api: Any) -> None:
    """The status, type and body of the 404 are as recorded."""
    status, headers, body = recorded("trainings-create__invalid-destination", "POST")
    answer = api.train("me/shout", "<invalid>")
    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (
        status,
        headers["content-type"],
        body,
    )


def test_hardware_has_the_recorded_form(answers: dict[str, list[httpx.Response]]) -> None:
    """Hardware is a plain list, as recorded."""
    _status, _headers, body = recorded("hardware-list", "GET")
    (answer,) = answers["hardware.list"]
    assert {frozenset(each) for each in answer.json()} == {frozenset(each) for each in body}


def test_a_blocking_create_has_the_recorded_headers(api: Any) -> None:
    """`Preference-Applied` and the rate limits are as recorded."""
    status, headers, _body = recorded("test_models_predictions_create_blocking_False-10_", "POST")
    answer = api.post("models/me/official/predictions", json={"input": {"text": "a"}}, headers={"prefer": "wait=10"})
    assert answer.status_code == status
    for name in ("preference-applied", "ratelimit-remaining", "ratelimit-reset"):
        assert answer.headers[name] == headers[name]
