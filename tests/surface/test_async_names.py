"""Version 1's `async_*` names: the same methods as coroutines, on clients, namespaces and objects."""

from __future__ import annotations

import asyncio
import inspect
import json
import pickle
from typing import Any
from unittest import mock

import httpx
import pytest

from replicate import AsyncReplicate, Client
from replicate._objects.page import Page
from replicate._objects.paginate import async_paginate
from replicate.resources.models import Model, Models
from replicate.resources.predictions import Prediction, Predictions


class Api:
    """Responds to the requests of these tests; a prediction has succeeded when it is fetched."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        match request.method, request.url.path.removeprefix("/v1"):
            case "GET", "/predictions":
                return httpx.Response(200, json={"results": [{"id": "p1"}], "next": None})
            case "GET", "/predictions/p1":
                return httpx.Response(200, json={"id": "p1", "status": "succeeded", "output": "hi"})
            case "GET", "/stream":
                events = "event: output\ndata: hi\nid: 1\n\nevent: done\ndata: {}\n\n"
                return httpx.Response(200, text=events, headers={"Content-Type": "text/event-stream"})
            case "POST", _:
                body = {"id": "p1", "status": "starting", "urls": {"stream": "https://api.replicate.com/v1/stream"}}
                return httpx.Response(201, json={**body, "input": json.loads(request.content or b"{}").get("input")})
            case _:
                return httpx.Response(404, json={"detail": "no"})


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def client(api: Api) -> Client:
    return Client("r8_test", transport=httpx.MockTransport(api))


def test_namespaces(client: Client, api: Api) -> None:
    """`predictions.async_get` is awaited, on a client whose other methods block."""

    async def main() -> list[Any]:
        predictions: Any = client.predictions
        made = await predictions.async_create("o/n:v", {"a": 1})
        found = await predictions.async_get(made.id)
        listed = await predictions.async_list()
        pages = [page async for page in async_paginate(predictions.async_list)]
        return [made.id, found.output, [each.id for each in listed], len(pages)]

    assert asyncio.run(main()) == ["p1", "hi", ["p1"], 1]
    assert client.predictions.get("p1").output == "hi"
    client.close()


@pytest.mark.parametrize("cursor", [(), (...,)])
def test_pages_work_in_both_loops(client: Client, api: Api, cursor: tuple[Any, ...]) -> None:
    """A page from `async_list` or `async_iter_pages` is iterated with `for`, as in version 1, or with `async for`."""

    async def main() -> None:
        predictions: Any = client.predictions
        listed = await predictions.async_list(*cursor)
        again: Any = [each async for each in client.predictions.list(*cursor).async_iter_pages()]
        for page in (listed, *again):
            assert [each.id for each in page] == [each.id async for each in page] == ["p1"]

    asyncio.run(main())
    client.close()


def test_objects_change_in_place(client: Client) -> None:
    """`prediction.async_wait` waits and updates the prediction itself, which keeps its colour."""
    prediction: Any = client.predictions.create("o/n:v", {})

    async def main() -> Any:
        return await prediction.async_wait()

    assert asyncio.run(main()) is prediction
    assert (prediction.status, prediction.output) == ("succeeded", "hi")
    assert prediction.reload().status == "succeeded"
    client.close()


def test_an_error_reaches_the_caller(client: Client) -> None:
    """An error of the method is raised, and the object stays unchanged."""
    prediction: Any = client.predictions.create("o/n:v", {})
    prediction.__dict__["id"] = "p2"

    async def main() -> None:
        await prediction.async_reload()

    with pytest.raises(Exception, match="404"):
        asyncio.run(main())
    assert prediction.status == "starting"
    client.close()


def test_low_level_requests(client: Client, api: Api) -> None:
    """`_request` and `_async_request` take paths with the API's version, as in version 1."""
    unlisted: Any = client

    async def main() -> httpx.Response:
        answer: httpx.Response = await unlisted._async_request("GET", "/v1/predictions/p1")
        return answer

    assert asyncio.run(main()).json() == unlisted._request("GET", "/v1/predictions/p1").json()
    assert {str(each.url) for each in api.requests} == {"https://api.replicate.com/v1/predictions/p1"}
    client.close()


def test_the_stream_of_a_client_is_awaited_first(client: Client, api: Api) -> None:
    """`client.async_stream` is a coroutine that starts the prediction; its result is iterated with `async for`."""
    model: Any = client

    async def main() -> list[str]:
        events = await asyncio.create_task(model.async_stream("o/n:" + "0" * 64, input={}))
        assert [each.method for each in api.requests] == ["POST"]
        return [str(event) async for event in events]

    assert asyncio.run(main()) == ["hi", ""]
    client.close()


def test_the_stream_of_a_prediction_is_not_awaited(client: Client) -> None:
    """`prediction.async_stream` and `async_output_iterator` return an asynchronous iterator at once."""
    prediction: Any = client.predictions.create("o/n:v", {})

    async def main() -> list[Any]:
        items = prediction.async_output_iterator()
        first = await anext(items)
        return [[str(event) async for event in prediction.async_stream()], first, [each async for each in items]]

    assert asyncio.run(main()) == [["hi", ""], "hi", []]
    client.close()


def test_a_list_is_a_coroutine(client: Client) -> None:
    """`async_list` can be run and scheduled as a coroutine."""
    predictions: Any = client.predictions
    assert [each.id for each in asyncio.run(predictions.async_list())] == ["p1"]
    client.close()


def test_results_work_in_both_colours(client: Client) -> None:
    """A prediction from `async_create` has a blocking `reload` and an `async_reload`, as 1.x programs use them."""
    predictions: Any = client.predictions

    async def main() -> None:
        for made in (await predictions.async_create("o/n:v", {}), (await predictions.async_list())[0]):
            assert made.reload().status == "succeeded"
            made.status = "starting"
            while made.status not in ("succeeded", "failed", "canceled"):
                await made.async_reload()
            assert made.output == "hi"
            assert (await made.async_wait()) is made

    asyncio.run(main())
    assert asyncio.run(predictions.async_get("p1")).reload().status == "succeeded"
    client.close()


def files(kind: str, request: httpx.Request) -> httpx.Response:
    """Respond with a file, alone, in a container or streamed."""
    if request.url.host == "files.example":
        return httpx.Response(200, content=b"data")
    url = "https://files.example/a.png"
    urls = {"stream": "https://api.replicate.com/v1/stream"}
    if request.url.path == "/v1/stream":
        events = f"event: output\ndata: {url}\nid: 1\n\nevent: done\ndata: {{}}\n\n"
        return httpx.Response(200, text=events, headers={"Content-Type": "text/event-stream"})
    output: Any = {"alone": url, "in a list": [url], "in a dictionary": {"a": [url]}, "streamed": None}[kind]
    status = "starting" if kind == "streamed" and request.method == "POST" else "succeeded"
    return httpx.Response(201, json={"id": "p1", "status": status, "output": output, "input": {}, "urls": urls})


@pytest.mark.parametrize("kind", ["alone", "in a list", "in a dictionary", "streamed"])
def test_files_work_in_both_colours(kind: str) -> None:
    """A file from `async_run` or `async_stream` has `read` and `aread`, as in 1.x."""
    client: Any = Client("r8_test", transport=httpx.MockTransport(lambda request: files(kind, request)))

    async def main() -> None:
        if kind == "streamed":
            [output, *_] = [event.data async for event in await client.async_stream("o/n", input={})]
        else:
            output = await client.async_run("o/n", input={})
        file = {"in a list": lambda: output[0], "in a dictionary": lambda: output["a"][0]}.get(kind, lambda: output)()
        assert file.read() == await file.aread() == b"data"
        assert [each async for each in file] == [*file] == [b"data"]
        await file.aclose()

    asyncio.run(main())
    client.close()


CLASSES: tuple[Any, ...] = (Client, AsyncReplicate, Predictions, Models, Prediction, Model, Page)


@pytest.mark.parametrize("cls", CLASSES, ids=[cls.__name__ for cls in CLASSES])
def test_they_are_functions_of_the_classes(cls: Any) -> None:
    """An `async_` name is a coroutine function of its class or returns an iterator, and has the method's parameters."""
    names = [name for name in dir(cls) if name.startswith("async_")]
    assert names
    for name in names:
        function = getattr(cls, name)
        assert inspect.isfunction(function)
        assert function.__name__ == name
        assert function.__qualname__.endswith(f".{name}")
        assert pickle.loads(pickle.dumps(function)) is function
        iterates = ("async_iter_pages", "async_output_iterator", "async_follow_logs")
        gives_it = name in iterates or (name == "async_stream" and cls is Prediction)
        assert inspect.iscoroutinefunction(function) is not gives_it
        plain = getattr(cls, name.removeprefix("async_"))
        assert [*inspect.signature(function).parameters] == [*inspect.signature(plain).parameters]


def test_they_can_be_patched(client: Client) -> None:
    """`patch.object` finds them on a class, a client and a namespace, and makes an AsyncMock."""
    for owner, name in ((Client, "async_run"), (Predictions, "async_create"), (client.predictions, "async_get")):
        with mock.patch.object(owner, name, return_value="patched") as double:
            assert isinstance(double, mock.AsyncMock)
            bound: Any = {Client: client, Predictions: client.predictions}.get(owner, owner)
            assert asyncio.run(getattr(bound, name)("a")) == "patched"
    double = mock.create_autospec(Client, instance=True)
    double.async_run.return_value = "patched"
    assert asyncio.run(double.async_run("o/n", input={})) == "patched"
    with pytest.raises(TypeError, match="inputs"):
        asyncio.run(double.async_run("o/n", inputs={}))
    client.close()


def test_patching_a_method_leaves_its_async_name(client: Client) -> None:
    """They are two methods, as in version 1: patching one does not affect the other."""
    predictions: Any = client.predictions
    with mock.patch.object(Predictions, "get", autospec=True, return_value="patched"):
        assert predictions.get("p1") == "patched"
        assert asyncio.run(predictions.async_get("p1")).output == "hi"
    client.close()


def test_asynchronous_clients_have_them_too(api: Api) -> None:
    """On `AsyncReplicate` both names do the same."""

    async def main() -> Any:
        http = httpx.AsyncClient(transport=httpx.MockTransport(api))
        async with AsyncReplicate(api_token="r8_test", http_client=http) as client:
            predictions: Any = client.predictions
            return await predictions.async_get("p1") == await predictions.get("p1")

    assert asyncio.run(main())


@pytest.mark.parametrize("name", ["async_nonsense", "async_with_options", "async_", "nonsense", "async_status"])
def test_other_async_names_do_not_exist(client: Client, name: str) -> None:
    """Only methods that send requests have an `async_` name."""
    prediction = client.predictions.create("o/n:v", {})
    for owner in (client, client.predictions, prediction):
        with pytest.raises(AttributeError, match=name):
            getattr(owner, name)
    client.close()
