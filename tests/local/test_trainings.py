"""Trainings: a function makes weights from data, and the model's function runs with them."""

# ruff: noqa: T201 - what a training prints is its log

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from replicate.local import Model, server


def greet(name: str, replicate_weights: Path | None = None) -> str:
    return f"{replicate_weights.read_text() if replicate_weights else 'hello'} {name}"


def learn(data: Path, mode: Literal["loud", "quiet"] = "quiet") -> bytes:
    """Learn a greeting."""
    print("learning")
    text = data.read_text()
    return (text.upper() if mode == "loud" else text).encode()


def learn_how(what: str) -> Any:
    results: dict[str, Any] = {"nothing": None, "named": {"weights": b"ahoy", "loss": 0.1}, "number": 7}
    if what == "mistake":
        raise ValueError("no data")
    return results[what]


MODELS = {
    "me/greeter": Model(greet, train=learn),
    "me/other": Model(greet, train=learn_how),
    "me/plain": greet,
    "me/official": Model(greet, official=True, train=learn),
}


DATA = {"data": "data:,ahoy"}


def mine(api: Any, name: str = "mine") -> None:
    body = {"owner": "me", "name": name, "visibility": "private", "hardware": "cpu"}
    assert api.post("models", json=body).status_code in (201, 409)


def test_a_training_makes_a_version_of_its_destination(api: Any) -> None:
    """The new version is the destination's latest, runs the trained function, and has the weights."""
    mine(api)
    answer = api.train("me/greeter", "me/mine", DATA)
    created = answer.json()
    assert (answer.status_code, created["status"]) == (201, "starting")
    assert "output" not in created
    assert created["urls"]["get"] == f"{api.srv.base_url}/trainings/{created['id']}"
    training = api.trained(created)
    assert (training["status"], training["error"], training["logs"]) == ("succeeded", None, "learning\n")
    assert (training["model"], training["version"]) == ("me/greeter", api.version("me/greeter"))
    assert httpx.get(training["output"]["weights"]).text == "ahoy"
    reference, _, version = training["output"]["version"].partition(":")
    assert (reference, version) == ("me/mine", api.version("me/mine"))
    assert api.run("me/mine", {"name": "Ada"})["output"] == "ahoy Ada"
    assert api.run("me/greeter", {"name": "Ada"})["output"] == "hello Ada"


def test_a_trained_version_can_be_trained(api: Any) -> None:
    """A version made by a training can be trained in the same way, and versions are listed newest first."""
    mine(api, "twice")
    for number, model in enumerate(("me/greeter", "me/twice")):
        training = api.trained(api.train(model, "me/twice", {"data": f"data:,{number}", "mode": "loud"}).json())
        assert (training["status"], training["model"]) == ("succeeded", model)
    versions = api.get("models/me/twice/versions").json()["results"]
    assert [version["id"] for version in versions][:1] == [api.version("me/twice")]
    assert len(versions) == 2
    assert api.run("me/twice", {"name": "Ada"})["output"] == "1 Ada"


def test_a_version_has_the_schemas_of_its_training(api: Any) -> None:
    """The training's schemas are separate from those of the function, even if both have an enumeration."""
    latest = api.get("models/me/greeter").json()["latest_version"]
    schemas = latest["openapi_schema"]["components"]["schemas"]
    assert schemas["TrainingInput"]["required"] == ["data"]
    assert schemas["TrainingInput"]["properties"]["mode"]["allOf"] == [{"$ref": "#/components/schemas/Trainingmode"}]
    assert schemas["TrainingOutput"]["format"] == "uri"
    assert schemas["Input"]["required"] == ["name"]
    assert "/trainings" in latest["openapi_schema"]["paths"]
    plain = api.get("models/me/plain").json()["latest_version"]["openapi_schema"]
    assert not {"TrainingInput", "TrainingOutput"} & plain["components"]["schemas"].keys()


@pytest.mark.parametrize(
    ("what", "status", "output"),
    [("nothing", "succeeded", {"version"}), ("named", "succeeded", {"version", "weights"})],
)
def test_weights_are_a_file_a_named_file_or_nothing(api: Any, what: str, status: str, output: set[str]) -> None:
    """A training may return its file as `weights`, or nothing."""
    mine(api)
    training = api.trained(api.train("me/other", "me/mine", {"what": what}).json())
    assert (training["status"], training["output"].keys()) == (status, output)


@pytest.mark.parametrize(("what", "error"), [("mistake", "no data"), ("number", "returns its weights")])
def test_a_training_can_fail(api: Any, what: str, error: str) -> None:
    """An exception, or a result that is not weights, fails the training, and makes no version."""
    mine(api, "failing")
    training = api.trained(api.train("me/other", "me/failing", {"what": what}).json())
    assert training["status"] == "failed"
    assert error in training["error"]
    assert api.get("models/me/failing").json()["latest_version"] is None


def test_a_training_can_be_canceled(serving: Any) -> None:
    """A canceled training makes no version, whatever its function returns."""
    started, go, ended = threading.Event(), threading.Event(), threading.Event()

    def slow() -> bytes:
        started.set()
        go.wait(20)
        ended.set()
        return b"late"

    with serving({"me/slow": Model(greet, train=slow)}) as api:
        mine(api)
        created = api.train("me/slow", "me/mine").json()
        assert started.wait(10)
        canceled = api.post(created["urls"]["cancel"]).json()
        assert (canceled["status"], "output" in canceled) == ("canceled", False)
        go.set()
        assert ended.wait(10)
        assert api.post(created["urls"]["cancel"]).json() == canceled
        assert api.get("models/me/mine").json()["latest_version"] is None


def test_a_destination_deleted_during_the_training(serving: Any) -> None:
    """A training fails if its destination is deleted before it ends."""
    go = threading.Event()

    def slow() -> None:
        go.wait(20)

    with serving({"me/slow": Model(greet, train=slow)}) as api:
        mine(api)
        created = api.train("me/slow", "me/mine").json()
        assert api.delete("models/me/mine").status_code == 204
        go.set()
        training = api.trained(created)
        assert (training["status"], "me/mine" in training["error"]) == ("failed", True)


def test_trainings_and_predictions_are_listed_separately(serving: Any) -> None:
    """Trainings have their own pages, newest first, and are not listed as predictions."""
    with serving(MODELS, page_size=2) as api:
        mine(api)
        made = [api.trained(api.train("me/greeter", "me/mine", DATA).json())["id"] for _ in range(3)]
        api.run("me/plain", {"name": "Ada"})
        first = api.get("trainings").json()
        second = api.get(first["next"]).json()
        assert [each["id"] for page in (first, second) for each in page["results"]] == made[::-1]
        assert second["next"] is None
        assert len(api.get("predictions").json()["results"]) == 1
        assert api.get(f"predictions/{made[0]}").status_code == 404
        assert [training.id for training in api.srv.trainings] == made[::-1]


@pytest.mark.parametrize("destination", ["me/nobody", "<invalid>", "me/official"])
def test_the_destination_must_exist(api: Any, destination: str) -> None:
    """A destination that does not exist, or cannot have versions, is the API's 404."""
    answer = api.train("me/greeter", destination, DATA)
    assert answer.status_code == 404
    assert answer.json() == {"detail": "The specified training destination does not exist", "status": 404}


def test_a_wrong_training_is_refused(api: Any) -> None:
    """Input and body are checked against the training's schema; a model without training says so."""
    mine(api)
    answer = api.train("me/greeter", "me/mine", {"data": "nothing", "mode": ""})
    assert answer.status_code == 422
    assert [field["field"] for field in answer.json()["invalid_fields"]] == ["input.data", "input.mode"]
    path = f"models/me/greeter/versions/{api.version('me/greeter')}/trainings"
    assert "destination is required" in api.post(path, json={"input": {"data": "data:,"}}).json()["detail"]
    assert "train=" in api.train("me/plain", "me/mine").json()["detail"]
    for missing in (f"models/me/greeter/versions/{'0' * 64}/trainings", "models/me/nobody/versions/1/trainings"):
        assert api.post(missing, json={}).status_code == 404
    assert api.train("me/official", "me/mine").status_code == 404
    assert api.get("trainings/nope").status_code == api.post("trainings/nope/cancel").status_code == 404


def test_a_training_has_webhooks(api: Any, receiver: Any) -> None:
    """A training sends webhooks like a prediction."""
    mine(api)
    hooks = {"webhook": receiver.url, "webhook_events_filter": ["logs", "completed"]}
    created = api.train("me/greeter", "me/mine", DATA, **hooks).json()
    told = [delivery.json for delivery in receiver.until_completed()]
    assert [each["status"] for each in told] == ["processing", "succeeded"]
    assert told[-1] == api.get(created["urls"]["get"]).json()
    assert api.train("me/greeter", "me/mine", DATA, webhook="https://example.com").status_code == 422


def test_trainings_survive_a_restart(serving: Any, tmp_path: Path) -> None:
    """Trainings, their destinations and their versions are kept; a version needs its code to be served."""
    store = tmp_path / "a.db"
    with serving(MODELS, store=store) as api:
        mine(api)
        training = api.trained(api.train("me/greeter", "me/mine", DATA).json())
    with serving({"me/plain": greet}, store=store) as api:
        assert api.get("models/me/mine").json()["latest_version"] is None
    with serving(MODELS, store=store) as api:
        assert api.get(f"trainings/{training['id']}").json()["output"] == training["output"]
        assert f"me/mine:{api.version('me/mine')}" == training["output"]["version"]
        assert api.run("me/mine", {"name": "Ada"})["output"] == "ahoy Ada"


def test_a_training_that_ran_when_the_server_stopped_is_canceled(serving: Any, tmp_path: Path) -> None:
    """Leaving the block cancels the training, and the store has its state."""
    started, go = threading.Event(), threading.Event()

    def slow() -> None:
        started.set()
        go.wait(20)

    with serving({"me/slow": Model(greet, train=slow)}, store=tmp_path / "a.db") as api:
        mine(api)
        created = api.train("me/slow", "me/mine").json()
        assert started.wait(10)
    go.set()
    with serving({}, store=tmp_path / "a.db") as api:
        assert api.get(f"trainings/{created['id']}").json()["status"] == "canceled"


def test_a_training_cannot_yield() -> None:
    """A training function that is a generator is refused at the start."""

    def steps() -> Iterator[bytes]:
        yield b""

    with pytest.raises(TypeError, match="returns its weights"), server({"me/model": Model(greet, train=steps)}):
        pass
