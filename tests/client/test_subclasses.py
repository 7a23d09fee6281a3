"""Subclasses of the clients set headers by overriding properties, as those of version 2's clients do."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import got

from replicate import AsyncReplicate, Replicate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Said:
    """Overrides the headers and the query parameters."""

    tenant = "one"

    @property
    def auth_headers(self) -> Mapping[str, str]:
        return {"X-Key": "secret"}

    @property
    def default_headers(self) -> Mapping[str, str]:
        inherited: Any = super()
        return {**inherited.default_headers, "X-Tenant": self.tenant}

    @property
    def default_query(self) -> Mapping[str, Any]:
        inherited: Any = super()
        return {**inherited.default_query, "tenant": self.tenant}


class Blocking(Said, Replicate):
    """A blocking client."""


class Awaited(Said, AsyncReplicate):
    """An asynchronous client."""


def made(colour: str, requests: list[httpx.Request], kinds: tuple[Any, Any] = (Blocking, Awaited)) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"username": "me"})

    options: dict[str, Any] = {"bearer_token": "r8_test", "default_headers": {"X-A": "b"}, "default_query": {"a": "b"}}
    transport = httpx.MockTransport(answer)
    if colour == "blocking":
        return kinds[0](http_client=httpx.Client(transport=transport), **options)
    return kinds[1](http_client=httpx.AsyncClient(transport=transport), **options)


def same(client: Any) -> Any:
    return client


COPIES = [same, copy.copy, copy.deepcopy, lambda client: client.with_options(max_retries=0)]


@pytest.mark.parametrize("copied", COPIES)
async def test_properties_are_read_at_each_request(colour: str, copied: Callable[[Any], Any]) -> None:
    """Overridden `auth_headers`, `default_headers` and `default_query` are sent with each request, by copies, too."""
    requests: list[httpx.Request] = []
    client = copied(made(colour, requests))
    await got(client.account.get())
    client.tenant = "two"
    await got(client.account.get(extra_headers={"X-B": "c"}))
    for request, tenant in zip(requests, ("one", "two"), strict=True):
        assert request.headers["X-Key"] == "secret"
        assert "Authorization" not in request.headers
        assert (request.headers["X-A"], request.headers["X-Tenant"]) == ("b", tenant)
        assert dict(request.url.params) == {"a": "b", "tenant": tenant}
    assert requests[1].headers["X-B"] == "c"


async def test_the_token_is_sent_beside_overridden_headers(colour: str) -> None:
    """A class that overrides only `default_headers` still sends the token, as `auth_headers` shows."""
    requests: list[httpx.Request] = []

    class Plain(Replicate):
        default_headers = property(lambda _: {"X-C": "d"})

    class PlainAsync(AsyncReplicate):
        default_headers = property(lambda _: {"X-C": "d"})

    client = made(colour, requests, (Plain, PlainAsync))
    await got(client.account.get())
    assert requests[0].headers["X-C"] == "d"
    assert requests[0].headers["Authorization"] == "Bearer r8_test" == client.auth_headers["Authorization"]


async def test_default_headers_are_added(colour: str) -> None:
    """`with_options(default_headers=…)` adds to the headers that were passed, and the class's own are still sent."""
    requests: list[httpx.Request] = []
    client = made(colour, requests).with_options(default_headers={"X-E": "f"})
    await got(client.account.get())
    headers = requests[0].headers
    assert (headers["X-A"], headers["X-E"], headers["X-Tenant"], headers["X-Key"]) == ("b", "f", "one", "secret")


def test_a_subclass_can_be_pickled() -> None:
    """The headers that were passed are pickled. Those of the class are read after loading."""
    client = Blocking(bearer_token="r8_test", default_headers={"X-A": "b"})
    arrived = pickle.loads(pickle.dumps(client))
    assert arrived.default_headers == {"X-A": "b", "X-Tenant": "one"}
    assert dict(arrived._session.config.headers)["X-Key"] == "secret"
