"""Low-level requests: `client.get`, `post`, `put`, `patch`, `delete` and `request`, and `call` for endpoints."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from support.colours import got, scripted

from replicate import APIResponseValidationError, AuthenticationError, NotFoundError
from replicate_api.api.account import account_get
from replicate_api.api.collections import collections_get
from replicate_api.api.files import files_create
from replicate_api.api.models import models_get, models_predictions_create, models_versions_list
from replicate_api.api.predictions import predictions_create, predictions_list
from replicate_api.types import Part


class Echo:
    """A server that echoes the request."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        body = request.read().decode()
        return httpx.Response(200, json={"method": request.method, "url": str(request.url), "body": body})


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["hardware", "/hardware", "https://api.replicate.com/v1/hardware"])
async def test_each_verb_is_a_method(colour: str, echo: Echo, method: str, path: str) -> None:
    """Every verb takes a path below the base URL or a full URL, and returns the httpx response."""
    client = scripted(colour, echo)
    answer = await got(getattr(client, method)(path))
    assert isinstance(answer, httpx.Response)
    assert answer.json() == {"method": method.upper(), "url": "https://api.replicate.com/v1/hardware", "body": ""}
    assert echo.requests[0].headers["authorization"] == "Bearer r8_test"


async def test_any_request(colour: str, echo: Echo) -> None:
    """`request` takes any method, parameters, headers and a JSON body."""
    client = scripted(colour, echo)
    await got(
        client.request("query", "/models?a=b", params={"c": "d e", "no": None}, headers={"X-One": "1"}, json={"f": 1})
    )
    [sent] = echo.requests
    assert (sent.method, str(sent.url)) == ("QUERY", "https://api.replicate.com/v1/models?a=b&c=d+e")
    assert (sent.headers["x-one"], json.loads(sent.content)) == ("1", {"f": 1})


@pytest.mark.parametrize("name", ["json", "body"])
async def test_a_body_has_two_names(colour: str, echo: Echo, name: str) -> None:
    """`json=` and `body=` are the same, and `extra_body` adds to them."""
    client = scripted(colour, echo)
    await got(client.post("/trainings", **{name: {"a": 1}}, extra_body={"b": 2}))
    assert json.loads(echo.requests[0].content) == {"a": 1, "b": 2}
    with pytest.raises(TypeError, match="pass one of them"):
        await got(client.post("/trainings", json={}, body={}))
    with pytest.raises(TypeError, match="did you mean 'headers'"):
        await got(client.post("/trainings", header={}))
    assert len(echo.requests) == 1


async def test_a_full_url_elsewhere_gets_no_token(colour: str, echo: Echo) -> None:
    """The token is sent to the API's own origin only."""
    client = scripted(colour, echo)
    for url in ("https://example.com/v1/x", "http://api.replicate.com/v1/x", "https://api.replicate.com:444/v1/x"):
        await got(client.get(url))
    assert not [request for request in echo.requests if "authorization" in request.headers]


async def test_errors_are_raised(client: Any, clients: Any, server: Any) -> None:
    """An error status raises the error of that status, with the response."""
    with pytest.raises(NotFoundError) as raised:
        await got(client.get("/no/such/path"))
    assert raised.value.response.status_code == 404
    with pytest.raises(AuthenticationError, match="REPLICATE_API_TOKEN"):
        await got(clients(server, max_retries=0).get("/account", headers={"Authorization": "Bearer r8_wrong"}))


async def test_low_level_methods_reach_the_server(client: Any, asked: Any) -> None:
    """`post` and `get` suffice to run a prediction."""
    made = await got(
        client.post("/predictions", json={"version": "me/official", "input": {"text": "a"}}, headers={"Prefer": "wait"})
    )
    found = await got(client.get(made.json()["urls"]["get"]))
    assert found.json()["output"] == "A!"
    assert [request.status for request in asked()] == [201, 200]


async def test_generated_endpoints_can_be_called(client: Any, asked: Any) -> None:
    """`call` sends the request that an endpoint builds from its parameters, and returns the parsed response."""
    assert (await got(client.call(account_get))).username == "local"
    assert (await got(client.call(models_get, "me", "official"))).name == "official"
    assert len((await got(client.call(models_versions_list, "me", "community"))).results) == 1
    made = await got(client.call(predictions_create, body={"version": "me/official", "input": {}}, prefer="wait"))
    assert made.output == "HI!"
    made = await got(client.call(models_predictions_create, "me", "official", body={"input": {}}, cancel_after="90s"))
    assert made.deadline
    listed = await got(client.call(predictions_list))
    assert listed.results[0].id == made.id
    stored = await got(client.call(files_create, body={"content": Part("content", b"abc", "a.txt", "text/plain")}))
    assert (stored.name, stored.size) == ("a.txt", 3)
    with pytest.raises(ValueError, match="collection_slug"):
        await got(client.call(collections_get, ""))
    assert asked()[3].headers["prefer"] == "wait"


async def test_a_response_that_is_not_the_apis_is_an_error(colour: str) -> None:
    """A proxy's page instead of the API's JSON raises an error that says where to look."""
    client = scripted(colour, lambda _: httpx.Response(200, html="<html>Log in to WiFi</html>"))
    with pytest.raises(APIResponseValidationError, match=r"answered 200.*Log in.*base_url and proxies"):
        await got(client.call(account_get))
