"""The requests that endpoints build: they address the named resource, and contain only what was given."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import pkgutil
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate_api import api, models, types
from replicate_api.api.deployments import deployments_update
from replicate_api.api.files import files_download
from replicate_api.api.models import models_get, models_list, models_predictions_create, models_versions_delete
from replicate_api.api.predictions import predictions_create, predictions_get, predictions_list
from replicate_api.api.search import search

if TYPE_CHECKING:
    from collections.abc import Callable

WITH_PATH: list[tuple[Callable[..., types.Request], list[str], dict[str, Any]]] = []
for info in pkgutil.walk_packages(api.__path__, f"{api.__name__}."):
    if info.name.count(".") == 3:
        build = importlib.import_module(info.name).build_request
        parameters = inspect.signature(build).parameters.values()
        names = [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
        needed = {one.name: {} for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty}
        if names:
            WITH_PATH.append((build, names, needed))

every_path = pytest.mark.parametrize(
    ("build", "names", "needed"), WITH_PATH, ids=[build.__module__.rpartition(".")[2] for build, _, _ in WITH_PATH]
)

ODD = [
    "a/b",
    "a?b",
    "a#b",
    "a b",
    "é",
    "a%2Fb",
    "a&b=c",
    "../x",
    "%2e%2e",
    ";",
    "\\",
    "日本",
    "a\r\nb",
    "…",
    "a:b",
    "@",
]


# ---- paths


@every_path
def test_path_parameters_are_quoted_into_one_segment(
    build: Callable[..., types.Request], names: list[str], needed: dict[str, Any]
) -> None:
    """Any path parameter stays one segment of the path, and the server decodes it to the same text."""
    plain = build(*names, **needed).path.split("/")
    for index, name in enumerate(names):
        for odd in ODD:
            values = [odd if number == index else other for number, other in enumerate(names)]
            path = build(*values, **needed).path
            assert path.isascii()
            assert [unquote(part) for part in path.split("/")] == [odd if part == name else part for part in plain]


@every_path
@pytest.mark.parametrize("nothing", ["", ".", "..", None, True, b"x", 1.5, object()])
def test_path_parameters_that_would_address_something_else_raise(
    build: Callable[..., types.Request], names: list[str], needed: dict[str, Any], nothing: Any
) -> None:
    """An empty or dot segment, or a value that is neither str nor int, raises an error that names the parameter."""
    for index, name in enumerate(names):
        values = [nothing if number == index else other for number, other in enumerate(names)]
        with pytest.raises((ValueError, TypeError), match=name):
            build(*values, **needed)


@given(st.text())
def test_a_segment_is_read_back_or_refused(text: str) -> None:
    """Any text is either quoted so that the server decodes it to the same text, or refused before it is sent."""
    try:
        quoted = types.segment("name", text)
    except ValueError:
        assert text in {"", ".", ".."} or any(0xD800 <= ord(character) <= 0xDFFF for character in text)
    else:
        assert unquote(quoted) == text
        assert not set(quoted) & set("/?#\\ ")
        assert quoted not in {"", ".", ".."}


def test_deleting_a_version_never_deletes_the_model() -> None:
    """A version id of `..` would make the request DELETE /models/o/n, so it raises ValueError."""
    with pytest.raises(ValueError, match="version_id must name something"):
        models_versions_delete.build_request("o", "n", "..")


def test_an_integer_is_a_valid_name() -> None:
    """A name can be given as an int."""
    assert predictions_get.build_request(7).path == "/predictions/7"  # type: ignore[arg-type]


# ---- queries and headers


def test_absent_parameters_are_not_sent() -> None:
    """Nothing is sent for parameters that are left out, UNSET or None, so the server's defaults apply."""
    assert models_list.build_request() == types.Request("GET", "/models")
    assert models_list.build_request(sort_by=None, sort_direction=types.UNSET) == types.Request("GET", "/models")
    assert search.build_request(query="x").query == (("query", "x"),)
    request = predictions_create.build_request(body={"input": {}}, prefer=None)
    assert request.headers == {}


def test_headers_have_their_http_names() -> None:
    """Header parameters have Python names, and are sent under their HTTP names."""
    request = models_predictions_create.build_request("o", "n", body={}, prefer="wait=5", cancel_after="1m")
    assert request.headers == {"Prefer": "wait=5", "Cancel-After": "1m"}


@given(
    st.datetimes(
        min_value=datetime(1000, 1, 1),  # noqa: DTZ001
        max_value=datetime(9000, 1, 1),  # noqa: DTZ001
        timezones=st.none()
        | st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(
            lambda delta: timezone(timedelta(minutes=delta // timedelta(minutes=1)))
        ),
    )
)
def test_a_query_time_keeps_its_offset(moment: datetime) -> None:
    """A time is sent with its offset, as the same moment; a time without a zone is local time."""
    ((name, text),) = predictions_list.build_request(created_after=moment).query
    read = datetime.fromisoformat(text)
    assert name == "created_after"
    assert read.tzinfo is not None
    assert read == (moment if moment.tzinfo else moment.astimezone())
    assert not moment.tzinfo or read.utcoffset() == moment.utcoffset()


def test_numbers_and_flags_in_a_query() -> None:
    """Numbers are sent in digits, flags in lower case."""
    request = files_download.build_request("f", owner="o", expiry=12, signature="a+/=&")
    assert dict(request.query) == {"owner": "o", "expiry": "12", "signature": "a+/=&"}
    assert types.query(flag=True, other=False) == (("flag", "true"), ("other", "false"))


def test_an_unknown_choice_is_sent() -> None:
    """A query parameter with listed values accepts any other value too: the API decides."""
    assert models_list.build_request(sort_direction="up").query == (("sort_direction", "up"),)  # type: ignore[arg-type]
    assert predictions_list.build_request(source="api").query == (("source", "api"),)  # type: ignore[arg-type]


def test_an_unknown_parameter_is_a_type_error() -> None:
    """A misspelled keyword is a TypeError."""
    with pytest.raises(TypeError):
        models_list.build_request(sort="asc")  # type: ignore[call-arg]


# ---- bodies


def test_a_body_is_a_model_or_a_mapping() -> None:
    """A model and a mapping both give plain data, without unset fields."""
    wanted = {"version": "v", "input": {"n": 1}, "webhook_events_filter": ["completed"]}
    model = models.VersionPredictionRequest(version="v", input={"n": 1}, webhook_events_filter=["completed"])
    assert predictions_create.build_request(body=model).json == wanted
    assert predictions_create.build_request(body={**wanted, "stream": types.UNSET}).json == wanted


def test_null_in_a_body_is_sent_and_nested_models_are_plain() -> None:
    """None in a body is JSON null; models and times inside it become plain data."""
    moment = datetime(2024, 1, 2, tzinfo=UTC)
    urls = models.PredictionUrls(get="g", cancel="c")
    body = {"input": {"none": None, "when": moment, "urls": [urls], "pair": (1, 2)}}
    assert predictions_create.build_request(body=body).json == {
        "input": {
            "none": None,
            "when": "2024-01-02T00:00:00+00:00",
            "urls": [{"get": "g", "cancel": "c"}],
            "pair": [1, 2],
        }
    }


def test_a_body_is_optional_only_for_updates() -> None:
    """Only the two updates can be built without a body; every other endpoint with a body requires it."""
    assert deployments_update.build_request("o", "n").json is types.UNSET
    with pytest.raises(TypeError, match="body"):
        predictions_create.build_request()  # type: ignore[call-arg]


def test_building_copies_the_body() -> None:
    """The request holds a copy: the caller's body is not changed, and later changes to it have no effect."""
    body = {"input": {"prompts": ["a"]}}
    request = predictions_create.build_request(body=body)
    body["input"]["prompts"].append("b")
    assert request.json == {"input": {"prompts": ["a"]}}


def test_a_request_is_a_value() -> None:
    """Requests compare by value, and copies and pickles keep UNSET as the same object."""
    request = models_get.build_request("o", "n")
    for twin in (copy.copy(request), copy.deepcopy(request), pickle.loads(pickle.dumps(request))):
        assert twin == request
        assert twin.json is types.UNSET
