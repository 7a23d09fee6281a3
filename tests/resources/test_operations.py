"""Every operation in openapi.json is a method of that name, on both clients and the module."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import httpx
import pytest
from support.colours import got, scripted
from support.operations import ARGUMENTS, BY_METHOD, DOCUMENT, METHODS, OPERATIONS, found

import replicate
from replicate import AsyncReplicate, Client, Replicate
from replicate.resources.models import models_search
from replicate_api.types import UNSET

EXTRA: dict[str, Any] = {
    "extra_headers": {"X-Extra": "h"},
    "extra_query": {"extra": "q"},
    "extra_body": {"extra": "b"},
    "timeout": 7,
    "max_retries": 0,
}
PATHS = {"{collection_slug}": "s", "{file_id}": "f", "{prediction_id}": "p", "{training_id}": "t", "{version_id}": "v"}
PATHS |= dict.fromkeys(("{model_owner}", "{deployment_owner}"), "o")
PATHS |= dict.fromkeys(("{model_name}", "{deployment_name}"), "n")
SAID = {"content": "file", **dict.fromkeys(("model_name", "deployment_name", "version_id"), "is missing")}
"""The name of an argument in error messages."""


class Server:
    """Responds to an operation with success, and records the requests."""

    def __init__(self, name: str) -> None:
        self.name, self.requests = name, list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.name.endswith(".delete"):
            return httpx.Response(204)
        return httpx.Response(200, json=[] if self.name == "hardware.list" else {"id": "i", "results": []})


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("root", [Replicate(bearer_token="t"), AsyncReplicate(bearer_token="t"), Client(), replicate])
def test_every_operation_is_a_method_of_its_name(name: str, root: Any) -> None:
    """The method has the path of its operationId, on all clients and on the module, and a docstring."""
    method = found(root, name)
    assert callable(method)
    text = inspect.getdoc(method) or ""
    assert "Maps to" in text
    assert "Raises" in text


@pytest.mark.parametrize("name", METHODS)
async def test_every_operation_sends_its_request(colour: str, name: str) -> None:
    """Called with version 2's keywords and all request options, a method sends the documented method and path."""
    server = Server(name)
    client = scripted(colour, server)
    # Downloads are cached in the process, so each colour uses another URL.
    own = {"signature": colour} if name == "files.download" else {}
    await got(found(client, name)(**{**ARGUMENTS.get(name, {}), **own}, **EXTRA))
    [request] = server.requests
    method, path = BY_METHOD[name]
    for placeholder, value in PATHS.items():
        path = path.replace(placeholder, value)
    assert (request.method, request.url.path) == (method, f"/v1{path}")
    assert request.headers["X-Extra"] == "h"
    assert request.url.params["extra"] == "q"
    assert request.extensions["timeout"]["write"] == 7
    if method in {"POST", "PATCH"} and name not in {"predictions.cancel", "trainings.cancel"}:
        assert b"extra" in request.read()


def answered_as(name: str) -> list[str]:
    """Return the media types of an operation's successful responses."""
    method, path = OPERATIONS.get(name, ("GET", "/models"))
    responses = DOCUMENT["paths"][path][method.lower()]["responses"]
    return [kind for status, each in responses.items() if status < "300" for kind in each.get("content", {})]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("wanted", [None, "text/x-mine"])
async def test_every_operation_accepts_its_response(colour: str, name: str, wanted: str | None) -> None:
    """The `Accept` header has the media type of the operation's response; the caller's own overrides it."""
    server = Server(name)
    client = scripted(colour, server)
    own = {"signature": f"{colour} {wanted}"} if name == "files.download" else {}
    headers = {"Accept": wanted} if wanted else None
    await got(found(client, name)(**{**ARGUMENTS.get(name, {}), **own}, extra_headers=headers))
    [accepted] = server.requests[0].headers.get_list("Accept")
    if wanted:
        assert accepted == wanted
    else:
        assert accepted in (*answered_as(name), "*/*") or not answered_as(name)
        assert (accepted == "application/json") is ({*answered_as(name)} <= {"application/json"})


async def test_a_clients_accept_overrides_an_operations(colour: str) -> None:
    """A client's default `Accept` is also sent with operations that do not return JSON."""
    server = Server("models.readme.get")
    client = scripted(colour, server, default_headers={"accept": "text/markdown"})
    await got(client.models.readme.get("o/n"))
    assert server.requests[0].headers.get_list("Accept") == ["text/markdown"]


@pytest.mark.parametrize("name", METHODS)
async def test_no_operation_takes_an_unknown_keyword(colour: str, name: str) -> None:
    """An unknown keyword is a TypeError that names it, before anything is sent."""
    server = Server(name)
    client = scripted(colour, server)
    with pytest.raises(TypeError, match="timeot"):
        await got(found(client, name)(**ARGUMENTS.get(name, {}), timeot=3))
    assert server.requests == []


@pytest.mark.parametrize("name", sorted(set(ARGUMENTS) - {"deployments.update"}))
async def test_every_operation_requires_its_arguments(colour: str, name: str) -> None:
    """A missing argument, or one that is "not given", is a TypeError that names it."""
    server = Server(name)
    client = scripted(colour, server)
    for keyword in ARGUMENTS[name]:
        if keyword in {"input", "description"} and not name.startswith("trainings"):
            continue  # a prediction needs no input
        given = {each: value for each, value in ARGUMENTS[name].items() if each != keyword}
        for missing in (given, {**given, keyword: UNSET}):
            with pytest.raises(TypeError, match=SAID.get(keyword, keyword)):
                await got(found(client, name)(**missing))
    assert server.requests == []


@pytest.mark.parametrize("name", METHODS)
async def test_unset_is_not_given(colour: str, name: str) -> None:
    """Every option of every operation can be "not given"."""
    server = Server(name)
    method = found(scripted(colour, server), name)
    own = {"signature": f"{colour} unset"} if name == "files.download" else {}
    options = [each.name for each in inspect.signature(method).parameters.values() if each.kind is each.KEYWORD_ONLY]
    await got(method(**{**dict.fromkeys(options, UNSET), **ARGUMENTS.get(name, {}), **own}))
    assert {"extra_headers", "timeout", "max_retries"} <= {*options}
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_endpoint_can_be_called_by_itself(name: str) -> None:
    """`client.call` sends each generated endpoint with its parameters."""
    method, path = OPERATIONS[name]
    endpoint = import_module(f"replicate_api.api.{name.split('.', maxsplit=1)[0]}.{name.replace('.', '_')}")
    server = Server(name)
    parameters = inspect.signature(endpoint.build_request).parameters
    known: dict[str, Any] = {"body": {"content": b"x"} if name == "files.create" else {}, "expiry": 1}
    given = {
        each: known.get(each, "x") for each, parameter in parameters.items() if parameter.default is parameter.empty
    }
    with scripted("blocking", server) as client:
        client.call(endpoint, **given)
    [request] = server.requests
    assert request.method == method
    assert len(request.url.path.split("/")) == len(path.split("/")) + 1


def test_the_undocumented_endpoint() -> None:
    """`models.search` is an endpoint like the others: it sends its text unchanged, with QUERY."""
    server = Server("models.search")
    with scripted("blocking", server) as client:
        client.call(models_search, "zażółć \N{LINE SEPARATOR}")
    [request] = server.requests
    assert (request.method, request.headers["content-type"]) == ("QUERY", "text/plain")
    assert request.read().decode() == "zażółć \N{LINE SEPARATOR}"


def test_the_table_of_arguments_is_complete() -> None:
    """The tests have arguments for existing operations only, and there are 37 operations."""
    assert set(ARGUMENTS) <= set(BY_METHOD)
    assert len(BY_METHOD) == 37
