"""What a process learns of models is cached on disk for the next, if the API itself said it over a socket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import respx
from support.colours import TOKEN, collect, connect, got
from support.faults import Faults, answer
from support.sample_models import model, prediction

import replicate
from replicate import InputError, OutputIterator
from replicate.local import Model
from replicate.local import server as local_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(name="cache", autouse=True)
def kept_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPLICATE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def files(cache: Path) -> list[Path]:
    return [*cache.glob("*.json")]


def paths(asked: Any) -> list[str]:
    return [f"{request.method} {request.path.removeprefix('/v1')}" for request in asked()]


async def test_a_new_process_uses_the_cache(clients: Callable[..., Any], server: Any, asked: Any, cache: Path) -> None:
    """The first call of `use` sends two requests, and that of a new client sends one, also for community models."""
    for name in ("official", "community"):
        for _ in range(2):
            assert await got(clients(server).use(f"me/{name}")(text="a")) == "A!"
    assert await got(clients(server).run("me/community", {"text": "a"})) == "A!"
    official, by_version = "POST /models/me/official/predictions", "POST /predictions"
    assert paths(asked) == [
        "GET /models/me/official", official, official,
        "GET /models/me/community", by_version, by_version, by_version,
    ]  # fmt: skip
    assert len(files(cache)) == 4


async def test_a_version_is_known_to_be_an_iterator(clients: Callable[..., Any], server: Any, asked: Any) -> None:
    """The schema of a version is found by its id, however it was learned."""
    version = (await got(clients(server).models.get("me/numbers"))).latest_version.id
    await got(clients(server).use("me/numbers")())
    before = len(asked())
    output = await got(clients(server).run(f"me/numbers:{version}"))
    assert isinstance(output, OutputIterator)
    assert await collect(output) == [0, 1, 2]
    assert not [path for path in paths(asked)[before:] if path.startswith("GET /models")]


@pytest.mark.parametrize("given", ["http_client", "transport"])
async def test_responses_by_the_callers_client_are_not_cached(colour: str, cache: Path, given: str) -> None:
    """A client with an HTTP client or a transport of the caller's writes nothing to the cache, even over sockets."""
    with local_server({"me/model": Model(lambda: "a", official=True)}) as srv:
        if given == "transport":
            client = replicate.Client(api_token=srv.token, base_url=srv.base_url, transport=httpx.HTTPTransport())
            assert client.use("me/model")() == "a"
            client.close()
        else:
            kind: Any = httpx.Client if colour == "blocking" else httpx.AsyncClient
            http_client = kind()
            client = connect(colour, bearer_token=srv.token, base_url=srv.base_url, http_client=http_client)
            assert await got(client.use("me/model")()) == "a"
            await got(client.close())
    assert not files(cache)


def test_responses_of_a_mocking_library_are_not_cached(cache: Path) -> None:
    """The responses of a library that mocks connections are neither cached on disk nor remembered by a client.

    A function that has fetched its model's schema keeps it.
    """
    client = replicate.Client(api_token=TOKEN)
    done = prediction("succeeded", output="a")
    for schema in ({"text": {}}, {"seed": {}}):
        made = model()
        made["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"] = {"properties": schema}
        with respx.mock(base_url="https://api.replicate.com/v1", assert_all_called=True) as api:
            look = api.get("/models/me/model").respond(200, json=made)
            api.post("/models/me/model/predictions").respond(201, json=done)
            function = client.use("me/model")
            for _ in range(2):
                assert function(**dict.fromkeys(schema, 1)) == "a"
            assert look.call_count == 1
    assert not cache.exists()


async def test_a_schema_is_fetched_again_before_an_input_is_refused(
    clients: Callable[..., Any], colour: str, cache: Path
) -> None:
    """An input that the cached schema does not have may be new, so the schema is fetched again before it is refused."""

    def older(text: str = "") -> str:
        return text

    def newer(text: str = "", seed: int = 0) -> str:
        return f"{text}{seed}"

    with local_server({"me/model": Model(older, official=True)}) as srv:
        assert await got(clients(srv).use("me/model")(text="a")) == "a"
        port = srv.port
    with local_server({"me/model": Model(newer, official=True)}, port=port, token=srv.token) as srv:
        assert await got(clients(srv).use("me/model")(text="a", seed=1)) == "a1"
        assert await got(clients(srv).use("me/model")(text="a", seed=1)) == "a1"
        with pytest.raises(InputError, match="no input 'sed'; did you mean 'seed'"):
            await got(clients(srv).use("me/model")(sed=1))
        lookups = [request for request in srv.requests if request.method == "GET"]
    assert len(lookups) == 2


async def test_a_response_of_another_version_drops_the_cached_one(colour: str, cache: Path) -> None:
    """A cached latest version is dropped if a response names another version.

    If a second fetch returns the same version, the responses use another name for it, which is cached, too.
    """
    described, done = json.dumps(model()), json.dumps(prediction("succeeded", output="a", version="c" * 64))
    with Faults(lambda request: answer("200 OK", (described if request.startswith(b"GET") else done).encode())) as api:
        for _ in range(4):
            client = connect(colour, base_url=api.base_url)
            assert await got(client.use("me/model")()) == "a"
            await got(client.close())
    assert [request.partition(b" ")[0] for request in api.requests] == [*[b"GET", b"POST"] * 2, b"POST", b"POST"]


async def test_broken_files_are_ignored(clients: Callable[..., Any], server: Any, asked: Any, cache: Path) -> None:
    """Files with broken content are ignored."""
    for _ in range(2):
        assert await got(clients(server).use("me/official")(text="a")) == "A!"
        for path in files(cache):
            path.write_text("{")
    assert len(asked()) == 4


async def test_no_folder_is_no_cache(
    clients: Callable[..., Any], server: Any, asked: Any, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    """An empty REPLICATE_CACHE_DIR turns the cache off."""
    monkeypatch.setenv("REPLICATE_CACHE_DIR", "")
    for _ in range(2):
        assert await got(clients(server).use("me/official")(text="a")) == "A!"
    assert len(asked()) == 4
    assert not files(cache)


async def test_another_token_has_its_own_cache(clients: Callable[..., Any], server: Any, asked: Any) -> None:
    """Each account has its own cache, as it may see other models."""
    assert await got(clients(server).use("me/official")(text="a")) == "A!"
    other = clients(server, bearer_token=lambda: f'"{server.token}"')
    assert await got(other.use("me/official")(text="a")) == "A!"  # the same token in another form
    with pytest.raises(replicate.AuthenticationError):
        await got(clients(server, bearer_token="r8_another").use("me/official")(text="a"))
    assert paths(asked)[-2:] == ["GET /models/me/official", "POST /models/me/official/predictions"]
