"""Plain data of objects, nested objects and pages, selected and written as in pydantic."""

from __future__ import annotations

import copy
import json
import pickle
from importlib import import_module
from typing import Any

import httpx
import pytest

import replicate
from replicate import Account, Client, Prediction
from replicate.resources.deployments import DeploymentRelease

SENT: dict[str, Any] = {
    "id": "p1",
    "status": "succeeded",
    "created_at": "2026-11-01T10:00:00.123456789Z",
    "input": {"text": "é", "none": None, "list": [{"a": 1, "b": 2}, {"a": 3}]},
    "urls": {"get": "https://api.replicate.com/v1/predictions/p1", "cancel": "https://x/cancel"},
    "metrics": {"predict_time": 1.5},
    "output": ["a", "b"],
    "error": None,
    "new_field": {"kept": True, "left": False},
}
PERSON = {"type": "user", "username": "me", "name": "Me"}
ANSWERS: dict[str, Any] = {
    "/predictions": {"next": None, "previous": None, "results": [SENT]},
    "/account": PERSON,
    "/webhooks/default/secret": {"key": "whsec_abc"},
    "/deployments/me/d": {
        "owner": "me",
        "name": "d",
        "current_release": {
            "number": 2,
            "created_at": "2026-11-01T10:00:00Z",
            "created_by": PERSON,
            "configuration": {"hardware": "cpu", "min_instances": 0},
        },
    },
    "/search": {
        "query": "x",
        "models": [{"model": {"owner": "me", "name": "m"}, "metadata": {"tags": ["a"], "score": 0.5}}],
        "collections": [{"slug": "s", "name": "S", "description": "d"}],
        "pages": [{"name": "P", "href": "h"}],
    },
}


def answer(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=ANSWERS.get(request.url.path.removeprefix("/v1"), SENT))


CLIENT: Any = Client("r8_test", transport=httpx.MockTransport(answer))


@pytest.fixture
def prediction() -> Any:
    return CLIENT.predictions.get("p1")


CHOICES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"include": {"id"}}, {"id": "p1"}),
    ({"include": {"id": True, "status": ..., "logs": False}}, {"id": "p1", "status": "succeeded"}),
    ({"include": {"urls": {"get"}}}, {"urls": {"get": SENT["urls"]["get"]}}),
    ({"include": {"urls": {"get", "nothing"}, "id": True}, "exclude": {"id"}}, {"urls": {"get": SENT["urls"]["get"]}}),
    ({"include": {"urls"}, "exclude": {"urls": {"get"}}}, {"urls": {"cancel": "https://x/cancel"}}),
    ({"include": {"urls"}, "exclude": {"urls": {"get": True}}}, {"urls": {"cancel": "https://x/cancel"}}),
    ({"include": {"urls"}, "exclude": {"urls": {"get": False, "cancel": ...}}}, {"urls": {"get": SENT["urls"]["get"]}}),
    ({"include": {"new_field": {"kept"}}}, {"new_field": {"kept": True}}),
    ({"include": {"output": {0}}}, {"output": ["a"]}),
    ({"include": {"output"}, "exclude": {"output": {-1}}}, {"output": ["a"]}),
    ({"include": {"input": {"list": {"__all__": {"b"}}}}}, {"input": {"list": [{"b": 2}, {}]}}),
    ({"include": {"input": {"list": {1: {"a"}}}}}, {"input": {"list": [{"a": 3}]}}),
    (
        {"include": {"input": {"list": {"__all__"}}}, "exclude": {"input": {"list": {0}}}},
        {"input": {"list": [{"a": 3}]}},
    ),
]


@pytest.mark.parametrize(("options", "data"), CHOICES, ids=range(len(CHOICES)))
@pytest.mark.parametrize("method", ["dict", "model_dump", "to_dict", "json", "model_dump_json", "to_json"])
def test_members_are_selected(prediction: Any, method: str, options: dict[str, Any], data: dict[str, Any]) -> None:
    """`include` and `exclude` select single members: naming a nested member leaves the rest of the field."""
    found = getattr(prediction, method)(**options)
    assert (json.loads(found) if isinstance(found, str) else found) == data


def test_other_members_stay(prediction: Any) -> None:
    """Members that are not excluded stay; `exclude_none` removes None from objects, but not from an input."""
    whole = prediction.to_dict()
    assert whole == SENT
    assert prediction.to_dict(exclude={"urls": {"get"}}) == {**SENT, "urls": {"cancel": "https://x/cancel"}}
    without = prediction.dict(exclude_none=True)
    assert without == {name: value for name, value in SENT.items() if value is not None}
    deployment = CLIENT.deployments.get("me/d")
    deployment.current_release.version = None
    assert "version" not in deployment.dict(exclude_none=True)["current_release"]
    for wrong in ({"include": "id"}, {"exclude": 5}):
        with pytest.raises(TypeError, match="include and exclude are sets of names"):
            prediction.dict(**wrong)


def test_json_methods_take_keywords_of_json_dumps(prediction: Any) -> None:
    """Keywords of `json.dumps` and pydantic's keywords without effect are accepted; others are refused."""
    text = prediction.json(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert '"text":"é"' in text
    assert [*json.loads(text)] == sorted(prediction.dict())
    assert "\n\t" in prediction.to_json(indent="\t", allow_nan=False)
    assert prediction.json(encoder=str, models_as_dict=True, default=str) == prediction.json()
    assert prediction.model_dump_json(round_trip=True, serialize_as_any=True, by_alias=None) == prediction.json()
    with pytest.raises(TypeError, match="unexpected keyword argument 'sort_key'; did you mean 'sort_keys'"):
        prediction.json(sort_key=True)
    with pytest.raises(TypeError, match="unexpected keyword argument 'sort_keys'"):
        prediction.dict(sort_keys=True)


def test_a_copy_without_some_fields(prediction: Any) -> None:
    """`copy(exclude=…)` and `copy(include=…)` select fields of the copy, and do not change the object."""
    other = prediction.copy(exclude={"input": True, "urls": {"get"}, "new_field": True}, update={"status": "new"})
    assert (other.input, other.urls.get("get"), other.urls.cancel) == (None, None, "https://x/cancel")
    assert (other.status, other.output, other.id) == ("new", ["a", "b"], "p1")
    assert other.model_extra == {}
    assert type(other.urls) is type(prediction.urls)
    assert prediction.to_dict() == SENT
    assert prediction.copy(include={"id"}).to_dict() == {"id": "p1"}
    assert prediction.copy(exclude={"id"}).reload is not None
    assert prediction.copy(exclude={"id"}, deep=True).to_dict() == prediction.to_dict(exclude={"id"})


def test_an_object_made_from_plain_data_is_equal(prediction: Any) -> None:
    """A missing field reads as None, and equals one that was sent as None."""
    kind = type(prediction)
    assert kind(**prediction.dict()) == prediction
    assert kind.parse_obj(json.loads(prediction.json())) == prediction
    assert kind.model_validate(prediction.model_dump()) == prediction
    assert kind.parse_raw(prediction.json()) == kind.model_validate_json(prediction.to_json().encode()) == prediction
    assert Prediction(id="p1") == Prediction(id="p1", logs=None) != Prediction(id="p1", logs="")
    assert Prediction(id="p1", extra=None) != Prediction(id="p1")
    with pytest.raises(ValueError, match="Expecting value"):
        kind.parse_raw("no JSON")


def nested() -> dict[str, Any]:
    """Return one of each nested object, and a page."""
    release = CLIENT.deployments.get("me/d").current_release
    found = CLIENT.search("x")
    return {
        "release": release,
        "configuration": release.configuration,
        "created_by": release.created_by,
        "secret": CLIENT.webhooks.default.secret(),
        "searched metadata": found.models[0].metadata,
        "searched collection": found.collections[0],
        "searched page": found.pages[0],
        "urls": CLIENT.predictions.get("p1").urls,
        "metrics": CLIENT.predictions.get("p1").metrics,
        "page": CLIENT.predictions.list(),
    }


NESTED = nested()


@pytest.mark.parametrize("name", NESTED)
def test_nested_objects_have_the_methods_too(name: str) -> None:
    """Nested objects and pages have the plain-data methods of all versions."""
    thing = NESTED[name]
    data = thing.to_dict(mode="json", use_api_names=True)
    assert json.loads(json.dumps(data)) == data
    assert thing.dict() == thing.model_dump() == json.loads(thing.json()) == json.loads(thing.model_dump_json())
    assert thing.dict(exclude_unset=True) == data == json.loads(thing.to_json())
    assert {name: value for name, value in thing.dict(exclude_none=True).items() if value is None} == {}
    first = next(iter(data))
    assert first not in thing.dict(exclude={first})
    assert [*thing.to_dict(include={first})] == [first]
    other = thing.model_copy(deep=True)
    assert (other == thing, other is thing, type(other) is type(thing)) == (True, False, True)
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        thing.dict(nonsense=True)


def test_pages_as_plain_data() -> None:
    """A page's items are plain data too, and their members can be selected."""
    page = CLIENT.predictions.list()
    assert page.to_dict() == ANSWERS["/predictions"]
    assert page.dict()["results"] == [page[0].dict()]
    assert page.dict(include={"results": {"__all__": {"id"}}}) == {"results": [{"id": "p1"}]}
    assert page.model_copy(update={"next": "x"}).next == "x"
    assert page.next is None


def test_the_creator_of_a_release_is_an_account() -> None:
    """`created_by` has the class of `client.account.get()`, as in version 1; everything can be pickled."""
    deployment = CLIENT.deployments.get("me/d")
    release = deployment.current_release
    assert isinstance(release, DeploymentRelease)
    assert isinstance(release.created_by, Account)
    assert isinstance(release.created_by, import_module("replicate.account").Account)
    assert release.created_by == CLIENT.account.get()
    assert isinstance(release, replicate.Deployment.Release)
    assert isinstance(release.configuration, replicate.Deployment.Release.Configuration)
    assert pickle.loads(pickle.dumps(deployment)) == copy.deepcopy(deployment) == deployment
    assert release.created_by._bound is release._bound is deployment._bound


def test_a_secret_is_not_in_the_repr() -> None:
    """The secret's plain data has the key, and its repr does not."""
    secret = CLIENT.webhooks.default.secret()
    assert secret.dict() == {"key": "whsec_abc"}
    assert "abc" not in repr(secret)


def test_fields_are_in_the_order_of_version_1(prediction: Any) -> None:
    """`dict(p)`, `p.dict()` and `p.json()` start with the fields of version 1, in its order."""
    wanted = ["id", "model", "version", "status", "input", "output", "logs", "error", "metrics", "created_at"]
    wanted += ["started_at", "completed_at", "urls"]
    for data in (prediction.dict(), dict(prediction), json.loads(prediction.json())):
        assert [*data][: len(wanted)] == wanted
    release = NESTED["release"]
    assert [*release.dict()] == ["number", "model", "version", "created_at", "created_by", "configuration"]
    assert [*release.created_by.dict()][:4] == ["type", "username", "name", "github_url"]
    assert [*dict(CLIENT.deployments.get("me/d"))] == ["owner", "name", "current_release"]
