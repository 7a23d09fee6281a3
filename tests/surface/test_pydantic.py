"""Pydantic accepts the objects of the API as they are, and dumps their public data."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
import typing
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError, validate_call

import replicate
from replicate import FileOutput, Model, OutputList, Page, Prediction, Training
from replicate._dual.async_names import AsyncNames
from replicate._objects.resource import Resource, session_of
from replicate._outputs.file_string import FileString
from replicate_api.models import PredictionUrls
from replicate_api.types import UNSET, Timestamp, Unset

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "r8_kept_to_oneself"
URL = "https://replicate.delivery/out.png"
SENT = {
    "id": "p1",
    "status": "succeeded",
    "created_at": "2026-11-01T10:00:00.123456789Z",
    "urls": {"get": "https://api.replicate.com/v1/predictions/p1"},
    "metrics": {"predict_time": 1.5},
    "output": [URL],
    "new_field": {"kept": True},
}
LIST = {"next": "https://api.replicate.com/v1/predictions?cursor=x", "previous": None, "results": [SENT]}
NOUNS = [
    replicate.Account,
    replicate.Collection,
    replicate.Deployment,
    replicate.File,
    replicate.Hardware,
    Model,
    Prediction,
    Training,
    replicate.Version,
]


def answer(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=SENT if request.method == "POST" or request.url.path.endswith("p1") else LIST)


CLIENT = replicate.Client(api_token=TOKEN, transport=httpx.MockTransport(answer))
ASYNC = replicate.AsyncReplicate(bearer_token=TOKEN)


class Record(BaseModel):
    """Holds one object of each kind."""

    prediction: Prediction
    file: FileOutput
    files: list[FileOutput]
    output: OutputList
    page: Page[Prediction]
    at: Timestamp
    urls: PredictionUrls
    anything: Any = None


@pytest.fixture
def record() -> Record:
    prediction = CLIENT.predictions.get("p1")
    file = FileOutput(URL, CLIENT)
    return Record(
        prediction=prediction,
        file=file,
        files=[file],
        output=OutputList([file, "text"]),
        page=CLIENT.predictions.list(),
        at=prediction.created_at,
        urls=prediction.urls,
        anything={"deep": [prediction, file, OutputList([file])]},
    )


def test_objects_are_kept(record: Record) -> None:
    """An object is kept as it is, with its client."""
    prediction = CLIENT.predictions.get("p1")
    made = Record(**{**dict(record), "prediction": prediction})
    assert made.prediction is prediction
    assert made.file is record.file
    assert made.output is record.output
    assert made.page is record.page
    assert session_of(made.prediction) is session_of(CLIENT)


@pytest.mark.parametrize("mode", ["python", "json"])
def test_a_dump_has_public_data(record: Record, mode: str) -> None:
    """A dump is plain data: objects are dicts, files their URLs, also in fields of undeclared types."""
    data = record.model_dump(mode=mode)
    assert data["prediction"] == record.prediction.model_dump()
    assert data["prediction"]["new_field"] == {"kept": True}
    assert data["prediction"]["output"] == [URL]
    assert (data["file"], data["files"], data["output"]) == (URL, [URL], [URL, "text"])
    assert data["page"]["next"] == LIST["next"]
    assert data["page"]["results"][0]["id"] == "p1"
    assert data["urls"] == SENT["urls"]
    assert data["anything"] == {"deep": [data["prediction"], URL, [URL]]}
    assert data["at"] == (SENT["created_at"] if mode == "json" else record.at)


def test_a_dump_as_json(record: Record) -> None:
    """The dump is valid JSON, and does not contain the token."""
    text = record.model_dump_json()
    assert json.loads(text) == record.model_dump(mode="json")
    assert TOKEN not in text


def test_absent_fields_can_be_left_out(record: Record) -> None:
    """`exclude_unset` and `exclude_none` apply to fields of objects."""
    assert record.model_dump(exclude_unset=True)["prediction"] == SENT
    assert None not in record.model_dump(exclude_none=True)["prediction"].values()


def test_plain_data_is_read() -> None:
    """A dict becomes an object, tolerantly, and a URL becomes a file; both use the default client."""
    data = {"p": {"id": "p1", "status": 7, "odd": 1}, "f": URL, "s": URL, "o": ["a", "b"], "u": SENT["urls"]}

    class Read(BaseModel):
        p: Prediction
        f: FileOutput
        s: FileString
        o: OutputList
        u: PredictionUrls

    for read in (Read.model_validate(data), Read.model_validate_json(json.dumps(data))):
        assert isinstance(read.p, Prediction)
        assert (read.p.id, read.p.status, read.p.odd) == ("p1", 7, 1)  # type: ignore[attr-defined]
        assert type(read.f) is FileOutput
        assert (read.f.url, read.s, type(read.s)) == (URL, URL, FileString)
        assert str(read.o) == "ab"
        assert isinstance(read.u, PredictionUrls)
        assert read.u.get == SENT["urls"]["get"]


def test_a_time_is_read() -> None:
    """A timestamp is read from its text."""
    at: Any = TypeAdapter(Timestamp).validate_python(SENT["created_at"])
    assert str(at) == SENT["created_at"]
    assert isinstance(at, Timestamp)


@pytest.mark.parametrize(
    ("kind", "value", "complaint"),
    [
        (Prediction, 3, "expected a JSON object for Prediction, got int"),
        (FileOutput, "text", "url must begin with"),
        (FileString, "text", "url must begin with"),
        (FileOutput, 3, "str"),
        (OutputList, "text", "expected a list, got str"),
        (Page, [], "expected a Page, got list"),
        (Timestamp, "yesterday", "yesterday"),
        (Unset, "text", "expected null"),
    ],
)
def test_invalid_values_are_refused(kind: Any, value: Any, complaint: str) -> None:
    """An invalid value is a ValidationError that says what was expected."""
    with pytest.raises(ValidationError, match=complaint):
        TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize("kind", [*NOUNS, Prediction[Any], Page[Prediction], PredictionUrls], ids=str)
@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_the_schema_of_an_object(kind: Any, mode: Any) -> None:
    """The JSON schema of an object names its fields and their types."""
    schema = TypeAdapter(kind).json_schema(mode=mode)
    assert schema["type"] == "object"
    assert schema["properties"]
    json.dumps(schema)


def test_the_schema_of_a_prediction() -> None:
    """Fields have the types that the class declares."""
    properties = TypeAdapter(Prediction).json_schema()["properties"]
    assert properties["id"] == {"type": "string"}
    assert properties["created_at"] == {"type": "string", "format": "date-time"}
    assert properties["urls"]["properties"]["get"] == {"type": "string"}
    assert TypeAdapter(FileOutput).json_schema() == {"type": "string", "format": "uri"}
    assert TypeAdapter(OutputList).json_schema() == {"type": "array", "items": {}}


def test_the_table_has_all_resources() -> None:
    """The table has all public resource classes."""
    public = {value for name in replicate.__all__ if isinstance(value := getattr(replicate, name), type)}
    assert {kind for kind in public if issubclass(kind, Resource)} == {*NOUNS}


def test_models_that_hold_objects_can_be_copied(record: Record) -> None:
    """A model that holds objects can be deep-copied and pickled, without the client's token."""
    record.anything = None
    assert copy.deepcopy(record).prediction == record.prediction
    pickled = pickle.dumps(record.prediction)
    assert TOKEN.encode() not in pickled


def methods(owner: Any, label: str) -> Any:
    for name in dir(owner):
        if name.startswith(("_", "with_raw_response", "with_streaming_response")):
            continue
        value = getattr(owner, name)
        if isinstance(value, AsyncNames):
            yield from methods(value, f"{label}.{name}")
        elif callable(value) and (label, name) not in UNTOLD:
            yield pytest.param(value, id=f"{label}.{name}")


UNTOLD = {
    ("blocking", "call"),  # has the endpoint's parameters
    ("async", "call"),
    ("blocking.webhooks.default", "async_secret"),  # unpacks a TypedDict, which pydantic refuses on Python 3.11
    ("async.webhooks.default", "async_secret"),
    ("blocking.trainings", "create"),  # has positional-only parameters, which pydantic cannot describe in JSON
    ("blocking.trainings", "async_create"),
    ("async.trainings", "create"),
}


@pytest.mark.parametrize("method", [*methods(CLIENT, "blocking"), *methods(ASYNC, "async")])
def test_tools_can_be_made_of_methods(method: Any) -> None:
    """`validate_call` accepts a method, and its JSON schema can be made without a warning."""
    validate_call(method)
    json.dumps(TypeAdapter(method).json_schema())


@pytest.mark.parametrize("function", [CLIENT.trainings.create, ASYNC.trainings.create])
def test_a_training_is_created_by_validated_calls(function: Any) -> None:
    """Positional-only parameters are accepted too."""
    validate_call(function)


def test_a_validated_call() -> None:
    """A validated method gets the usual arguments; null stands for an option that is not given."""
    get = validate_call(CLIENT.predictions.get)
    prediction = CLIENT.predictions.get("p1")
    assert get("p1").id == get(prediction_id="p1").id == get(prediction).id == "p1"
    adapter: Any = TypeAdapter(CLIENT.predictions.get)
    tool = {"prediction": "p1", "timeout": 3, "max_retries": None, "id": None}
    assert adapter.validate_json(json.dumps(tool)).id == "p1"
    with pytest.raises(ValidationError):
        get("p1", timeout="soon")


def test_a_tool_of_ones_own_takes_no_options(tmp_path: Path) -> None:
    """A tool is called with its own parameters only, and its schema has no others."""

    def paint(prompt: str) -> str:
        return str(CLIENT.run("owner/model", input={"prompt": prompt}))

    tool: Any = TypeAdapter(paint)
    assert tool.validate_json('{"prompt": "a boat"}')
    assert [*tool.json_schema()["properties"]] == ["prompt"]
    with pytest.raises(ValidationError):
        tool.validate_json(json.dumps({"prompt": "a boat", "save_to": str(tmp_path / "theirs")}))
    assert not (tmp_path / "theirs").exists()


def test_unset() -> None:
    """UNSET is dumped as null, and null is read as UNSET."""
    adapter: Any = TypeAdapter(Unset)
    assert adapter.validate_python(None) is adapter.validate_python(UNSET) is UNSET
    assert adapter.dump_json(UNSET) == b"null"
    assert typing.get_type_hints(CLIENT.models.get)["max_retries"] == int | Unset


def test_pydantic_is_not_loaded() -> None:
    """Making and dumping objects does not load pydantic."""
    code = (
        "import sys, replicate; p = replicate.Prediction(id='a'); p.model_dump(); replicate.FileOutput('https://x/y');"
        "assert 'pydantic' not in sys.modules and 'pydantic_core' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)


def test_a_page_survives_a_dump() -> None:
    """A page, with or without a declared item class, is read back from its dump, in Python and as JSON."""
    page: Any = CLIENT.predictions.list()
    for kind in (Page[Prediction], Page[Any, Prediction], Page):
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        assert adapter.validate_python(page) is page
        read = adapter.validate_json(adapter.dump_json(page))
        assert (read.next, read.previous) == (page.next, page.previous)
        assert adapter.validate_python(dict(page)) == page
        assert read[0]["id"] == page[0].id
        assert isinstance(read[0], Prediction) is (kind is not Page)
    with pytest.raises(ValidationError, match="nonsense"):
        TypeAdapter(Page).validate_python({"nonsense": 1})
