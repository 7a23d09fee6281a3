"""The objects that the API returns: fields, plain data under all versions' names, and version 1's methods."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from support.colours import Clock, collect, got, scripted
from support.sample_models import VERSION, Script, prediction

from replicate import ModelError
from replicate._objects.resource import Resource
from replicate.resources.account import Account
from replicate.resources.collections import Collection
from replicate.resources.deployments import Deployment
from replicate.resources.files import File
from replicate.resources.hardware import Hardware
from replicate.resources.models import Model
from replicate.resources.predictions import Prediction
from replicate.resources.search import SearchedModel, SearchResults
from replicate.resources.trainings import Training
from replicate.resources.versions import Version
from replicate_api.types import Field, Payload, fields

KINDS: list[Any] = [
    Account, Collection, Deployment, File, Hardware, Model, Prediction, SearchedModel, SearchResults, Training, Version,
]  # fmt: skip
WHEN = "2025-01-01T00:00:00+00:00"
EXAMPLE = prediction("succeeded", created_at=WHEN, output="x", metrics={"predict_time": 1.5}, extra={"a": 1})
MODEL = {
    "owner": "o",
    "name": "n",
    "is_official": False,
    "latest_version": {"id": VERSION},
    "default_example": EXAMPLE,
}
ANSWERS: dict[str, Any] = {
    "/v1/account": {"type": "user", "username": "me"},
    "/v1/collections": {"results": [{"slug": "s", "name": "S", "description": ""}], "next": None},
    "/v1/collections/s": {"slug": "s", "name": "S", "description": "", "models": [MODEL, MODEL, "odd"]},
    "/v1/deployments/o/d": {"owner": "o", "name": "d", "current_release": {"number": 1}},
    "/v1/files/f": {"id": "f", "urls": {"get": "https://api.replicate.com/v1/files/f"}},
    "/v1/hardware": [{"sku": "cpu", "name": "CPU"}],
    "/v1/models/o/n": MODEL,
    f"/v1/models/o/n/versions/{VERSION}": {"id": VERSION},
    "/v1/models/o/n/versions": {"results": [{"id": VERSION}], "next": None},
    "/v1/predictions/p1": EXAMPLE,
    "/v1/search": {"query": "q", "models": [{"model": MODEL, "metadata": {}}], "collections": [], "pages": []},
}


class Server:
    """Responds by path; every create returns a prediction."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {**ANSWERS, **{f"/v1/predictions/{name}": answer for name, answer in answers.items()}}
        self.requests = list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.method == "DELETE":
            return httpx.Response(204)
        answer = EXAMPLE if request.method == "POST" else self.answers[request.url.path]
        if isinstance(answer, list) and "hardware" not in request.url.path:
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return httpx.Response(200, json=answer)

    @property
    def asked(self) -> list[str]:
        return [f"{each.method} {each.url.path.removeprefix('/v1')}" for each in self.requests]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def client(colour: str, server: Server) -> Any:
    return scripted(colour, server)


@pytest.mark.parametrize("kind", KINDS)
def test_no_method_hides_a_field(kind: Any) -> None:
    """No field of the API has the name of a method or property of the object or of its base classes.

    Two fields are properties on purpose: `Training.destination` reads the field, or derives it if it is missing;
    `Prediction.output` returns the field with its files.
    """
    defined = [(name, value) for each in kind.__mro__ for name, value in vars(each).items()]
    taken = {name for name, value in defined if not name.startswith("__") and not isinstance(value, Field)}
    taken -= {Training: {"destination"}, Prediction: {"output"}}.get(kind, set())
    assert set(fields(kind).json_names) & taken == set()


def test_every_kind_is_known() -> None:
    """The tests of this file cover all kinds of objects."""
    assert {kind.__name__ for kind in Resource.__subclasses__() if kind.__module__.startswith("replicate.")} >= {
        kind.__name__ for kind in KINDS
    }
    for kind in KINDS:
        assert inspect.getdoc(kind)


async def test_plain_data_under_every_name(client: Any) -> None:
    """The methods of all versions return the same data, with missing fields as None or left out."""
    found = await got(client.predictions.get("p1"))
    came = json.loads(json.dumps(EXAMPLE))
    assert found.to_dict() == came
    assert json.loads(found.to_json()) == came
    assert dict(found)["id"] == "p1"
    assert found.dict() == found.model_dump() == json.loads(found.json()) == json.loads(found.model_dump_json())
    assert found.dict() == {**dict.fromkeys(fields(Prediction).json_names), **came}
    assert found.dict(exclude_unset=True, mode="json") == came
    assert found.model_dump(include={"id", "error"}) == {"id": "p1", "error": None}
    assert found.model_dump(include={"id", "error"}, exclude_none=True) == {"id": "p1"}
    assert "logs" not in found.dict(exclude={"logs"})
    assert found.to_json(indent=None) == json.dumps(came)
    assert (found.model_extra, found.extra) == ({"extra": {"a": 1}}, {"a": 1})
    assert found.model_fields_set == set(came)
    with pytest.raises(TypeError, match="did you mean 'include'"):
        found.dict(includ={"id"})


async def test_copies(client: Any) -> None:
    """Copies are equal and independent, and have the given changes and the session; pickles have no session."""
    found = await got(client.predictions.get("p1"))
    twin = found.copy(update={"status": "failed"})
    assert (twin.status, found.status, twin == found) == ("failed", "succeeded", False)
    deep = found.model_copy(deep=True)
    assert deep == found
    deep.input["a"] = 1
    assert found.input == {}
    assert (await got(deep.reload())).id == "p1"
    for other in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found), copy.copy(found)):
        assert other == found
        assert other.urls.get("get") == found.urls.get


@pytest.mark.parametrize("make", ["model_validate", "parse_obj", "construct", "model_construct"])
def test_an_object_from_plain_data(make: str) -> None:
    """Objects can be made from plain data with pydantic's methods; nested data become objects too."""
    made = getattr(Model, make)(**MODEL) if "construct" in make else getattr(Model, make)(MODEL)
    assert isinstance(made.default_example, Prediction)
    assert made.to_dict() == MODEL
    with pytest.raises(TypeError, match="JSON object"):
        Model.model_validate([])  # type: ignore[arg-type]


async def test_urls_and_metrics(client: Any) -> None:
    """Both are read as attributes, as items and as dictionaries; times are datetimes."""
    found = await got(client.predictions.get("p1"))
    url = "https://api.replicate.com/v1/predictions/p1"
    assert found.urls.get == found.urls["get"] == found.urls.get("get") == url
    assert isinstance(found.urls.get, str)
    assert found.urls.get + "/x" == f"{url}/x"
    assert (found.urls.get("stream"), found.urls.get("stream", "none"), found.urls.stream) == (None, "none", None)
    assert json.dumps(dict(found.urls)) == json.dumps({"get": url})
    assert found.metrics.predict_time == found.metrics["predict_time"] == found.metrics.get("predict_time") == 1.5
    assert found.metrics.get("speed", 0) == 0
    assert found.created_at == datetime(2025, 1, 1, tzinfo=UTC)
    assert (await got(client.files.get("f"))).urls.get("get").endswith("/files/f")


@pytest.mark.parametrize(
    ("logs", "progress"),
    [
        (" 50%|█████     | 5/10 [00:01<00:01]", (0.5, 5, 10)),
        ("go\n  0%|          | 0/5 [00:00]\n100%|██████████| 5/5 [00:01]\nend", (1.0, 5, 5)),
        ("10%|█| 1/10\r20%|██| 2/10\r", (0.2, 2, 10)),
        ("50% done", None),
        ("", None),
        (None, None),
    ],
)
def test_progress(logs: str | None, progress: tuple[float, int, int] | None) -> None:
    """The last progress bar in the logs gives the progress."""
    assert Prediction.construct(logs=logs).progress == progress
    assert logs is None or Prediction.Progress.parse(logs) == progress


async def test_nested_objects_have_a_session(client: Any, server: Server) -> None:
    """A model's version and example, and the models of a collection or a search, have the client's session."""
    model = await got(client.models.get("o", "n"))
    assert (model.id, model.username, model.latest_version.id) == ("o/n", "o", VERSION)
    assert (await got(model.default_example.reload())).id == "p1"
    found = await got(client.search("q"))
    assert (await got(found.models[0].model.reload())) == model
    collection = await got(client.collections.get("s"))
    assert (await got(collection[0].reload())) == model
    [listed] = (await got(client.collections.list())).results
    assert (listed.id, len(listed), list(listed), bool(listed)) == ("s", 0, [], True)


async def test_a_collection_is_a_sequence(client: Any) -> None:
    """A collection has a length, is iterated, indexed by number or slice, and has its fields by name."""
    collection = await got(client.collections.get("s"))
    assert (len(collection), [getattr(each, "id", each) for each in collection]) == (3, ["o/n", "o/n", "odd"])
    assert (collection[-1], collection[:2][1].name, collection["slug"], collection.id) == ("odd", "n", "s", "s")
    assert dict(collection)["slug"] == "s"


async def test_the_versions_of_a_model(client: Any, server: Server) -> None:
    """`model.versions` gets, lists and deletes versions of that model."""
    versions = (await got(client.models.get("o/n"))).versions
    assert (await got(versions.get(VERSION))).id == (await got(versions.get(id=VERSION))).id == VERSION
    assert (await got(versions.list()))[0].id == VERSION
    assert await got(versions.delete(VERSION)) is True
    assert server.asked[-1] == f"DELETE /models/o/n/versions/{VERSION}"


async def test_predictions_of_a_deployment(client: Any, server: Server) -> None:
    """`deployment.predictions` starts predictions with that deployment."""
    deployment = await got(client.deployments.get("o/d"))
    assert (deployment.id, deployment.username, deployment.current_release.number) == ("o/d", "o", 1)
    await got(deployment.predictions.create({"a": 1}, wait=True))
    assert server.asked[-1] == "POST /deployments/o/d/predictions"
    assert server.requests[-1].headers["prefer"] == "wait"


async def test_hardware_and_account(client: Any) -> None:
    """Hardware is a plain list; the account has two names."""
    [hardware] = await got(client.hardware.list())
    assert (hardware.id, hardware.sku) == ("cpu", "cpu")
    assert (await got(client.account.get())) == (await got(client.accounts.current()))


async def test_predict(client: Any, server: Server) -> None:
    """`version.predict` and `model.predict` run to the end and return the output, with a deprecation warning."""
    model = await got(client.models.get("o/n"))
    for old in (model.predict, model.latest_version.predict):
        with pytest.warns(DeprecationWarning, match=r"predict is deprecated: use client\.run"):
            assert await got(old(prompt="x", self="y")) == "x"
        assert json.loads(server.requests[-1].read()) == {"version": VERSION, "input": {"prompt": "x", "self": "y"}}
    model.is_official = True
    with pytest.warns(DeprecationWarning, match=r"predict is deprecated"):
        await got(model.predict(prompt="x"))
    assert server.asked[-1] == "POST /models/o/n/predictions"


async def test_the_items_of_an_output(colour: str) -> None:
    """`output_iterator` yields present and new items once each, and raises if the prediction fails."""
    server = Server(p1=[
        prediction("processing", output=["a"]),
        prediction("processing", output=["a", "b"]),
        prediction("failed", output=["a", "b", "c"], error="no"),
    ])  # fmt: skip
    client = scripted(colour, server)
    Clock(client)
    seen: list[Any] = []
    running = await got(client.predictions.get("p1"))
    with pytest.raises(ModelError, match="no"):
        await collect(running.output_iterator(), seen)
    assert seen == ["a", "b", "c"]


def test_a_field_of_another_type_is_kept() -> None:
    """A value in place of an object is kept as it came."""
    odd = Model.model_validate({"latest_version": "v", "default_example": None})
    assert (odd.latest_version, odd.default_example) == ("v", None)
    assert Prediction.model_validate({"urls": ["x"], "metrics": 3}).urls == ["x"]
    assert isinstance(odd, Payload)


def test_objects_made_by_hand() -> None:
    """Fields are given by name or in order; none is required, and their types are read as in a response."""
    made = Prediction(id="p", created_at=WHEN, urls={"get": "https://a.test/p"}, new=1)
    assert (made.created_at.year, made.urls.get("get"), made.new, made.output) == (2025, "https://a.test/p", 1, None)
    assert Training(id="t", destination="a/b").destination == "a/b"
    with pytest.raises(TypeError, match="has 2 fields, not 3"):
        Hardware("cpu", "CPU", "more")


async def test_nested_objects_are_dictionaries_too(client: Any) -> None:
    """They have the methods of dictionaries; objects iterate as pairs."""
    found = await got(client.predictions.get("p1"))
    assert [*found.metrics] == ["predict_time"]
    assert [*found.metrics.items()] == [("predict_time", 1.5)]
    assert [*found.metrics.values()] == [1.5]
    assert [*found.urls.items()] == [("get", "https://api.replicate.com/v1/predictions/p1")]
    assert dict(iter(found))["id"] == "p1"
    training = Training(output={"version": "o/n:v"})
    assert training.output.get("version") == "o/n:v"
    assert training.output.get("weights", 3) == 3


async def test_an_interrupt_while_an_object_is_updated(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an interrupt an object has either the older or the newer response, not a mixture."""
    client = scripted(colour, Script(get=[prediction("starting"), prediction("processing")]))
    made = await got(client.predictions.get("p1"))

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("replicate._objects.resource.fill_from", interrupted)
        with pytest.raises(KeyboardInterrupt):
            await got(made.reload())
    assert (made.id, made.status) == ("p1", "starting")
    await got(made.reload())
    assert made.status == "processing"
