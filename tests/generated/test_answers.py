"""How endpoints and models read responses: all data is kept, read as far as possible, and nothing raises."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate_api import models, types
from replicate_api.api.files import files_delete, files_download
from replicate_api.api.hardware import hardware_list
from replicate_api.api.models import models_get, models_readme_get
from replicate_api.api.predictions import predictions_get, predictions_list
from replicate_api.types import MalformedResponse, Payload

MODELS: list[type[Payload]] = [
    found for name in models.__all__ if isinstance(found := getattr(models, name), type) and issubclass(found, Payload)
]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)

PREDICTION: dict[str, Any] = {
    "id": "p1",
    "model": "acme/hello",
    "version": "hidden",
    "status": "succeeded",
    "input": {"prompt": "hi"},
    "output": ["a", "b"],
    "error": None,
    "created_at": "2024-05-06T07:08:09.123456789Z",
    "urls": {"get": "https://example.com/g", "cancel": "https://example.com/c", "new": 1},
    "metrics": {"predict_time": 1.5, "tokens": 3},
    "brand_new": {"x": [1]},
}


def read(**changes: Any) -> models.Prediction:
    return predictions_get.parse_response(json.dumps({**PREDICTION, **changes}).encode())


def example(model: type[Payload], value: Any = "x") -> dict[str, Any]:
    """Return an object in which every declared field has the value."""
    return dict.fromkeys(types.fields(model).readers, value)


# ---- reading


def test_a_prediction_is_read_into_its_types() -> None:
    """Times are aware datetimes, objects are models, and everything else is the JSON value."""
    prediction = read()
    assert prediction.created_at == datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    assert isinstance(prediction.urls, models.PredictionUrls)
    assert prediction.urls.get == "https://example.com/g"
    assert prediction.metrics is not None
    assert prediction.metrics.predict_time == 1.5
    assert prediction.input == {"prompt": "hi"}
    assert prediction.output == ["a", "b"]


def test_unknown_fields_are_kept() -> None:
    """An undeclared field can be read as an attribute and as an item, and is written again."""
    prediction: Any = read()
    assert prediction.brand_new == prediction["brand_new"] == {"x": [1]}
    assert prediction.urls.new == 1
    assert prediction.to_dict()["brand_new"] == {"x": [1]}
    assert prediction.additional_properties == {"brand_new": {"x": [1]}}


def test_fields_can_be_read_as_items() -> None:
    """`p.urls["get"]`, `"get" in p.urls` and `dict(p.urls)` work as with a mapping."""
    urls = read().urls
    assert urls["get"] == "https://example.com/g"
    assert "cancel" in urls
    assert "stream" not in urls
    assert dict(urls) == {"get": "https://example.com/g", "cancel": "https://example.com/c", "new": 1}
    with pytest.raises(KeyError, match="stream"):
        urls["stream"]


def test_an_absent_field_reads_as_none_and_stays_absent() -> None:
    """A field that is missing from the response reads as None, and is not written again."""
    prediction = read()
    assert prediction.logs is None
    assert prediction.completed_at is None
    assert "logs" not in prediction.to_dict()
    with pytest.raises(AttributeError, match="'Prediction' object has no attribute 'loggs'"):
        prediction.loggs  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("name", ["status", "source"])
def test_unknown_enum_values_are_accepted(name: str) -> None:
    """A value that the API adds is kept as a string, and everything else is read."""
    prediction = read(**{name: "queued"})
    assert getattr(prediction, name) == "queued"
    assert prediction.id == "p1"


@every_model
def test_fields_of_any_type_are_kept(model: type[Payload]) -> None:
    """Any field may be null or of another type: it is kept as it came, and so are the others."""
    for value in (None, "x", "", 1, 1.5, True, [], ["x", None, {}], {}, {"a": 1}):
        data = example(model, value)
        assert model.from_dict(data).to_dict() == data


@every_model
def test_a_model_reads_an_empty_object(model: type[Payload]) -> None:
    """Missing required fields read as None."""
    empty = model.from_dict({})
    assert empty.to_dict() == {}
    methods = {name for name in types.fields(model).json_names if isinstance(empty, dict) and name in dir(dict)}
    assert all(getattr(empty, name) is None for name in types.fields(model).json_names.keys() - methods)
    assert methods <= {"get"}  # a method of `dict`, which takes precedence over the field
    assert repr(empty) == f"{model.__name__}()"


@given(model=st.sampled_from(MODELS), data=st.data())
def test_everything_that_was_sent_is_kept(model: type[Payload], data: st.DataObject) -> None:
    """Reading any JSON object and writing it again gives the same object."""
    keys = st.sampled_from(sorted(types.fields(model).readers)) | st.text(max_size=5)
    sent = data.draw(st.dictionaries(keys, json_values, max_size=6))
    read = model.from_dict(sent)
    written = read.to_dict()
    assert written.keys() == sent.keys()
    assert json.dumps(written, sort_keys=True) == json.dumps(sent, sort_keys=True)


@pytest.mark.parametrize("bad", [None, "x", 7, ["x"], {"status": 5, "created_at": "noon", "urls": None}])
def test_one_bad_item_does_not_lose_the_page(bad: Any) -> None:
    """An item that is not an object is kept as it came, and the other items are read."""
    page = predictions_list.parse_response(
        json.dumps({"next": None, "results": [PREDICTION, bad, PREDICTION]}).encode()
    )
    assert page.results is not None
    assert [item.id for item in (page.results[0], page.results[2])] == ["p1", "p1"]
    assert page.results[1] == bad or page.results[1].to_dict() == bad
    assert page.to_dict()["results"][1] == bad


@pytest.mark.parametrize("results", [None, {}, "x", {"0": PREDICTION}])
def test_a_page_without_a_list_of_results(results: Any) -> None:
    """`results` of another type are kept, and so is the cursor."""
    page = predictions_list.parse_response(json.dumps({"next": "https://x/?cursor=1", "results": results}).encode())
    assert page.next == "https://x/?cursor=1"
    assert page.results == results


def test_the_objects_in_a_model_are_read_too() -> None:
    """A model's latest version and default example, untyped in the document, are read as a version and a prediction."""
    content = {"owner": "a", "latest_version": {"id": "v", "created_at": "2024-01-01"}, "default_example": PREDICTION}
    model = models_get.parse_response(json.dumps(content).encode())
    assert model.latest_version is not None
    assert model.latest_version.created_at == datetime(2024, 1, 1, tzinfo=UTC)
    assert model.default_example is not None
    assert model.default_example.output == ["a", "b"]


def test_responses_that_are_not_objects() -> None:
    """Arrays are lists of models, text is str, files are bytes, and deletions return None."""
    hardware = hardware_list.parse_response(b'[{"sku": "cpu", "name": "CPU"}, null]')
    assert hardware == [models.Hardware.from_dict({"sku": "cpu", "name": "CPU"}), None]
    assert models_readme_get.parse_response("# Grüße".encode()) == "# Grüße"
    assert models_readme_get.parse_response(b"\xff") == "\ufffd"
    assert files_download.parse_response(b"\x00\xff") == b"\x00\xff"
    assert files_delete.parse_response(b"") is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize("content", [b"", b"<html>502</html>", b"[]", b"null", b'"x"', b"{", b"\xff", b"[" * 100_000])
def test_malformed_content_is_one_error(content: bytes) -> None:
    """Malformed content raises a MalformedResponse that describes the content but does not quote it.

    The content may echo a secret of the request.
    """
    with pytest.raises(MalformedResponse) as caught:
        predictions_get.parse_response(content)
    assert "502" not in str(caught.value)
    assert len(str(caught.value)) < 500
    with pytest.raises(MalformedResponse):
        hardware_list.parse_response(content if content != b"[]" else b"{}")


# ---- times


@given(st.datetimes(timezones=st.just(UTC) | st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m)))))
def test_every_written_time_is_read_back(moment: datetime) -> None:
    """A time that Python has written is read as the same moment, with its offset."""
    read = types.timestamp(moment.isoformat())
    assert (read, read.utcoffset()) == (moment, moment.utcoffset())


@pytest.mark.parametrize("zone", ["Z", "+00:00", ""])
@given(digits=st.text("0123456789", min_size=1, max_size=12))
def test_times_of_any_precision_are_read(zone: str, digits: str) -> None:
    """Fractions of a second of any length are read to the microsecond; a time without an offset is UTC."""
    microseconds = int(digits[:6].ljust(6, "0"))
    wanted = datetime(2022, 6, 1, 12, 30, 5, microseconds, tzinfo=UTC)
    assert types.timestamp(f"2022-06-01T12:30:05.{digits}{zone}") == wanted


@pytest.mark.parametrize(
    "text", ["", "noon", "10", "2024-13-01", "yesterday", "2024-01-01T25:00:00Z", "9999-12-31T24:00Z", "\uff11"]
)
def test_a_malformed_time_is_kept(text: str) -> None:
    """A malformed time stays the text that was sent, and never becomes a time of today."""
    assert read(created_at=text).created_at == text  # type: ignore[comparison-overlap]


# ---- objects as values


@every_model
def test_copies_and_pickles_are_equal(model: type[Payload]) -> None:
    """Copies, deep copies and pickles of every model keep absent and unknown fields as they were."""
    sent = {**example(model), "created_at": "2024-01-01T00:00:00Z", "unknown": [1]}
    sent.pop(next(iter(types.fields(model).readers)))
    original = model.from_dict(sent)
    twins = [copy.copy(original), copy.deepcopy(original)]
    twins += [pickle.loads(pickle.dumps(original, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for twin in twins:
        assert twin == original
        assert type(twin) is model
        assert (twin.to_dict(), repr(twin)) == (original.to_dict(), repr(original))
    deep = twins[1]
    deep.additional_properties["unknown"].append(2)
    assert original.additional_properties == {**original.additional_properties, "unknown": [1]}


@every_model
def test_a_model_can_be_made_by_keyword(model: type[Payload]) -> None:
    """A model takes its fields as keywords, refuses others, and holds exactly what was given."""
    made = model(**dict.fromkeys(types.fields(model).json_names, "x"))
    assert made.to_dict() == example(model)
    assert made == model.from_dict(example(model))
    with pytest.raises(TypeError):
        model(no_such_field=1)


def test_an_unset_field_is_absent() -> None:
    """A field that is left out, or given as UNSET, is absent, also after a deep copy."""
    request = models.PredictionRequest(input={}, webhook=types.UNSET)
    for twin in (request, copy.deepcopy(request)):
        assert twin.to_dict() == {"input": {}}
        assert twin.webhook is None
    with pytest.raises(TypeError, match="input"):
        models.PredictionRequest()  # type: ignore[call-arg]


def test_unset_is_one_object() -> None:
    """UNSET is false, has its name as repr, and remains the same object when copied or pickled."""
    assert not types.UNSET
    assert repr(types.UNSET) == "UNSET"
    assert copy.deepcopy([types.UNSET])[0] is types.UNSET
    assert pickle.loads(pickle.dumps(types.UNSET)) is types.UNSET


def test_models_compare_by_content() -> None:
    """Models are equal if their class and content are; they are not hashable."""
    assert read() == read()
    assert read() != read(status="failed")
    assert read() != read(brand_new=2)
    assert models.Hardware.from_dict({"name": "x"}) != models.Account.from_dict({"name": "x"})
    assert read() != PREDICTION
    with pytest.raises(TypeError, match="unhashable"):
        hash(read())


def test_a_repr_is_readable_and_short() -> None:
    """A repr names the fields that are set, and shortens long values."""
    shown = repr(read(logs="x" * 10_000))
    assert shown.startswith("Prediction(id='p1', model='acme/hello', ")
    assert "brand_new={'x': [1]}" in shown
    assert len(shown) < 1_500


def test_fields_can_be_set() -> None:
    """A field that is set is written again, whether it was absent before or not."""
    prediction = read()
    prediction.logs = "done"
    prediction.status = "failed"
    assert prediction.to_dict()["logs"] == "done"
    assert prediction["status"] == "failed"


def test_a_subclass_is_read_as_itself() -> None:
    """`from_dict` of a subclass returns the subclass, which equals the plain model."""

    class Richer(models.Prediction):
        def shout(self) -> str:
            return self.id.upper()

    richer = Richer.from_dict(PREDICTION)
    assert richer.shout() == "P1"
    assert richer == read()


class Renamed(Payload):
    """A stand-in for a model with a field whose name is a keyword of Python."""

    renamed = {"from": "from_"}  # noqa: RUF012
    __attrs_attrs__ = (type("A", (), {"name": "from_"}), type("A", (), {"name": "to"}))


def test_a_field_named_like_a_keyword_is_renamed() -> None:
    """The attribute has another name; the JSON keeps the original, and a field with the new name stays separate."""
    sent = {"from": 1, "to": 2, "from_": 3}
    read: Any = Renamed.from_dict(sent)
    assert (read.from_, read.to) == (1, 2)
    assert read.to_dict() == sent


# ---- enumerations


def test_enumerations_are_literals_of_strings() -> None:
    """Type checkers know the possible values; at run time the values are plain strings."""
    assert get_origin(models.PredictionStatus) is Literal
    assert set(get_args(models.PredictionStatus)) == {
        "aborted", "canceled", "failed", "processing", "starting", "succeeded",
    }  # fmt: skip
    assert type(read().status) is str


def test_enumerations_are_not_duplicated() -> None:
    """No two enumerations have the same values."""
    found = [getattr(models, name) for name in models.__all__]
    values = [get_args(one) for one in found if get_origin(one) is Literal]
    assert len(values) == len(set(values)) == 8


def test_no_http_client_is_imported() -> None:
    """Reading responses does not import a generated HTTP client."""
    assert "replicate_api.client" not in sys.modules
    assert "replicate_api.errors" not in sys.modules
