"""Objects keep the JSON of a response; updates in place, in either colour, replace all of it."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import got, scripted
from support.sample_models import VERSION, Script, prediction

from replicate import Client, FileOutput
from replicate._dual.colours import Async, acting_through
from replicate._objects.resource import session_of
from replicate.resources.files import File
from replicate.resources.models import Model
from replicate.resources.predictions import Prediction
from replicate.resources.trainings import Training
from replicate.resources.versions import Version
from replicate_api.types import Timestamp, fields

if TYPE_CHECKING:
    from collections.abc import Callable

OLD = prediction("processing", created_at="2024-01-01T00:00:00Z", logs="old", old={"a": 1}, metrics={"tokens": 1})
NEW = {
    "id": "p1",
    "status": "succeeded",
    "created_at": "2025-01-01T00:00:00Z",
    "urls": {"get": "new"},
    "output": "x",
    "new": 2,
}
MODEL = {"owner": "o", "name": "n", "latest_version": {"id": VERSION}, "default_example": OLD}


def look(made: Any) -> None:
    """Read decoded, plain and unknown fields."""
    _ = made.id, made.created_at, made.urls, made.metrics, made.logs, made.output, made.old


def check_new(made: Any) -> None:
    """Assert that nothing of the older response is left."""
    assert made.to_dict() == NEW
    assert (made.created_at.year, made.urls, made.metrics, made.logs) == (2025, {"get": "new"}, None, None)
    assert (made.output, made.status, made.new) == ("x", "succeeded", 2)
    assert not hasattr(made, "old")


@pytest.mark.parametrize(
    "before", [look, lambda made: made.to_dict(), lambda _: None], ids=["fields", "all", "nothing"]
)
async def test_a_newer_response_replaces_the_older_one(colour: str, before: Callable[[Any], Any]) -> None:
    """After `reload` nothing of the older response is left, whatever was read from it."""
    client = scripted(colour, Script(get=[OLD, NEW]))
    made = await got(client.predictions.get("p1"))
    before(made)
    assert await got(made.reload()) is made
    check_new(made)


@pytest.mark.parametrize(
    "before", [look, lambda made: made.to_dict(), lambda _: None], ids=["fields", "all", "nothing"]
)
def test_an_async_name_replaces_it_too(before: Callable[[Any], Any]) -> None:
    """`await prediction.async_reload()` does the same for an object of a blocking client."""
    with Client("r8_test", transport=httpx.MockTransport(Script(get=[OLD, NEW]))) as client:
        made: Any = client.predictions.get("p1")
        before(made)
        asyncio.run(made.async_reload())
        check_new(made)


async def test_waiting_for_an_input_replaces_it_too(colour: str) -> None:
    """A prediction that another client waits for as an input is updated, and keeps its own client."""
    with Client("r8_test", transport=httpx.MockTransport(Script(get=[OLD]))) as own:
        made: Any = own.predictions.get("p1")
        other = scripted("blocking", Script(get=[NEW]))
        moved = copy.copy(made)
        moved._bound = session_of(other)
        look(moved)
        assert await moved.__as_input__(session_of(other)) == "x"
        check_new(moved)


def test_nested_objects_have_the_session_of_the_outer_object() -> None:
    """A nested object that is first read through the asynchronous twin is bound to the object's own client."""
    http = httpx.MockTransport(lambda _: httpx.Response(200, json=MODEL))
    with Client("r8_test", transport=http) as client:
        model: Any = client.models.get("o/n")
        twin: Any = acting_through(model, session_of(client).of_colour(Async))
        assert twin.latest_version is model.latest_version
        asyncio.run(model.async_reload())
        for each in (twin.latest_version, model.latest_version, model.default_example):
            assert session_of(each) is session_of(client)


# ---- what versions 1 and 2 held


def test_a_dictionary_of_an_object() -> None:
    """`dict(object)` has all declared fields, missing ones as None, and unknown ones; former dicts are still dicts."""
    made = Prediction.model_validate(OLD)
    held = dict(made)
    assert held.keys() == {*fields(Prediction).json_names, "old"}
    assert (held["id"], held["completed_at"], held["old"]) == ("p1", None, {"a": 1})
    for name in ("urls", "metrics"):
        assert isinstance(held[name], dict)
        assert json.dumps(held[name]) == json.dumps(OLD[name])
    assert isinstance(held["created_at"], Timestamp)
    assert held == dict(iter(made)) == {name: made[name] for name in made.keys()}  # noqa: SIM118 - iterating yields pairs
    assert "completed_at" not in made.to_dict()
    assert made.model_fields_set == {*OLD}
    with pytest.raises(KeyError, match="nothing"):
        made["nothing"]
    model = dict(Model.model_validate(MODEL))
    assert isinstance(model["latest_version"], Version)
    assert isinstance(model["default_example"], Prediction)


def test_metadata_and_checksums_of_a_file() -> None:
    """`metadata` and `checksums` are dictionaries with attributes."""
    sent = {"id": "f", "metadata": {"customer": 7}, "checksums": {"sha256": "x", "md5": "y"}, "urls": {}}
    made: Any = File.model_validate(sent)
    assert (made.metadata, made.metadata.customer, made.metadata["customer"]) == ({"customer": 7}, 7, 7)
    assert (made.checksums.sha256, made.checksums.md5, made.checksums) == ("x", "y", sent["checksums"])
    assert made.to_dict() == sent
    assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == made
    assert File.model_validate({"metadata": "odd"}).metadata == "odd"


def test_the_output_of_a_training() -> None:
    """A training's output is a dictionary; its `weights` are a file of the training's client, also in copies."""
    sent = {"version": "o/n:v", "weights": "https://a.test/w.tar", "more": 1}
    with Client("r8_test", transport=httpx.MockTransport(Script(get=[{"id": "t", "output": sent}]))) as client:
        training: Any = client.trainings.get("t")
        output = training.output
        assert isinstance(output, dict)
        assert (output, json.dumps(output), output.version, output.more) == (sent, json.dumps(sent), "o/n:v", 1)
        for each in (output, copy.copy(output), copy.deepcopy(output), copy.deepcopy(training).output):
            assert (each, type(each)) == (sent, type(output))
            assert session_of(each.weights) is session_of(client)
        loaded = pickle.loads(pickle.dumps(training))
        assert (loaded.output, loaded.output.weights) == (sent, sent["weights"])
        assert b"r8_test" not in pickle.dumps(output)
    assert Training(output={"version": "v"}).output == {"version": "v"}
    assert not isinstance(loaded.output["weights"], FileOutput)


def test_an_object_of_a_user_defined_class() -> None:
    """A subclass with its own `__init__`, properties and attributes is read and pickled like its base class."""
    made: Any = Mine("k", id="p1", created_at="2024-01-01T00:00:00Z")
    bound: Any = Mine.bind(made, None)
    for each in (made, bound, copy.copy(made), pickle.loads(pickle.dumps(made))):
        assert (each.id, each.created_at[:4], each.shout, each.logs) == ("p1", "2024", "P1", None)
        assert each.to_dict() == {"id": "p1", "created_at": "2024-01-01T00:00:00Z"}
    assert (made.kept, copy.copy(made).kept) == ("k", "k")


class Mine(Prediction[Any]):
    """A class that a user defines."""

    def __init__(self, kept: str, **named: Any) -> None:
        self.kept = kept
        super().__init__(**named)

    @property
    def shout(self) -> str:
        """The id, in capitals."""
        return self.id.upper()
