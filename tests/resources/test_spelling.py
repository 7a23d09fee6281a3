"""The names that all versions have had for one argument: which value each sets, and which uses are errors."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from support.colours import got, scripted
from support.sample_models import VERSION

from replicate_api.types import UNSET

MODEL = SimpleNamespace(owner="o", name="n")
NAMES: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    (("o/n",), {}),
    (("o", "n"), {}),
    ((("o", "n"),), {}),
    ((["o", "n"],), {}),
    ((MODEL,), {}),
    (("https://replicate.com/o/n",), {}),
    ((), {"owner": "o", "name": "n"}),
    (("o",), {"name": "n"}),
    ((UNSET, UNSET), {"owner": "o", "name": "n"}),
]
OF_MODEL = [*NAMES, ((), {"model_owner": "o", "model_name": "n"}), ((), {"key": "o/n"}), ((), {"model": MODEL})]
OF_DEPLOYMENT = [*NAMES, ((), {"deployment_owner": "o", "deployment_name": "n"}), ((), {"deployment": "o/n"})]
OF_VERSION: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    *(((*args, "v") if args and args[0] is not UNSET else (), {**words}) for args, words in OF_MODEL[:6]),
    (("o/n:v",), {}),
    (("o/n",), {"version_id": "v"}),
    (("o/n",), {"id": "v"}),
    (("o", "n"), {"id": "v"}),
    (("o/n", SimpleNamespace(id="v")), {}),
    ((), {"model_owner": "o", "model_name": "n", "version_id": "v"}),
    ((), {"owner": "o", "name": "n", "version_id": "v"}),
]
RELEASE: dict[str, Any] = {"hardware": "cpu", "min_instances": 0, "max_instances": 1}


class Server:
    """Responds to every request, and records it."""

    def __init__(self) -> None:
        self.requests = list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return (
            httpx.Response(204) if request.method == "DELETE" else httpx.Response(200, json={"id": "x", "results": []})
        )


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def client(colour: str, server: Server) -> Any:
    return scripted(colour, server)


@pytest.mark.parametrize(("positional", "words"), OF_MODEL, ids=repr)
async def test_every_way_to_name_a_model(client: Any, server: Server, positional: Any, words: Any) -> None:
    """A model is named as a whole or by owner and name, by position or by the keywords of any version."""
    await got(client.models.get(*positional, **words))
    await got(client.models.update(*positional, **words, readme="# Hi"))
    await got(client.models.delete(*positional, **words))
    await got(client.models.readme.get(*positional, **words))
    await got(client.models.examples.list(*positional, **words))
    await got(client.models.versions.list(*positional, **words))
    assert [request.url.path.removeprefix("/v1/models/o/n") for request in server.requests] == [
        "", "", "", "/readme", "/examples", "/versions",
    ]  # fmt: skip


@pytest.mark.parametrize(("positional", "words"), OF_DEPLOYMENT, ids=repr)
async def test_every_way_to_name_a_deployment(client: Any, server: Server, positional: Any, words: Any) -> None:
    """A deployment is named in the same ways as a model."""
    await got(client.deployments.get(*positional, **words))
    await got(client.deployments.update(*positional, **words, version="o/n:v", hardware=SimpleNamespace(sku="gpu")))
    assert await got(client.deployments.delete(*positional, **words)) is True
    assert {request.url.path for request in server.requests} == {"/v1/deployments/o/n"}
    assert server.requests[1].read() == b'{"version":"v","hardware":"gpu"}'


@pytest.mark.parametrize(("positional", "words"), OF_VERSION, ids=repr)
async def test_every_way_to_name_a_version(client: Any, server: Server, positional: Any, words: Any) -> None:
    """A version is named by owner, name and id, by a model and id, or in one text."""
    await got(client.models.versions.get(*positional, **words))
    assert await got(client.models.versions.delete(*positional, **words)) is True
    assert {request.url.path for request in server.requests} == {"/v1/models/o/n/versions/v"}


@pytest.mark.parametrize(
    ("name", "words", "path"),
    [
        ("predictions.get", ("prediction_id", "id"), "/predictions/x"),
        ("predictions.cancel", ("prediction_id", "id"), "/predictions/x/cancel"),
        ("trainings.get", ("training_id", "id"), "/trainings/x"),
        ("trainings.cancel", ("training_id", "id"), "/trainings/x/cancel"),
        ("files.get", ("file_id", "id"), "/files/x"),
        ("files.delete", ("file_id", "id"), "/files/x"),
        ("collections.get", ("collection_slug", "slug"), "/collections/x"),
    ],
)
async def test_every_way_to_give_an_id(
    client: Any, server: Server, name: str, words: tuple[str, str], path: str
) -> None:
    """An id is given by position, by the keyword of any version, or by an object that has it."""
    noun, verb = name.split(".")
    method = getattr(getattr(client, noun), verb)
    for answer in (method("x"), method(SimpleNamespace(**{words[1]: "x"})), *(method(**{word: "x"}) for word in words)):
        await got(answer)
    assert [request.url.path for request in server.requests] == [f"/v1{path}"] * 4
    with pytest.raises(TypeError, match=f"{words[0]} is given more than once: {words[1]}, by position"):
        await got(method("x", **{words[1]: "x"}))
    with pytest.raises(TypeError, match=f"{words[0]} is missing"):
        await got(method())
    with pytest.raises(TypeError, match=f"{words[0]} must be a str"):
        await got(method(1.5))
    for other in ("..", "."):
        with pytest.raises(ValueError, match=f"{words[0]} must name something"):
            await got(method(other))
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("positional", "words", "error", "says"),
    [
        (("o", "n"), {"name": "n"}, TypeError, "model_name is given more than once: name, by position"),
        (("o",), {"owner": "o", "name": "n"}, TypeError, "model_owner is given more than once"),
        (("o/n",), {"key": "o/n"}, TypeError, "model is given more than once: key, by position"),
        ((), {"model_name": "n"}, TypeError, "model_owner is missing"),
        ((), {"owner": "o"}, TypeError, "model_name is missing"),
        (("o/n",), {"owner": "o"}, TypeError, "model_name is missing"),
        ((), {"owner": "o", "name": "n", "key": "o/n"}, TypeError, "model is given more than once: by owner"),
        ((7,), {}, TypeError, "int"),
        (("o/n:v",), {}, ValueError, "names a version"),
        ((VERSION,), {}, ValueError, "names a version"),
        (("o", ""), {}, ValueError, "Expected a non-empty value for `model_name` but received ''"),
    ],
)
async def test_a_wrong_name_of_a_model(
    client: Any, server: Server, positional: Any, words: Any, error: type[Exception], says: str
) -> None:
    """Missing, duplicate and wrong parts are named, and nothing is sent."""
    with pytest.raises(error, match=says):
        await got(client.models.get(*positional, **words))
    assert server.requests == []


@pytest.mark.parametrize(
    ("words", "method", "path", "body"),
    [
        ({"version": "v"}, "POST", "/predictions", {"version": "v"}),
        ({"version": "o/n"}, "POST", "/predictions", {"version": "o/n"}),
        ({"version": "o/n:v"}, "POST", "/predictions", {"version": "o/n:v"}),
        ({"version": SimpleNamespace(id=VERSION)}, "POST", "/predictions", {"version": VERSION}),
        ({"model": "o/n"}, "POST", "/models/o/n/predictions", {}),
        ({"model": ("o", "n")}, "POST", "/models/o/n/predictions", {}),
        ({"model": MODEL}, "POST", "/models/o/n/predictions", {}),
        ({"deployment": "o/n"}, "POST", "/deployments/o/n/predictions", {}),
        ({"deployment": MODEL}, "POST", "/deployments/o/n/predictions", {}),
    ],
)
async def test_a_prediction_of_each_kind(
    client: Any, server: Server, words: Any, method: str, path: str, body: dict[str, Any]
) -> None:
    """`predictions.create` takes a version, a model or a deployment in each form, and all options."""
    await got(
        client.predictions.create(
            **words,
            input={"file": b"abc"},
            wait=5,
            cancel_after="1m",
            stream=True,
            webhook="https://example.com",
            webhook_events_filter=["start"],
            file_encoding_strategy="base64",
        )
    )
    [request] = server.requests
    assert (request.method, request.url.path) == (method, f"/v1{path}")
    assert json.loads(request.read()) == {
        **body,
        "input": {"file": "data:application/octet-stream;base64,YWJj"},
        "stream": True,
        "webhook": "https://example.com",
        "webhook_events_filter": ["start"],
    }
    assert (request.headers["prefer"], request.headers["cancel-after"]) == ("wait=5", "1m")


@pytest.mark.parametrize("words", [{}, {"version": "v", "model": "o/n"}, {"model": "o/n", "deployment": "o/n"}])
async def test_a_prediction_of_exactly_one_thing(client: Any, server: Server, words: Any) -> None:
    """Exactly one of version, model and deployment must be given."""
    with pytest.raises(TypeError, match="exactly one of version="):
        await got(client.predictions.create(**words, input={}))
    assert server.requests == []


@pytest.mark.parametrize("noun", ["models", "deployments"])
async def test_predictions_of_models_and_deployments(client: Any, server: Server, noun: str) -> None:
    """`models.predictions.create` and `deployments.predictions.create` take the forms of versions 1 and 2."""
    create = getattr(client, noun).predictions.create
    one = noun.removesuffix("s")
    await got(create("o/n", {"a": 1}, wait=True))
    await got(create(("o", "n"), input={"a": 1}, prefer="wait"))
    await got(create(**{f"{one}_owner": "o", f"{one}_name": "n"}, input={"a": 1}, wait=True))
    assert {request.url.path for request in server.requests} == {f"/v1/{noun}/o/n/predictions"}
    assert {request.headers["prefer"] for request in server.requests} == {"wait"}
    assert {request.read() for request in server.requests} == {b'{"input":{"a":1}}'}


async def test_unset_is_not_given(client: Any, server: Server) -> None:
    """An option that is "not given" is treated as absent."""
    unset: dict[str, Any] = dict.fromkeys(("wait", "prefer", "webhook", "stream", "timeout", "extra_headers"), UNSET)
    await got(client.predictions.create("v", {"a": 1}, model=UNSET, **unset))
    [request] = server.requests
    assert request.read() == b'{"input":{"a":1},"version":"v"}'
    assert "prefer" not in request.headers
    await got(client.predictions.get("x", timeout=UNSET, max_retries=UNSET))


async def test_creating_a_deployment(client: Any, server: Server) -> None:
    """Name, model and version are accepted in any form; the plain name and the version's id are sent."""
    for name, model, version in (("n", "o/n", "v"), ("me/n", ("o", "n"), "o/n:v"), ("n", MODEL, "v")):
        await got(client.deployments.create(name=name, model=model, version=version, **RELEASE))
    expected = b'{"name":"n","model":"o/n","version":"v","hardware":"cpu","min_instances":0,"max_instances":1}'
    assert {request.read() for request in server.requests} == {expected}


async def test_creating_and_changing_a_model(client: Any, server: Server) -> None:
    """Owner and name can be positional; absent fields are not sent."""
    await got(client.models.create("o", "n", hardware=SimpleNamespace(sku="cpu"), visibility="private"))
    await got(client.models.update("o/n", readme="# Hi", description=None))
    assert [request.read() for request in server.requests] == [
        b'{"owner":"o","name":"n","visibility":"private","hardware":"cpu"}',
        b'{"description":null,"readme":"# Hi"}',
    ]


async def test_searching_models(client: Any, server: Server) -> None:
    """The search text is given by position or by either keyword, and is sent as plain text."""
    for search in (client.models.search("a b"), client.models.search(query="a b"), client.models.search(body="a b")):
        await got(search)
    assert {(request.method, request.read()) for request in server.requests} == {("QUERY", b"a b")}
    with pytest.raises(TypeError, match="query is missing"):
        await got(client.models.search())


@pytest.mark.parametrize(
    "form",
    [
        lambda create, path: create(path),
        lambda create, path: create(file=str(path)),
        lambda create, path: create(content=path),
        lambda create, path: create(io.BytesIO(path.read_bytes()), filename="a.png"),
        lambda create, path: create(path.read_bytes(), filename="a.png"),
        lambda create, path: create(content=path.read_bytes(), filename="a.png", type="image/png"),
        lambda create, path: create(("a.png", path.read_bytes())),
        lambda create, path: create(content=("a.png", path.read_bytes(), "image/png")),
        lambda create, path: create(("b.png", path.read_bytes(), None, {}), filename="a.png", content_type="image/png"),
    ],
)
async def test_every_way_to_give_a_file(client: Any, server: Server, tmp_path: Any, form: Any) -> None:
    """A file is a path, a handle, bytes, or a tuple of name, content and type, with the keyword of any version."""
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    await got(form(client.files.create, path))
    [request] = server.requests
    sent = request.read()
    assert b'name="content"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG' in sent


async def test_an_invalid_file(client: Any, server: Server) -> None:
    """A value that is not a file, or a type given twice, is refused before anything is sent."""
    for wrong in (7, ("a",), (1, b"x"), {"a": 1}):
        with pytest.raises(TypeError, match="file"):
            await got(client.files.create(wrong))
    with pytest.raises(TypeError, match="content_type is given more than once: content_type, type"):
        await got(client.files.create(b"x", content_type="a/b", type="a/b"))
    assert server.requests == []


async def test_none_leaves_a_setting_unchanged(client: Any, server: Server) -> None:
    """In an update of a deployment, None is treated as absent."""
    await got(client.deployments.update("o/d", min_instances=None, hardware=None, version=None, max_instances=2))
    assert json.loads(server.requests[0].read()) == {"max_instances": 2}
