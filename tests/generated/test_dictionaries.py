"""Objects that are dictionaries with attributes: `urls`, `metrics`, `checksums`, `metadata`, a training's `output`."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from replicate_api import models
from replicate_api.types import AttributeDict, GetText, Payload

DATA: dict[str, Any] = {"get": "https://a.test/g", "cancel": "https://a.test/c", "new": [1], "items": "x"}
KINDS = [
    models.FileChecksums,
    models.FileUrls,
    models.PredictionMetrics,
    models.PredictionUrls,
    models.SearchedModelMetadata,
    models.TrainingMetrics,
    models.TrainingOutput,
    models.TrainingUrls,
]


def urls(**changes: Any) -> Any:
    return models.PredictionUrls.from_dict({**DATA, **changes})


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_dictionaries(kind: type[AttributeDict]) -> None:
    """Each is a dict of what the API sent, and equals it."""
    made = kind.from_dict(DATA)
    assert isinstance(made, dict)
    assert isinstance(made, Payload)
    assert made == DATA
    assert json.dumps(made) == json.dumps(DATA)
    assert (len(made), [*made], bool(made), bool(kind.from_dict({}))) == (4, [*DATA], True, False)
    assert made | {"a": 1} == {**DATA, "a": 1}
    assert {"a": 1} | made == {"a": 1, **DATA}
    assert made.copy() == {**made} == dict(made) == made.to_dict() == DATA
    assert [*made.items()] == [*DATA.items()]
    with pytest.raises(TypeError, match="unhashable"):
        hash(made)
    with pytest.raises(TypeError, match="JSON object"):
        kind.from_dict([])  # type: ignore[arg-type]


def test_members_are_attributes() -> None:
    """Members that were sent are attributes, missing declared ones are None, and others raise AttributeError."""
    made = urls()
    assert (made.cancel, made.new, made.web) == ("https://a.test/c", [1], None)
    assert (made.set_fields, made.additional_properties) == (
        {"get": DATA["get"], "cancel": DATA["cancel"]},
        {"new": [1], "items": "x"},
    )
    assert {"cancel", "new", "get"} <= {*dir(made)}
    with pytest.raises(AttributeError, match="'PredictionUrls' object has no attribute 'nothing'"):
        _ = made.nothing
    with pytest.raises(KeyError, match="web"):
        made["web"]


def test_get_is_a_text_and_a_method() -> None:
    """`urls.get` is the URL and can be called as the method of dict; without such a URL it is the method only."""
    made = urls()
    assert isinstance(made.get, str)
    assert (made.get, made["get"], made.get + "/x") == (DATA["get"], DATA["get"], f"{DATA['get']}/x")
    assert (made.get("cancel"), made.get("stream"), made.get("stream", 3)) == (DATA["cancel"], None, 3)
    assert type(made["get"]) is str
    match made:
        case {"cancel": found, "get": url}:
            assert (found, url) == (DATA["cancel"], DATA["get"])
        case _:
            pytest.fail("it is no mapping")
    for odd in ({}, {"get": None}, {"get": 3}):
        bare: Any = models.PredictionUrls.from_dict(odd)
        assert bare.get("get", "none") == odd.get("get", "none")
    for twin in (pickle.loads(pickle.dumps(made.get)), copy.deepcopy(made.get), copy.copy(made.get)):
        assert isinstance(twin, GetText)
        assert (twin, twin("cancel")) == (DATA["get"], DATA["cancel"])


def test_methods_of_dict_take_precedence() -> None:
    """A member with the name of a dict method is available as an item only."""
    made = urls()
    assert made["items"] == "x"
    assert callable(made.items)


def test_members_can_be_set_and_deleted() -> None:
    """Setting or deleting an attribute or an item changes both."""
    made = urls()
    made.web = "w"
    made["cancel"] = "c"
    made.get = "g"
    assert (made["web"], made.cancel, made.get) == ("w", "c", "g")
    assert made.to_dict() == {**DATA, "cancel": "c", "get": "g", "web": "w"}
    del made.web, made["new"]
    assert (made.web, "new" in made) == (None, False)
    with pytest.raises(AttributeError, match="web"):
        del made.web
    del made.get
    assert made.get("cancel") == "c"


@pytest.mark.parametrize("kind", KINDS)
def test_copies_and_pickles(kind: type[AttributeDict]) -> None:
    """Copies and pickles are equal, independent, and of the same type."""
    made: Any = kind.from_dict(DATA)
    twins = [copy.copy(made), copy.deepcopy(made)]
    twins += [pickle.loads(pickle.dumps(made, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for twin in twins:
        assert (twin, type(twin), twin.new) == (made, kind, [1])
        twin["more"] = 1
    twins[1].new.append(2)
    assert made == DATA


def test_made_by_keyword() -> None:
    """An object made by keyword has exactly the members given."""
    made: Any = models.PredictionMetrics(predict_time=1.5)
    assert (made, made.predict_time, made.total_time) == ({"predict_time": 1.5}, 1.5, None)
    with pytest.raises(TypeError):
        models.PredictionMetrics(nothing=1)  # type: ignore[call-arg]


def test_a_nested_dictionary_is_one_object() -> None:
    """`prediction.urls` is the same dictionary each time, and changes to it are written with the prediction."""
    made: Any = models.Prediction.from_dict({"urls": DATA, "metrics": {"tokens": 3}})
    assert made.urls is made.urls
    made.urls["web"] = "w"
    made.metrics.tokens = 4
    assert made.to_dict() == {"urls": {**DATA, "web": "w"}, "metrics": {"tokens": 4}}
    assert "web" not in DATA
