"""What the names of earlier versions can do, beyond existing."""

from __future__ import annotations

import asyncio
import inspect
import pydoc
import sys
from importlib import import_module
from io import BytesIO
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from compat.test_paths import fresh

import replicate
from replicate import exceptions
from replicate._compat.version1 import encode_json, upload_file
from replicate.types import models as types_of_models

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENTS = b"event: output\nid: 1\ndata: Hello\n\nevent: done\nid: 2\ndata: {}\n\n"

STARTING = "webhook webhook_completed webhook_events_filter stream wait file_encoding_strategy"
PARAMETERS_OF_VERSION_1 = {
    "deployments.create": "name model version hardware min_instances max_instances",
    "deployments.predictions.create": STARTING,
    "deployments.update": "version hardware min_instances max_instances",
    "files.create": "filename content_type metadata",
    "models.create": "hardware visibility description github_url paper_url license_url cover_image_url",
    "models.predictions.create": STARTING,
    "predictions.create": STARTING,
    "run": STARTING,
    "stream": STARTING,
    "trainings.create": "destination webhook webhook_completed webhook_events_filter file_encoding_strategy",
}
"""The parameters that version 1 took as `**params`."""


@pytest.fixture
def client() -> Iterator[replicate.Client]:
    """Return a client whose responses repeat the request."""

    def answer(request: httpx.Request) -> httpx.Response:
        if "text/event-stream" in request.headers["accept"]:
            return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=EVENTS)
        return httpx.Response(200, json={"path": request.url.path})

    with replicate.Client("t", transport=httpx.MockTransport(answer)) as client:
        yield client


# ---- modules


def test_modules_have_their_earlier_names() -> None:
    """Modules that exist as files also have the names of earlier versions, list them, and refuse others."""
    module = import_module("replicate.client")
    assert module.run is import_module("replicate.run").run
    assert module.Hardware is import_module("replicate.resources.hardware").HardwareNamespace
    assert {"Client", "ReplicateError", "run"} <= {*dir(module)}
    assert "ModelsResource" in dir(import_module("replicate.resources.models"))
    with pytest.raises(AttributeError, match=r"module 'replicate\.client' has no attribute 'nonsense'"):
        module.nonsense  # noqa: B018
    with pytest.raises(AttributeError, match=r"module 'replicate\.resources\.models' has no attribute 'nonsense'"):
        import_module("replicate.resources.models").nonsense  # noqa: B018


def test_a_module_below_a_file_replaces_none_of_its_names() -> None:
    """After `import replicate.resources.models.models`, the modules above it still have their own `models`."""
    code = (
        "import replicate.resources.models.models, replicate.resources.webhooks.webhooks, sys;"
        "import replicate.types.prediction, replicate.types.models.version_get_response;"
        "from replicate.types import prediction; import replicate_api.models;"
        "above = sys.modules['replicate.resources.models'];"
        "print(above.models is replicate_api.models, above.models.Prediction is not None, prediction.Metrics.__name__,"
        " sys.modules['replicate.resources.models.models'].ModelsResource is above.Models,"
        " replicate.resources.webhooks.webhooks.DefaultResource.__name__)"
    )
    assert fresh(code) == "True True PredictionMetrics True DefaultWebhook"


def test_modules_are_attributes_before_they_are_imported() -> None:
    """Modules of types and of resources are attributes of their packages as soon as `replicate` has been imported."""
    code = (
        "import replicate; print(replicate.types.prediction.URLs.__name__, replicate.types.models.VersionGetResponse,"
        "replicate.resources.files.FilesResource, replicate.types.webhooks.default.SecretGetResponse)"
    )
    assert "FileUrls" not in (shown := fresh(code))
    assert shown.startswith("PredictionUrls")
    assert fresh(
        "import replicate; print(hasattr(replicate.types, 'nonsense'), hasattr(replicate.resources, 'a'))"
    ) == ("False False")


def test_a_reimported_module_replaces_the_first_one() -> None:
    """A module that is imported again after its removal from `sys.modules` becomes the package's attribute too."""
    code = (
        "import sys, importlib, replicate.resources.files as first; del sys.modules['replicate.resources.files'];"
        "second = importlib.import_module('replicate.resources.files'); import replicate;"
        "print(first is second, replicate.resources.files is second, second.FilesResource is second.Files)"
    )
    assert fresh(code) == "False True True"


def test_early_functions_cost_nothing() -> None:
    """Importing the client loads none of the functions of earlier versions."""
    code = "import sys, replicate.client; print('replicate._compat.version1' in sys.modules)"
    assert fresh(code) == "False"


# ---- classes


@pytest.mark.parametrize(
    ("kind", "data", "fields"),
    [
        ("prediction", {"urls": {}, "metrics": {}}, {"urls": "URLs", "metrics": "Metrics"}),
        ("file_get_response", {"urls": {}, "checksums": {}}, {"urls": "URLs", "checksums": "Checksums"}),
        (
            "training_get_response",
            {"urls": {}, "metrics": {}, "output": {}},
            {"urls": "URLs", "metrics": "Metrics", "output": "Output"},
        ),
        (
            "deployment_get_response",
            {"current_release": {"configuration": {}, "created_by": {}}},
            {
                "current_release": "CurrentRelease",
                "current_release.configuration": "CurrentReleaseConfiguration",
            },
        ),
    ],
)
def test_nested_types(kind: str, data: dict[str, Any], fields: dict[str, str]) -> None:
    """A nested object has the class that bears its name in version 2's module of the outer object."""
    module = import_module(f"replicate.types.{kind}")
    [noun] = [name for name in module.__all__ if name == "Prediction" or name.endswith("Response")]
    made = getattr(module, noun).model_validate(data)
    for field, name in fields.items():
        assert isinstance(attrgetter(field)(made), getattr(module, name))


def test_classes_for_raw_responses(client: replicate.Client) -> None:
    """`ModelsResourceWithRawResponse(client.models)` returns what `client.models.with_raw_response` is."""
    resources, models = import_module("replicate.resources"), import_module("replicate.resources.models")
    for kind in (resources.ModelsResourceWithRawResponse, models.AsyncModelsResourceWithRawResponse):
        assert kind(client.models).get("o/n").http_response.json() == {"path": "/v1/models/o/n"}
    with resources.ModelsResourceWithStreamingResponse(client.models).get("o/n") as answer:
        assert answer.status_code == 200
    with pytest.raises(AttributeError, match="ModelsResourceWithNonsense"):
        resources.ModelsResourceWithNonsense  # noqa: B018


@pytest.mark.parametrize(
    "name",
    [
        "Page",
        "FileOutput",
        "OutputIterator",
        "Stream",
        "AsyncStream",
        "Prediction",
        "pagination.BasePage",
        "pagination.SyncCursorURLPage",
        "pagination.AsyncCursorURLPage",
        "pagination.SyncCursorURLPageWithCreatedFilters",
        "lib._predictions_use.AsyncOutputIterator",
        "lib._predictions_use.AsyncRun",
        "lib._predictions_use.SyncOutputIterator",
    ],
)
def test_generic_names_take_one_argument(name: str) -> None:
    """At run time, generic classes take the one argument that they took in earlier versions."""
    path, _, last = f"replicate.{name}".rpartition(".")
    kind = getattr(import_module(path), last)
    assert kind[replicate.Prediction].__origin__ is kind
    assert replicate.Prediction in kind[replicate.Prediction].__args__


def test_pages_with_two_arguments() -> None:
    """`Page[Sync, Prediction]`, as in this version, keeps both arguments."""
    assert replicate.Page[int, str].__args__ == (int, str)
    assert replicate.Page[str].__args__ == (Any, str)


def test_pages_are_of_their_class() -> None:
    """A page is an instance of version 2's class for its colour, and of no other."""
    pagination = import_module("replicate.pagination")
    listed = httpx.MockTransport(lambda _: httpx.Response(200, json={"results": []}))

    async def ask() -> Any:
        http_client = httpx.AsyncClient(transport=listed)
        async with replicate.AsyncReplicate(bearer_token="t", http_client=http_client) as client:
            return await client.models.list()

    with replicate.Client("t", transport=listed) as blocking:
        pages = blocking.models.list(), asyncio.run(ask())
    for end in ("", "WithCreatedFilters"):
        kinds = [getattr(pagination, f"{colour}CursorURLPage{end}") for colour in ("Sync", "Async")]
        assert [[isinstance(page, kind) for kind in kinds] for page in pages] == [[True, False], [False, True]]
    assert all(isinstance(page, pagination.BasePage) for page in pages)


def test_all_errors() -> None:
    """`replicate.exceptions.__all__` names each error, and nothing else."""
    errors = {name for name, value in vars(exceptions).items() if isinstance(value, type)}
    assert {*exceptions.__all__} == errors
    assert len(exceptions.__all__) == len(errors)


def test_the_url_of_a_file() -> None:
    """`__url__` of a file is its URL."""
    url = "https://replicate.delivery/a.png"
    assert replicate.FileOutput(url).__url__ == url
    prediction = replicate.Prediction.model_validate({"id": "p", "status": "succeeded", "output": url})
    assert prediction.output.__url__ == url


# ---- clients


@pytest.mark.parametrize("kind", [replicate.Client, replicate.Replicate, replicate.AsyncReplicate])
@pytest.mark.parametrize("name", ["copy", "with_options"])
def test_copy_and_with_options_show_their_parameters(kind: Any, name: str) -> None:
    """`inspect.signature` and `help` show each parameter of `copy` and `with_options`, on a class and on a client."""
    of_class = inspect.signature(getattr(kind, name))
    of_client = inspect.signature(getattr(kind(bearer_token="t"), name))
    expected = {"bearer_token", "base_url", "default_headers", "set_default_query", "timeout", "max_retries"}
    assert expected <= of_client.parameters.keys()
    assert [*of_class.parameters] == ["self", *of_client.parameters]
    assert "set_default_headers" in pydoc.render_doc(getattr(kind, name))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://one.test/v1", "https://one.test/v1/"),
        ("https://one.test/v1/", "https://one.test/v1/"),
        ("https://one.test/a%20b//", "https://one.test/a%20b/"),
        ("https://one.test", "https://one.test/"),
        (httpx.URL("https://one.test:8080/x"), "https://one.test:8080/x/"),
    ],
)
def test_base_urls_end_in_a_slash(given: Any, shown: str) -> None:
    """`base_url` ends in one slash, so that joined paths are below it; requests go to the same URLs as before."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={})

    transport = httpx.Client(transport=httpx.MockTransport(answer))
    with replicate.Replicate(bearer_token="t", base_url=given, http_client=transport) as client:
        assert isinstance(client.base_url, httpx.URL)
        assert str(client.base_url) == shown
        assert str(client.base_url.join("models")) == f"{shown}models"
        client.get("/models")
        client.copy(base_url=client.base_url).get("models")
        client.base_url = client.base_url
        assert str(client.base_url) == shown
        assert client._session.config.base_url == client.copy(base_url=client.base_url)._session.config.base_url
        assert asked == [f"{shown}models"] * 2


def test_the_base_url_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL in REPLICATE_BASE_URL and the default one end in a slash too."""
    assert str(replicate.Client("t").base_url) == "https://api.replicate.com/v1/"
    for address in ("https://two.test", "https://two.test/", "https://two.test/v1/"):
        monkeypatch.setenv("REPLICATE_BASE_URL", address)
        assert str(replicate.Client("t").base_url) == "https://two.test/v1/"


@pytest.mark.parametrize("name", PARAMETERS_OF_VERSION_1)
@pytest.mark.parametrize("prefix", ["", "async_"])
def test_parameters_of_version_1(client: replicate.Client, name: str, prefix: str) -> None:
    """Methods have, and show, the parameters that version 1 took as `**params`."""
    path, _, last = name.rpartition(".")
    owner = attrgetter(path)(client) if path else client
    takes = inspect.signature(getattr(owner, f"{prefix}{last}")).parameters
    assert [name for name in PARAMETERS_OF_VERSION_1[name].split() if name not in takes] == []


def test_paths_of_requests(client: replicate.Client) -> None:
    """Low-level requests take `path` by name, as in version 2; giving it twice or not at all is a TypeError."""
    for method in (client.get, client.post, client.put, client.patch, client.delete, client.query):
        assert method(path="/a", cast_to=dict) == {"path": "/v1/a"}
        assert method(path="/a").json() == method("/a").json()
        with pytest.raises(TypeError, match="url is given more than once: url, path"):
            method("/a", path="/b")
        with pytest.raises(TypeError, match="url is missing"):
            method()
    assert client.request("GET", path="/a").json() == {"path": "/v1/a"}


def test_streams_of_requests(client: replicate.Client) -> None:
    """`stream=True, stream_cls=Stream` gives the events of a response, which `with` closes."""
    events: Any = client.get("/a", cast_to=str, stream=True, stream_cls=replicate.Stream[replicate.ServerSentEvent])
    with events:
        assert isinstance(events, replicate.Stream)
        assert [(event.event, str(event)) for event in events] == [("output", "Hello"), ("done", "")]
    assert events.response.is_closed
    with pytest.raises(TypeError, match="pass stream=True with it"):
        client.get("/a", stream_cls=replicate.Stream)
    with client.get("/a", stream=True, headers={"accept": "text/event-stream"}, stream_cls=replicate.Stream) as events:
        assert len([*events]) == 2
    with client.get("/a", stream=True, stream_cls=None) as answer:
        assert answer.json() == {"path": "/v1/a"}


def test_asynchronous_streams_of_requests() -> None:
    """An asynchronous client gives them in `async with` and `async for`."""

    async def ask() -> list[str]:
        answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=EVENTS)
        http_client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer))
        async with replicate.AsyncReplicate(bearer_token="t", http_client=http_client) as client:
            kind: Any = replicate.AsyncStream
            async with await client.post("/a", stream=True, stream_cls=kind) as events:
                found = [str(event) async for event in events]
            assert events.response.is_closed
            return found

    assert asyncio.run(ask()) == ["Hello", ""]


def test_events_for_async_for_of_a_blocking_client(client: replicate.Client) -> None:
    """`stream(…, use_async=True)` gives events for `async for`, as version 2's did."""
    events: Any = client.stream("o/n", {}, use_async=True)
    assert hasattr(events, "__aiter__")
    assert not hasattr(events, "__iter__")
    blocking: Any = client.stream("o/n", {}, False)  # noqa: FBT003 - version 0.34 took use_file_output by position
    assert hasattr(blocking, "__iter__")


# ---- functions


def test_files_as_version_0_sent_them(tmp_path: Path) -> None:
    """`upload_file` returns a data URI; `encode_json` calls a function for the URL of each file."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"abc")
    assert upload_file(BytesIO(b"abc")).endswith(";base64,YWJj")
    early: Any = import_module("replicate.json").encode_json
    value = {"file": path, "more": (BytesIO(b"abc"), 1, "text")}
    read: list[bytes] = []

    def address(file: Any) -> str:
        read.append(file.read())
        return f"https://two.test/{len(read)}"

    encoded = {"file": "https://two.test/1", "more": ["https://two.test/2", 1, "text"]}
    assert early(value, upload_file=address) == encoded
    assert read == [b"abc", b"abc"]
    read.clear()
    value["more"] = (BytesIO(b"abc"), 1, "text")
    assert early(value, address) == encoded
    assert encode_json({"a": {1}, "b": BytesIO(b"abc")})["b"].endswith(";base64,YWJj")


def test_the_type_of_a_readme() -> None:
    """The type of a readme is `str`, also in its own module."""
    assert types_of_models.ReadmeGetResponse is str
    assert import_module("replicate.types.models.readme_get_response").ReadmeGetResponse is str
    assert sys.modules["replicate.types.models"] is types_of_models
