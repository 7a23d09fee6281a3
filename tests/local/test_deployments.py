"""Deployments, and the available hardware."""

from pathlib import Path
from typing import Any

import pytest

from replicate.local import ManualClock, Model


def one(text: str = "a") -> str:
    return f"one {text}"


MODELS = {"me/one": one, "me/official": Model(one, official=True), "you/two": lambda: "two"}


def settings(api: Any, name: str = "mine", **more: Any) -> dict[str, Any]:
    given = {"name": name, "model": "me/one", "version": api.version("me/one"), "hardware": "cpu"}
    return {**given, "min_instances": 0, "max_instances": 2, **more}


def deploy(api: Any, name: str = "mine", **more: Any) -> dict[str, Any]:
    answer = api.post("deployments", json=settings(api, name, **more))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_deployment_begins_with_its_first_release(serving: Any) -> None:
    """A new deployment is the account's, and has a release with number, version, time, author and configuration."""
    clock = ManualClock()
    with serving(MODELS, clock=clock) as api:
        deployment = deploy(api)
        assert deployment == {
            "owner": "local",
            "name": "mine",
            "current_release": {
                "number": 1,
                "model": "me/one",
                "version": api.version("me/one"),
                "created_at": "2025-01-01T00:00:00.000000Z",
                "created_by": api.get("account").json(),
                "configuration": {"hardware": "cpu", "min_instances": 0, "max_instances": 2},
            },
        }
        assert api.get("deployments/local/mine").json() == deployment


def test_each_change_makes_a_release(api: Any) -> None:
    """An update changes the given fields, keeps the others, and increments the release number."""
    before = deploy(api, "changing")["current_release"]
    answer = api.patch("deployments/local/changing", json={"min_instances": 1, "hardware": "gpu-t4"})
    release = answer.json()["current_release"]
    assert (answer.status_code, release["number"]) == (200, 2)
    assert release["configuration"] == {"hardware": "gpu-t4", "min_instances": 1, "max_instances": 2}
    assert release["version"] == before["version"]
    again = api.patch("deployments/local/changing", json={"version": before["version"]}).json()
    assert again["current_release"]["number"] == 3
    assert api.get("deployments/local/changing").json() == again


def test_a_deployment_runs_its_version(api: Any) -> None:
    """A prediction of a deployment runs its version, names the deployment, and takes the same input and headers."""
    deploy(api, "running")
    path = "deployments/local/running/predictions"
    answer = api.post(path, json={"input": {"text": "b"}}, headers={"prefer": "wait", "cancel-after": "5m"})
    prediction = answer.json()
    assert (answer.status_code, prediction["output"]) == (201, "one b")
    assert (prediction["model"], prediction["version"]) == ("me/one", api.version("me/one"))
    assert prediction["deployment"] == "local/running"
    assert "deadline" in prediction
    assert api.get(prediction["urls"]["get"]).json() == prediction
    assert "deployment" not in api.run("me/one")
    assert api.post(path, json={"input": {"text": 1}}).status_code == 422
    assert api.post("deployments/local/none/predictions", json={"input": {}}).status_code == 404


def test_a_deployment_is_deleted(api: Any) -> None:
    """Deleting a deployment returns 204, and afterwards it does not exist."""
    deploy(api, "short-lived")
    assert api.delete("deployments/local/short-lived").status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert api.request(method, "deployments/local/short-lived", json={}).status_code == 404
    assert deploy(api, "short-lived")["current_release"]["number"] == 1


def test_deployments_are_listed_in_pages(serving: Any) -> None:
    """The newest deployments come first."""
    with serving(MODELS, page_size=2) as api:
        for name in ("a", "b", "c"):
            deploy(api, name)
        first = api.get("deployments").json()
        second = api.get(first["next"]).json()
        assert [each["name"] for page in (first, second) for each in page["results"]] == ["c", "b", "a"]
        assert api.get(second["previous"]).json() == first


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"hardware": "abacus"}, "hardware"),
        ({"min_instances": 6}, "min_instances"),
        ({"max_instances": -1}, "max_instances"),
        ({"name": "a/b"}, "name"),
        ({"model": None}, "model"),
    ],
)
def test_invalid_settings_are_refused(api: Any, change: dict[str, Any], field: str) -> None:
    """Each invalid setting is named."""
    answer = api.post("deployments", json={**settings(api, "wrong"), **change})
    assert (answer.status_code, [each["field"] for each in answer.json()["invalid_fields"]]) == (422, [field])
    assert api.get("deployments/local/wrong").status_code == 404


def test_a_deployment_needs_an_existing_version_and_a_new_name(api: Any) -> None:
    """An unknown version, a version of another model, and a name in use are refused."""
    deploy(api, "taken")
    assert api.post("deployments", json=settings(api, "taken")).status_code == 409
    for version in ("0" * 64, api.version("you/two")):
        assert api.post("deployments", json=settings(api, "new", version=version)).status_code == 422
        assert api.patch("deployments/local/taken", json={"version": version}).status_code == 422
    official = {"model": "me/official", "version": api.version("me/official")}
    assert api.post("deployments", json=settings(api, "new", **official)).status_code == 422


def test_deployments_survive_a_restart(serving: Any, tmp_path: Path) -> None:
    """With a store on disk, the next server has the same deployments, and release numbers continue."""
    with serving(MODELS, store=tmp_path / "a.db") as api:
        deployment = deploy(api)
    with serving(MODELS, store=tmp_path / "a.db") as api:
        assert api.get("deployments/local/mine").json() == deployment
        changed = api.patch("deployments/local/mine", json={"max_instances": 5}).json()
        assert changed["current_release"]["number"] == 2
    with serving({}, store=tmp_path / "a.db") as api:  # its model is not served any more
        assert api.post("deployments/local/mine/predictions", json={"input": {}}).status_code == 422


def test_hardware_is_listed(api: Any) -> None:
    """Each kind of hardware has a display name and a SKU for requests."""
    hardware = api.get("hardware").json()
    assert {"name": "CPU", "sku": "cpu"} in hardware
    assert all(each.keys() == {"name", "sku"} for each in hardware)
