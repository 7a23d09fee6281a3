"""Version 1's `async_*` names: the same methods, awaited, on clients, namespaces and objects."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from replicate import AsyncReplicate, Client
from replicate._core.paginate import async_paginate


class Api:
    """Answers what these tests ask for; a prediction succeeds when it is looked at."""

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
    """`predictions.async_get` is awaited, on a client whose own methods block."""

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
def test_pages_are_for_both_loops(client: Client, api: Api, cursor: tuple[Any, ...]) -> None:
    """A page that `async_list` or `async_iter_pages` gives is iterated by `for`, as in version 1, or `async for`."""

    async def main() -> None:
        predictions: Any = client.predictions
        listed = await predictions.async_list(*cursor)
        again: Any = [each async for each in client.predictions.list(*cursor).async_iter_pages()]
        for page in (listed, *again):
            assert [each.id for each in page] == [each.id async for each in page] == ["p1"]

    asyncio.run(main())
    client.close()


def test_objects_change_in_place(client: Client) -> None:
    """`prediction.async_wait` waits, and the prediction itself is what has finished; it keeps its colour."""
    prediction: Any = client.predictions.create("o/n:v", {})

    async def main() -> Any:
        return await prediction.async_wait()

    assert asyncio.run(main()) is prediction
    assert (prediction.status, prediction.output) == ("succeeded", "hi")
    assert prediction.reload().status == "succeeded"
    client.close()


def test_an_error_reaches_the_caller(client: Client) -> None:
    """What the method raises is raised, and the object stays what it was."""
    prediction: Any = client.predictions.create("o/n:v", {})
    prediction.__dict__["id"] = "p2"

    async def main() -> None:
        await prediction.async_reload()

    with pytest.raises(Exception, match="404"):
        asyncio.run(main())
    assert prediction.status == "starting"
    client.close()


def test_low_level_requests(client: Client, api: Api) -> None:
    """`_request` and `_async_request` take paths with the API's version, as version 1's did."""
    unlisted: Any = client

    async def main() -> httpx.Response:
        answer: httpx.Response = await unlisted._async_request("GET", "/v1/predictions/p1")
        return answer

    assert asyncio.run(main()).json() == unlisted._request("GET", "/v1/predictions/p1").json()
    assert {str(each.url) for each in api.requests} == {"https://api.replicate.com/v1/predictions/p1"}
    client.close()


def test_streams_may_be_awaited_first(client: Client) -> None:
    """`async_stream` gives an asynchronous iterator, awaited before or not."""
    model: Any = client

    async def main() -> list[list[str]]:
        awaited = [str(event) async for event in await model.async_stream("o/n:" + "0" * 64, input={})]
        plain = [str(event) async for event in model.async_stream("o/n:" + "0" * 64, input={})]
        return [awaited, plain]

    assert asyncio.run(main()) == [["hi", ""]] * 2
    client.close()


def test_asynchronous_clients_have_them_too(api: Api) -> None:
    """On `AsyncReplicate` both names are the same."""

    async def main() -> Any:
        http = httpx.AsyncClient(transport=httpx.MockTransport(api))
        async with AsyncReplicate(api_token="r8_test", http_client=http) as client:
            predictions: Any = client.predictions
            return await predictions.async_get("p1") == await predictions.get("p1")

    assert asyncio.run(main())


@pytest.mark.parametrize("name", ["async_nonsense", "async_with_options", "async_", "nonsense", "async_status"])
def test_other_names_do_not_exist(client: Client, name: str) -> None:
    """Only methods that send something have such a name."""
    prediction = client.predictions.create("o/n:v", {})
    for owner in (client, client.predictions, prediction):
        with pytest.raises(AttributeError, match=name):
            getattr(owner, name)
    client.close()
