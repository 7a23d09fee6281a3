"""`copy` and `deepcopy` of clients and their objects: the connections are shared, the settings are not."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import got, scripted

import replicate
from replicate import Replicate, ReplicateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from replicate.local import Server

COPYING = pytest.mark.parametrize("copying", [copy.copy, copy.deepcopy])


@COPYING
async def test_a_copy_shares_the_connections(clients: Any, server: Server, copying: Callable[[Any], Any]) -> None:
    """A copy shares the connections and the token, and closing either closes both."""
    client = clients(server)
    other = copying(client)
    assert type(other) is type(client)
    assert other is not client
    assert other._session.transport is client._session.transport
    assert await got(other.run("me/official", input={"text": "a"})) == "A!"
    await got(other.close())
    assert client.is_closed()
    with pytest.raises(ReplicateError, match="closed"):
        await got(client.account.get())


@COPYING
async def test_settings_of_a_copy_are_its_own(clients: Any, server: Server, copying: Callable[[Any], Any]) -> None:
    """A setting of a copy applies to the namespaces of the copy only, and one of the original to the original's."""
    client = clients(server, default_headers={"X-A": "b"}, default_query={"a": ["b"]})
    nouns = client.predictions, client.models.versions
    other = copying(client)
    other.timeout, other.bearer_token, other.max_retries = 3, "r8_other", 7
    other.default_headers["X-A"] = "c"
    other.default_query["a"].append("c")
    assert (client.timeout, client.bearer_token, client.max_retries) == (replicate.DEFAULT_TIMEOUT, server.token, 2)
    assert (client.default_headers, client.default_query) == ({"X-A": "b"}, {"a": ["b"]})
    assert (client.predictions, client.models.versions) == nouns
    for noun in (other.predictions, other.models.versions):
        assert noun._session is other._session
    client.timeout = 5
    assert other.timeout == 3


@COPYING
async def test_a_client_with_an_http_client_can_be_copied(colour: str, copying: Callable[[Any], Any]) -> None:
    """The copy sends with the same HTTP client."""
    client = scripted(colour, lambda _: httpx.Response(200, json={"type": "user", "username": "me"}))
    assert (await got(copying(client).account.get())).username == "me"


class Mine(Replicate):
    """A client class with attributes of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.names, self.jobs = ["a"], self.predictions


def test_copies_of_a_client_of_the_callers_class() -> None:
    """A copy shares the attributes of the class, a deep copy copies them, and namespaces belong to the copy."""
    client = Mine(bearer_token="r8_secretsecret")
    client.token = "r8_secretsecret"  # type: ignore[attr-defined]
    shallow, deep = copy.copy(client), copy.deepcopy(client)
    assert shallow.names is client.names
    assert deep.names == client.names
    assert deep.names is not client.names
    for other in (shallow, deep):
        assert other.token == "r8_secretsecret"
        assert other.jobs._session is other._session is not client._session


def test_copies_of_the_modules_client() -> None:
    """Copies of the default client are clients of their own."""
    client = replicate.default_client
    for copying in (copy.copy, copy.deepcopy):
        other = copying(client)
        assert other is not client
        other.timeout = 3
        assert client.timeout == replicate.DEFAULT_TIMEOUT


@COPYING
async def test_copies_of_a_clients_objects(client: Any, copying: Callable[[Any], Any]) -> None:
    """Copies of namespaces, functions, runs and predictions use the same connections."""
    transport = client._session.transport
    function = copying(client.use("me/official"))
    assert await got(function(text="a")) == "A!"
    run = copying(await got(function.create(text="b")))
    assert await got(run.output()) == "B!"
    found = await got(copying(client.predictions).get(run.prediction.id))
    assert copying(found).id == run.prediction.id
    for thing in (function, run, copying(found), copying(client.predictions), copying(client.predictions.get).__self__):
        assert thing._session.transport is transport


async def test_a_deep_copy_of_a_run_has_its_own_prediction(client: Any) -> None:
    """A change to the deep copy's prediction does not show in the original."""
    run = await got(client.use("me/official").create(text="a"))
    assert copy.copy(run).prediction is run.prediction
    assert copy.deepcopy(run).prediction is not run.prediction
    assert copy.deepcopy(run).prediction == run.prediction


class Labelled(Replicate):
    """A user's client class with attributes of its own."""

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(**options)
        self.label = label
        self.runs = self.predictions
        self.releases = self.deployments.predictions


@pytest.mark.parametrize(
    "copying", [lambda client: client.with_options(timeout=3), lambda client: client.copy(timeout=3), copy.copy]
)
def test_a_copy_has_the_attributes_of_a_subclass(copying: Callable[[Any], Any]) -> None:
    """A copy has the subclass's attributes. Namespaces among them use the settings of the copy."""
    client = Labelled("mine", bearer_token="r8_test")
    other = copying(client)
    assert (type(other), other.label) == (Labelled, "mine")
    assert other.predictions._session is other.runs._session is other.releases._session is other._session
    assert client.predictions is client.runs
    assert client.runs._session is client._session is not other._session
