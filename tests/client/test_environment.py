"""Clients read the REPLICATE_* variables when they use them, also after earlier requests."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator  # noqa: TC003 - the annotations are the models' schemas
from pathlib import Path  # noqa: TC003 - as above
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import got, scripted

import replicate
from replicate import Client, Replicate, ReplicateError
from replicate._http.environment import log
from replicate.local import Model
from replicate.local import server as local_server

if TYPE_CHECKING:
    from replicate.local import Server


def first(text: str) -> str:
    """Say who says it."""
    return f"first {text}"


def second(text: str) -> str:
    """Say who says it."""
    return f"second {text}"


def pieces(text: str) -> Iterator[str]:
    """Say it piece by piece."""
    yield from text


def size(file: Path) -> int:
    """Measure a file."""
    return file.stat().st_size


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    """Serve a model of the same name, with the same token, at two addresses."""
    with (
        local_server({"me/model": Model(first, official=True), "me/pieces": pieces, "me/size": size}, token="t") as one,
        local_server(
            {"me/model": Model(second, official=True), "me/pieces": pieces, "me/size": size}, token="t"
        ) as other,
    ):
        yield one, other


@pytest.fixture
def module() -> Iterator[Any]:
    """Yield the package with a default client that is not yet made."""
    replicate._reset_client()
    yield replicate
    if client := vars(replicate).get("default_client"):
        client.close()
    replicate._reset_client()
    vars(replicate).pop("base_url", None)


def point_to(server: Server, monkeypatch: pytest.MonkeyPatch, path: str = "/v1") -> None:
    """Set the environment variables to a server."""
    monkeypatch.setenv("REPLICATE_BASE_URL", server.base_url.removesuffix("/v1") + path)
    monkeypatch.setenv("REPLICATE_API_TOKEN", server.token)


def test_each_test_reaches_its_own_server(servers: tuple[Server, Server], module: Any) -> None:
    """Consecutive tests with servers of their own reach them, by the module and by objects from before."""
    kept: dict[str, Any] = {}
    for server, who, path in ((servers[0], "first", "/v1"), (servers[1], "second", ""), (servers[0], "first", "/v1")):
        with pytest.MonkeyPatch.context() as patch:
            point_to(server, patch, path)
            kept = kept or {
                "namespace": module.predictions,
                "use": module.use("me/model"),
                "run": module.run,
                "client": Replicate(),
            }
            before = [len(each.requests) for each in servers if each is not server]
            assert module.run("me/model", {"text": "a"}) == f"{who} a"
            assert module.predictions.create(model="me/model", input={"text": "b"}, wait=True).output == f"{who} b"
            assert kept["run"]("me/model", input={"text": "c"}) == f"{who} c"
            assert kept["use"](text="d") == f"{who} d"
            assert kept["namespace"].list().results[0].output == f"{who} d"
            assert "".join(map(str, module.stream("me/pieces", input={"text": "efg"}))) == "efg"
            assert str(module.default_client.base_url) == str(kept["client"].base_url) == f"{server.base_url}/"
            kept["client"].account.get()
            assert [len(each.requests) for each in servers if each is not server] == before
    kept["client"].close()


def test_settings_come_first(servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    """A base URL that is set overrides the environment, until it is deleted or set to None."""
    one, other = servers
    point_to(one, monkeypatch)
    get = module.account.get
    for forget in (lambda: delattr(module, "base_url"), lambda: setattr(module, "base_url", None)):
        module.base_url = other.base_url
        before = len(other.requests)
        get()
        point_to(one, monkeypatch)
        get()
        assert len(other.requests) == before + 2
        forget()
        before = len(one.requests)
        get()
        assert len(one.requests) == before + 1
    client = Client(base_url=other.base_url)
    assert str(client.base_url) == f"{other.base_url}/"
    client.base_url = None
    assert str(client.base_url) == f"{one.base_url}/"


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("nowhere", "^REPLICATE_BASE_URL must be a full URL without a query, such as https://api"),
        ("https://user:hidden@example.com", "^REPLICATE_BASE_URL must hold no user name and no password"),
    ],
)
def test_an_invalid_address(
    said: str, says: str, servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch, module: Any
) -> None:
    """The error for an invalid REPLICATE_BASE_URL names the variable and not its value. A corrected value works."""
    point_to(servers[0], monkeypatch)
    module.account.get()
    monkeypatch.setenv("REPLICATE_BASE_URL", said)
    for ask in (module.account.get, Replicate):
        with pytest.raises(ReplicateError, match=says) as caught:
            ask()
        assert isinstance(caught.value, ValueError)
        assert "hidden" not in "".join(traceback.format_exception(caught.value))
    point_to(servers[0], monkeypatch)
    module.account.get()


def test_a_rate_limit_belongs_to_one_api(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate limit of one API does not delay requests to another one."""
    client = Replicate(bearer_token="t")
    session = client._session
    monkeypatch.setenv("REPLICATE_BASE_URL", "https://one.test")
    pace = session.pace
    pace.pause(60, now=0)
    assert client.with_options(timeout=5)._session.pace is pace
    monkeypatch.setenv("REPLICATE_BASE_URL", "https://two.test")
    assert session.pace is not pace
    assert not session.pace.paused(0)
    monkeypatch.setenv("REPLICATE_BASE_URL", "https://one.test/v1")
    assert session.pace is pace


def test_a_file_is_uploaded_to_each_api(
    servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch, module: Any, tmp_path: Path
) -> None:
    """A file that was uploaded to one API is uploaded again for another one."""
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(300_000))
    for server in (*servers, *servers):
        point_to(server, monkeypatch)
        assert module.run("me/size", {"file": path}) == 300_000
    uploads = [
        sum(request.method == "POST" and request.path.endswith("/files") for request in server.requests)
        for server in servers
    ]
    assert uploads == [1, 1]


async def test_the_interval_and_the_token(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client reads the poll interval and the token again each time it uses them."""
    tokens: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        tokens.append(request.headers.get("authorization"))
        return httpx.Response(200, json={})

    client = scripted(colour, answer)
    client.api_token = None
    for number in ("1", "2"):
        monkeypatch.setenv("REPLICATE_POLL_INTERVAL", number)
        monkeypatch.setenv("REPLICATE_API_TOKEN", number)
        assert client.poll_interval == float(number)
        await got(client.get("/account"))
    assert tokens == ["Bearer 1", "Bearer 2"]


def test_the_log(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """REPLICATE_LOG applies from the next request on. Without it the logger returns to its earlier state."""
    logger = logging.getLogger("replicate")
    monkeypatch.setattr(logger, "propagate", False)  # pytest listens at the root logger
    before = logger.level
    with scripted("blocking", lambda _: httpx.Response(200, json={})) as client:
        for said, lines in (("", 0), ("debug", 1), ("info", 0), ("DEBUG ", 1), ("loud", 0), ("debug", 1), ("", 0)):
            monkeypatch.setenv("REPLICATE_LOG", said)
            client.get("/account")
            assert len(capsys.readouterr().err.splitlines()) == lines
        assert (logger.level, logger.handlers) == (before, [])
        with capsys.disabled():
            assert log._handler.stream is sys.stderr
