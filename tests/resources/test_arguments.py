"""Wrong arguments are reported by name before anything is sent; and the signatures that methods show."""

from __future__ import annotations

import inspect
import pydoc
import re
from functools import reduce
from importlib import import_module
from typing import Any

import httpx
import pytest
from support.colours import got, scripted
from support.sample_models import VERSION

import replicate
from replicate import AsyncReplicate, Client, Replicate, resources
from replicate._dual.methods import Presenter
from replicate._dual.signatures import call_signature
from replicate.resources.models import Model
from replicate_api.types import UNSET

MODEL: dict[str, Any] = {"owner": "o", "name": "n", "hardware": "cpu", "visibility": "private"}
DEPLOYMENT: dict[str, Any] = {"name": "n", "model": "o/n", "version": "v", "hardware": "cpu"}
RELEASE: dict[str, Any] = {"min_instances": 0, "max_instances": 1}
LINK: dict[str, Any] = {"expiry": 1, "owner": "o", "signature": "s"}
Call = tuple[str, tuple[Any, ...], dict[str, Any], type[Exception], str]


class Server:
    """Responds to every request, and records it."""

    def __init__(self) -> None:
        self.requests = list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        body: Any = {"id": "x", "status": "succeeded", "output": "https://files.example.test/a.png", "results": []}
        return httpx.Response(200, json=[] if request.url.path.endswith("/hardware") else body)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def client(colour: str, server: Server) -> Any:
    return scripted(colour, server)


def found(root: Any, name: str) -> Any:
    return reduce(getattr, name.split("."), root)


UNKNOWN: list[Call] = [
    ("models.update", ("o/m",), {"descripton": "x"}, TypeError, "'descripton'; did you mean 'description'"),
    ("predictions.list", (), {"created_afte": "x"}, TypeError, "did you mean 'created_after'"),
    ("predictions.get", (), {"predictionid": "x"}, TypeError, "did you mean 'prediction_id'"),
    ("run", ("o/n",), {"inputs": {}}, TypeError, "did you mean 'input'"),
    ("predictions.wait", ("x",), {"zzz": 1}, TypeError, "'zzz'; it takes prediction, timeout, on_update, .*id$"),
    ("search", (), {"quer": "x"}, TypeError, "did you mean 'query'"),
]
REFERENCES: list[Call] = [
    ("models.get", ("",), {}, ValueError, "^model must be 'owner/name'.*not ''"),
    ("deployments.get", ("dep",), {}, ValueError, "^deployment must be 'owner/name'.*not 'dep'"),
    ("predictions.create", (), {"version": 7}, TypeError, "^version must be an id.*not int"),
    ("predictions.create", (), {"deployment": 7}, TypeError, "^deployment must be .* not int"),
    ("trainings.create", ("o/n:v", {}, 7), {}, TypeError, "^destination must be 'owner/name'.*not int"),
    ("trainings.create", ("o/n", {"a": 1}, "me/mine"), {}, TypeError, "^version is missing.*'owner/name:id'"),
    ("deployments.create", (), {**DEPLOYMENT, **RELEASE, "model": 7}, TypeError, "^model must be 'owner/name'"),
    ("deployments.create", (), {**DEPLOYMENT, **RELEASE, "model": None}, TypeError, "^model is missing"),
    ("deployments.create", (), {**DEPLOYMENT, **RELEASE, "version": None}, TypeError, "^version is missing"),
    ("models.versions.get", ("",), {}, ValueError, "^model must be 'owner/name'"),
    ("models.versions.get", ("o", "v"), {}, ValueError, "^model must be 'owner/name'.*not 'o'"),
    ("run", (), {}, TypeError, "^ref is missing"),
    ("run", ("o/n",), {"model_version": "o/n:v"}, TypeError, "^ref is given more than once"),
]
KINDS: list[Call] = [
    ("predictions.create", (VERSION, {}), {"wait": "5"}, TypeError, "^wait must be True, False or 1 to 60.*not str"),
    ("predictions.create", (VERSION, {}), {"prefer": 5}, TypeError, "^prefer must be 'wait'.*not int"),
    ("predictions.create", (VERSION, {}), {"cancel_after": 5}, TypeError, "^cancel_after must be a str, not int"),
    ("run", ("o/n", {}), {"cancel_after": "1m\r\nX: y"}, ValueError, "^cancel_after holds a character that no header"),
    ("run", ("o/n", {}), {"cancel_after": "\u0142"}, ValueError, "^cancel_after holds a character that no header"),
    ("run", ("o/n", {}), {"prefer": "a\nb"}, ValueError, "^prefer holds a character that no header can carry"),
    ("run", ("o/n", {}), {"prefer": "wait=61"}, ValueError, "^prefer must be 'wait' or 'wait=1' to 'wait=60'"),
    ("run", ("o/n", {}), {"prefer": "wait", "wait": 5}, TypeError, "^cannot mix and match prefer and wait"),
    ("models.list", (), {"limit": "x"}, TypeError, "^limit must be an int, not str"),
    ("models.list", (), {"limit": 0}, ValueError, "^limit must be 1 or more"),
    ("search", ("x",), {"limit": b"1"}, TypeError, "^limit must be a str, a number or a date, not bytes"),
    ("run", ("o/n", {}), {"timeout": "x"}, TypeError, "^timeout must be a number of seconds for the whole call"),
    ("run", ("o/n", {}), {"timeout": httpx.Timeout(3)}, TypeError, "for the whole call.*not Timeout"),
    ("run", ("o/n", {}), {"timeout": True}, TypeError, "for the whole call.*not bool"),
    ("run", ("o/n", {}), {"timeout": 10**400}, ValueError, "^timeout must be a number of seconds that a float"),
    ("predictions.wait", ("x",), {"timeout": "x"}, TypeError, "^timeout must be a number of seconds"),
    ("predictions.list", ("cD0y",), {}, ValueError, "'cD0y': it is the URL of a page, such as page.next"),
    ("predictions.list", ("/v1/predictions?cursor=x",), {}, ValueError, "it is the URL of a page"),
]


@pytest.mark.parametrize(("name", "args", "words", "error", "says"), [*UNKNOWN, *REFERENCES, *KINDS], ids=repr)
async def test_a_wrong_argument_is_named(
    client: Any, server: Server, name: str, args: Any, words: Any, error: type[Exception], says: str
) -> None:
    """`dict(object)` has all declared fields, missing ones as None, and unknown ones; former dicts are still dicts."""
    with pytest.raises(error, match=says):
        await got(found(client, name)(*args, **words))
    assert server.requests == []


async def test_options_of_calls_can_be_unset(client: Any, server: Server) -> None:
    """Options for running models, waiting and low-level requests can be "not given"."""
    unset: Any = replicate.NOT_GIVEN
    await got(client.run(VERSION, {}, timeout=unset, wait=unset, use_file_output=unset))
    await got(client.predictions.wait("x", timeout=unset))
    await got(client.get("/x", timeout=unset, params=unset, cast_to=unset, stream=unset))
    assert client.use("o/n", timeout=unset).__class__.__name__.endswith("Function")
    assert client.with_options(timeout=unset, max_retries=unset).max_retries == client.max_retries
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("name", "words", "path"),
    [
        ("predictions.get", {"prediction": "x"}, "/predictions/x"),
        ("predictions.wait", {"prediction": "x"}, "/predictions/x"),
        ("trainings.cancel", {"training": "x"}, "/trainings/x/cancel"),
        ("files.get", {"file": "x"}, "/files/x"),
        ("collections.get", {"collection": "x"}, "/collections/x"),
        ("models.get", {"ref": "o/n"}, "/models/o/n"),
        ("deployments.get", {"ref": "o/n"}, "/deployments/o/n"),
        ("models.versions.get", {"ref": "o/n", "version": "v"}, "/models/o/n/versions/v"),
        ("models.search", {"text": "x"}, "/models"),
        ("files.create", {"source": b"x"}, "/files"),
    ],
)
async def test_positional_arguments_can_be_keywords(
    client: Any, server: Server, name: str, words: Any, path: str
) -> None:
    """The name of a positional argument also works as a keyword."""
    await got(found(client, name)(**words))
    assert [request.url.path for request in server.requests] == [f"/v1{path}"]


async def test_run_takes_earlier_arguments(client: Any) -> None:
    """`use_file_output` can be the third positional argument, and `ref` can be called `model_version`."""
    plain: Any = False
    assert await got(client.run(VERSION, {}, plain)) == "https://files.example.test/a.png"
    assert await got(client.run(model_version=VERSION, input={}, use_file_output=False)) == await got(
        client.run(VERSION, {}, use_file_output=False)
    )


def test_an_unknown_setting_of_a_client() -> None:
    """`Client` accepts its own keywords and those of httpx, and names others."""
    with pytest.raises(TypeError, match="'api_tokn'; did you mean 'api_token'"):
        Client("t", api_tokn="x")
    with pytest.raises(TypeError, match=r"'zzz'; it takes api_token, .*verify"):
        Client("t", zzz="x")


def test_an_asynchronous_list_in_a_blocking_loop() -> None:
    """Python itself refuses `for` over an asynchronous list."""
    listing: Any = AsyncReplicate(bearer_token="t").predictions.list()
    with pytest.raises(TypeError, match="object is not iterable"):
        iter(listing)


@pytest.mark.parametrize("root", [Replicate(bearer_token="t"), AsyncReplicate(bearer_token="t"), Replicate, replicate])
def test_signatures_show_all_options(root: Any) -> None:
    """A method's signature has each option as an optional keyword; on a class it also has `self`."""
    method = root.run
    parameters = inspect.signature(method).parameters
    assert [*parameters][: 3 + (root is Replicate)] == ["self"] * (root is Replicate) + [
        "ref",
        "input",
        "use_file_output",
    ]
    for name in ("wait", "prefer", "timeout", "extra_headers"):
        assert (parameters[name].kind, parameters[name].default) == (inspect.Parameter.KEYWORD_ONLY, UNSET)
    assert "prefer: 'str | None' = UNSET" in pydoc.plain(pydoc.render_doc(method))


def test_signatures_show_positional_arguments_and_keywords() -> None:
    """An argument that can be positional or a keyword is shown as both, with its other names."""
    client = Replicate(bearer_token="t")
    assert str(inspect.signature(client.predictions.get)).startswith(
        "(prediction: 'str | Prediction[Any]' = UNSET, *, prediction_id: 'str' = UNSET, id: 'str' = UNSET, "
    )
    assert str(inspect.signature(client.predictions.with_raw_response.get)) == str(
        inspect.signature(client.predictions.get)
    )
    unlisted: Any = client.predictions
    assert inspect.signature(unlisted.async_get) == inspect.signature(client.predictions.get)
    assert inspect.signature(Model.predict).parameters.keys() == {"self", "input"}


@pytest.mark.parametrize("root", [Replicate(bearer_token="t"), AsyncReplicate(bearer_token="t"), Replicate, replicate])
def test_signatures_of_plain_functions(root: Any) -> None:
    """`stream`, which is a plain function in both colours, shows all its parameters too."""
    parameters = inspect.signature(root.stream).parameters
    assert [*parameters][: 2 + (root is Replicate)] == ["self"] * (root is Replicate) + ["ref", "input"]
    assert {"wait", "timeout", "on_update", "use_file_output"} <= {*parameters}
    assert "options" not in parameters
    assert "wait: 'bool | int | None' = UNSET" in pydoc.plain(pydoc.render_doc(root.stream))
    assert "async_stream" in dir(Replicate(bearer_token="t"))


def test_methods_of_classes_are_functions() -> None:
    """A method of a class is called with its owner, and `help` of the class shows its signature."""
    with scripted("blocking", Server()) as client:
        unbound: Any = Replicate.search
        assert unbound(client, "x").models is None
    shown = re.sub(r"[\s|]+", " ", pydoc.plain(pydoc.render_doc(Replicate)))  # 3.13 breaks long signatures into lines
    assert re.search(r"search\( ?self, query: 'str', \*, limit", shown)


@pytest.mark.parametrize("module", ["_client.base", *(f"resources.{noun}" for noun in sorted(resources._NOUNS))])
def test_what_methods_unpack_is_known_where_they_are(module: str) -> None:
    """A method finds the TypedDict that it unpacks in its own module, which imports it not for type checkers only."""
    own = vars(import_module(f"replicate.{module}")).values()
    methods = [each for kind in own if isinstance(kind, type) for each in vars(kind).values()]
    signatures = [str(call_signature(each.function).signature) for each in methods if isinstance(each, Presenter)]
    assert any("extra_headers" in shown for shown in signatures)
    assert not [shown for shown in signatures if "Unpack" in shown]


def test_what_dir_lists() -> None:
    """`dir` has version 1's `async_*` names on blocking objects only, and no internal names."""
    client, other = Replicate(bearer_token="t"), AsyncReplicate(bearer_token="t")
    prediction = replicate.Prediction.model_validate({"id": "x"})
    assert {"async_run", "async_search"} <= {*dir(client)}
    assert "async_get" in dir(client.predictions)
    assert "async_wait" in dir(prediction)
    assert not [name for owner in (other, other.predictions) for name in dir(owner) if name.startswith("async_")]
    assert all(
        callable(getattr(owner, name)) for owner in (client, prediction) for name in dir(owner) if "async_" in name
    )
    assert {"id", "reload"} <= {*dir(prediction)}
    assert not {"bind", "canceler", "decoders", "reader", "renamed", "set_fields", "additional_properties"} & {
        *dir(prediction)
    }
    assert not {"sys", "ModuleType", "TYPE_CHECKING"} & {*dir(replicate)}
    assert isinstance(vars(type(client.predictions))["get"], Presenter)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"webhook": b"x"}, TypeError, "^webhook is bytes, which JSON cannot express"),
        ({"webhook_completed": float("nan")}, ValueError, "^webhook_completed is nan, which JSON cannot express"),
        ({"webhook_events_filter": {"completed"}}, TypeError, "^webhook_events_filter is set, which JSON cannot"),
        ({"stream": object()}, TypeError, "^stream is object, which JSON cannot express"),
        ({"extra_body": {"a": float("nan")}}, ValueError, r"^extra_body\['a'\] is nan, which JSON cannot express"),
        ({"extra_body": {"a": object()}}, TypeError, r"^extra_body\['a'\] is object, which JSON cannot express"),
        ({"extra_headers": {"X Y": "1"}}, ValueError, "'X Y' cannot be the name of a header"),
        ({"extra_headers": {"X": 1}}, TypeError, "the header 'X' must be a str, not int"),
        ({"extra_headers": {"X": b"a\r\nY: b"}}, ValueError, "^the header 'X' holds a control character"),
        ({"extra_headers": {"X": b"a\0"}}, ValueError, "^the header 'X' holds a control character"),
        ({"extra_headers": {"X": "a\ud800"}}, ValueError, "^the header 'X' is no text: surrogates not allowed"),
        ({"extra_headers": {b"X": "a"}}, TypeError, "^the name of a header must be a str, not bytes"),
    ],
)
async def test_options_are_checked_before_files_are_uploaded(colour: str, wrong: Any, error: Any, says: str) -> None:
    """An error in a create is reported before its files are uploaded, and before anything is charged."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"id": "p"})

    client = scripted(colour, answer)
    with pytest.raises(error, match=says):
        await got(client.predictions.create("v", {"file": bytes(2_000_000)}, **wrong))
    assert asked == []


async def test_a_preference_set_as_a_header(colour: str) -> None:
    """A `Prefer` header has the same effect as `prefer=`: the read timeout is longer than the API's wait."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"id": "p", "urls": {"get": "https://files.test/f"}})

    client = scripted(colour, answer, default_headers={"prefer": "wait"})
    await got(client.predictions.create("v", {}))
    await got(client.predictions.create("v", {}, wait=5, extra_body={"a": 1}))
    await got(client.predictions.create("v", {"file": bytes(300_000)}, extra_headers={"Prefer": "wait=7"}))
    assert [(each.url.path, each.headers.get("prefer")) for each in asked] == [
        ("/v1/predictions", "wait"),
        ("/v1/predictions", "wait=5"),
        ("/v1/files", None),
        ("/v1/predictions", "wait=7"),
    ]
    assert asked[0].extensions["timeout"]["read"] == 70


async def test_headers_can_be_omitted(colour: str) -> None:
    """A header given as `omit` is left out, also the token's."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={})

    client = scripted(colour, answer, default_headers={"X-A": "1"})
    omit: Any = replicate.omit
    await got(client.account.get(extra_headers={"x-a": omit, "Authorization": omit}))
    await got(client.get("/account", headers={"X-A": omit}))
    assert "x-a" not in asked[0].headers
    assert "authorization" not in asked[0].headers
    assert "x-a" not in asked[1].headers
    assert asked[1].headers["authorization"].startswith("Bearer ")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"extra_headers": "x"}, "extra_headers must map names to values, not be str"),
        ({"extra_body": 5}, "extra_body must map names to values, not be int"),
        ({"extra_query": [1]}, "extra_query must map names to values, not be list"),
        ({"cancel_on_exit": "no"}, "cancel_on_exit must be True or False, not str"),
        ({"use_file_output": "no"}, "use_file_output must be True or False, not str"),
    ],
)
async def test_options_of_a_run_have_types(colour: str, wrong: Any, says: str) -> None:
    """An option of a wrong type is named, and nothing is sent."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"id": "p"})

    client = scripted(colour, answer)
    with pytest.raises(TypeError, match=says):
        await got(client.run("o/n", {}, **wrong))
    assert asked == []
