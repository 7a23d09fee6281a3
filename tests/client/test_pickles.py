"""Pickles of clients and of their objects work where they are loaded, and never contain the token."""

from __future__ import annotations

import asyncio
import copy
import functools
import importlib
import inspect
import pickle
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import Clock, collect, connect, got, leaves_streams, scripted
from support.sample_models import Held, Script, model, prediction, version_of

import replicate
from replicate import (
    AsyncReplicate,
    AuthenticationError,
    Client,
    OutputIterator,
    PredictionTimeout,
    Replicate,
    RunError,
)
from replicate.local import Model
from replicate.local import server as local_server
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from replicate.local import Server

pytestmark = leaves_streams

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
SECRET = "r8_secretsecretsecretsecretsecretsecret1"
FUNCTIONS = (
    "run", "use", "stream", "search", "save_all", "paginate", "async_run", "async_stream", "async_search",
    "async_save_all", "async_paginate",
)  # fmt: skip


def sent(thing: Any, protocol: int = pickle.DEFAULT_PROTOCOL) -> Any:
    """Pickle and load an object, and keep it until the event loop of the test has ended."""
    kept.append(pickle.loads(pickle.dumps(thing, protocol)))
    return kept[-1]


kept: list[Any] = []


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> Iterator[None]:
    yield
    kept.clear()


def giving_secret() -> str:
    return SECRET


def secret() -> dict[str, Any]:
    """Return settings with the token in every place that may hold one."""
    return {
        "bearer_token": SECRET,
        "default_headers": {"Authorization": f"Bearer {SECRET}", "X-Note": SECRET, "X-Plain": "kept"},
        "default_query": {"api_key": "hidden-key", "note": f"a{SECRET}b", "plain": "kept"},
    }


@pytest.fixture
def token(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set the token in the environment, where pickles are loaded."""
    monkeypatch.setenv("REPLICATE_API_TOKEN", server.token)
    return server.token


@pytest.fixture
def here(server: Server, token: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Connect the default client to the server."""
    monkeypatch.setenv("REPLICATE_BASE_URL", server.base_url)
    replicate._reset_client()
    yield replicate.default_client
    replicate.default_client.close()
    replicate._reset_client()


# ---- functions of the module


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_the_module(name: str) -> None:
    """The module's functions pickle by name, and loading returns the same object."""
    function = getattr(replicate, name)
    assert (function.__module__, function.__qualname__, function.__name__) == ("replicate", name, name)
    assert all(sent(function, protocol) is function for protocol in PROTOCOLS)
    assert f"creplicate\n{name}\n".encode() in pickle.dumps(function, 0)


def test_functions_of_the_module_mirror_the_clients(here: Client) -> None:
    """The module's functions have the signatures and docstrings of the client's methods, and use the current client."""
    for name in ("run", "use", "stream", "async_run", "async_stream", "save_all"):
        function, method = getattr(replicate, name), getattr(here, name)
        assert inspect.signature(function) == inspect.signature(method)
        assert inspect.iscoroutinefunction(function) is inspect.iscoroutinefunction(method)
        assert function.__doc__ == method.__doc__
    run = replicate.run
    assert run("me/official", input={"text": "a"}) == "A!"
    replicate._reset_client()
    replicate.base_url = "http://127.0.0.1:1/v1"
    try:
        with pytest.raises(replicate.APIConnectionError):
            run("me/official", input={"text": "a"})
    finally:
        del replicate.base_url


def test_methods_of_the_modules_namespaces(here: Client) -> None:
    """Methods of the module's namespaces use the default client where they are loaded, as do the results."""
    made = here.run("me/official", input={"text": "a"})
    assert made == "A!"
    [first, *_] = sent(replicate.predictions.list)(limit=1)
    assert sent(replicate.predictions.get)(first.id) == first
    for thing in (replicate.predictions, replicate.models.versions, replicate.use("me/official")):
        assert sent(thing)._session is here._session
    waiting = sent(replicate.use("me/official", use_async=True))
    assert waiting._session.transport is here._session.transport.twin()
    assert sent(replicate.predictions.async_get).__self__._session is here._session
    assert sent(here) is here


def test_the_module() -> None:
    """Modules pickle by name, since pickles of functions by their code include the modules that these use."""
    earlier: Any = importlib.import_module("replicate.prediction")
    for module in (replicate, replicate.client, earlier):
        assert all(sent(module, protocol) is module for protocol in PROTOCOLS)
    assert copy.deepcopy([replicate]) == [replicate]


# ---- clients


async def test_a_client(colour: str, server: Server, token: str) -> None:
    """A client is loaded with its settings, and takes the token from the environment there."""
    settings: dict[str, Any] = {
        "base_url": server.base_url, "timeout": httpx.Timeout(7, connect=3), "max_retries": 5, "poll_interval": 0.25,
        "output_dir": "pictures", "default_headers": {"X-A": "b", "Authorization": UNSET}, "default_query": {"a": "b"},
    }  # fmt: skip
    client = connect(colour, **{**settings, "bearer_token": "r8_another_one"})
    _ = client.predictions, client.models.versions
    for protocol in PROTOCOLS:
        arrived = sent(client, protocol)
        assert type(arrived) is type(client)
        for name in settings:
            assert getattr(arrived, name) == getattr(client, name), name
        assert arrived.default_headers["Authorization"] is UNSET
        assert arrived.bearer_token == token
    arrived.default_headers = None
    assert await got(arrived.run("me/official", input={"text": "a"})) == "A!"
    await got(arrived.close())
    assert not client.is_closed()


async def test_methods_of_a_client(clients: Any, server: Server, token: str) -> None:
    """Bound methods are loaded with a loaded client."""
    client = clients(server)
    assert await got(sent(client.run)("me/official", input={"text": "a"})) == "A!"
    first = (await got(client.predictions.list(limit=1)))[0]
    assert (await got(sent(client.predictions.get)(first.id))).id == first.id
    assert len(await got(sent(client.models.versions.list)("me/community"))) == 1


async def test_namespaces_of_raw_responses(clients: Any, server: Server, token: str) -> None:
    """Namespaces for raw responses can be pickled and copied."""
    client = clients(server)
    whole = client.predictions.with_raw_response
    made = await got(client.predictions.create("me/official", {"text": "a"}, wait=True))
    for each in (sent(whole), copy.copy(whole), copy.deepcopy(whole)):
        assert (await got((await got(each.get(made.id))).parse())).id == made.id


def test_methods_under_version_1s_names(server: Server, token: str) -> None:
    """Asynchronous methods of a blocking client are still awaited after loading, and so are `use_async` functions."""
    client = Client(SECRET, base_url=server.base_url)
    run, use = sent(client.async_run), sent(client.use("me/official", use_async=True))
    get, stream = sent(client.models.async_get), sent(client.async_stream)

    async def work() -> list[Any]:
        events = [str(event) async for event in await stream("me/official", {"text": "c"})]
        return [
            await run("me/official", input={"text": "a"}),
            await use(text="b"),
            "".join(events),
            await get("me/official"),
        ]

    assert asyncio.run(work())[:3] == ["A!", "B!", "C!"]


def test_the_client_of_version_1(server: Server, token: str) -> None:
    """Options of httpx that are plain data are loaded, too."""
    options: dict[str, Any] = {
        "limits": httpx.Limits(max_connections=3), "verify": False, "trust_env": False, "http2": False, "cookies": {},
        "proxy": None, "follow_redirects": True, "cert": None, "params": {"x": "y"}, "auth": None,
    }  # fmt: skip
    arrived = sent(Client(SECRET, base_url=server.base_url, **options))
    assert arrived._session.transport.options == options
    assert arrived.account.get().username
    for proxy in ("http://127.0.0.1:1", httpx.URL("http://127.0.0.1:1"), httpx.Proxy("http://127.0.0.1:1")):
        [told] = sent(Client(proxy=proxy))._session.transport.options.values()
        assert str(getattr(told, "url", told)) == "http://127.0.0.1:1"


class Mine(Replicate):
    """A client class with attributes of its own."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(**options)
        self.name, self.jobs = name, self.predictions


def test_a_client_of_the_callers_class() -> None:
    """A client is loaded with the attributes of its class. If one holds a token, pickling is refused."""
    arrived = sent(Mine("a", bearer_token="t"))
    assert (type(arrived), arrived.name, arrived.jobs._session) == (Mine, "a", arrived._session)
    with pytest.raises(TypeError, match=r"Mine\.name seems to hold a token.*__getstate__"):
        pickle.dumps(Mine(f"of {SECRET}", bearer_token="t"))
    with pytest.raises(TypeError, match="seems to hold a token"):
        pickle.dumps(Mine("another_form", bearer_token="another_form"))
    mine = Mine("a", bearer_token="t")
    mine.more = {"a": [SECRET]}  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match=r"Mine\.more seems to hold a token"):
        pickle.dumps(mine)


@pytest.mark.parametrize("given", [SECRET, giving_secret, lambda: SECRET], ids=["text", "function", "lambda"])
async def test_the_first_401_names_the_missing_token(colour: str, server: Server, given: Any) -> None:
    """Loading raises nothing. The first 401 says that the token was not in the pickle."""
    arrived = sent(sent(connect(colour, bearer_token=given, base_url=server.base_url)))
    assert arrived.bearer_token is None
    for call in (arrived.account.get, lambda: arrived.run("me/official")):
        with pytest.raises(AuthenticationError, match="No token was sent") as caught:
            await got(call())
        assert "came from a pickle" in str(caught.value.hint)
        assert "client.bearer_token = " in str(caught.value.hint)
        assert "came from a pickle" in "".join(caught.value.__notes__)
    arrived.bearer_token = server.token
    assert await got(arrived.run("me/official", input={"text": "a"})) == "A!"
    arrived.bearer_token = "r8_wrong"
    with pytest.raises(AuthenticationError) as caught:
        await got(arrived.account.get())
    assert "pickle" not in str(caught.value.hint)


async def test_a_wrong_token_in_the_environment(colour: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the API refuses the token of the environment, the hint says why it was used."""
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_of_somebody_else")
    headers = {"Authorization": f"Bearer {server.token}"}
    for options in ({"bearer_token": server.token}, {"bearer_token": None, "default_headers": headers}):
        with pytest.raises(AuthenticationError) as caught:
            await got(sent(connect(colour, base_url=server.base_url, **options)).account.get())
        assert "came from a pickle" in str(caught.value.hint)
    with pytest.raises(AuthenticationError) as caught:  # no token was passed, so none was left out
        await got(sent(connect(colour, base_url=server.base_url, bearer_token=None)).account.get())
    assert "pickle" not in str(caught.value.hint)


def test_a_file_host_that_refuses_says_nothing_of_pickles(server: Server) -> None:
    """Only a 401 from the API itself mentions the pickle."""
    refusing = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(401)))
    arrived = sent(Replicate(bearer_token=SECRET)).with_options(http_client=refusing)
    with pytest.raises(AuthenticationError) as caught:
        replicate.FileOutput("https://files.test/a.png", arrived).read()
    assert "pickle" not in str(caught.value.hint)


def answering(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200)


@pytest.mark.parametrize(
    ("name", "make"),
    {
        "http_client": lambda: Replicate(bearer_token="t", http_client=httpx.Client()),
        "http_client, asynchronous": lambda: AsyncReplicate(bearer_token="t", http_client=httpx.AsyncClient()),
        "transport": lambda: Client("t", transport=httpx.MockTransport(answering)),
        "mounts": lambda: Client("t", mounts={"http://": httpx.HTTPTransport()}),
        "verify": lambda: Client("t", verify=ssl.create_default_context()),
        "cert": lambda: Client("t", cert=("a.pem", "a.key", "password")),
        "auth": lambda: Client("t", auth=("me", "password")),
        "cookies": lambda: Client("t", cookies={"a": "b"}),
        "params": lambda: Client("t", params={"api_key": "hidden-key"}),
        "event_hooks": lambda: Client("t", event_hooks={"request": [print]}),
        "proxy": lambda: Client("t", proxy="http://me:password@127.0.0.1:1"),
        "proxy, an object": lambda: Client("t", proxy=httpx.Proxy("http://127.0.0.1:1", auth=("me", "password"))),
        "base_url": lambda: Client(SECRET, base_url=f"http://127.0.0.1:1/{SECRET}"),
    }.items(),
)
def test_options_that_cannot_be_pickled(name: str, make: Callable[[], Any]) -> None:
    """Connections, code and secrets cannot be pickled. The error names the option and says what to do instead."""
    client = make()
    name = name.partition(",")[0]
    for thing in (client, client.predictions, client.run, client.use("me/model")):
        with pytest.raises(TypeError, match=f"a client that was given {name}= cannot be pickled.*make the client in"):
            pickle.dumps(thing)


# ---- never the token


def things(client: Any) -> Iterator[Any]:
    """Yield all objects of a client that can be pickled."""
    yield from (client, client.run, client.predictions, client.predictions.get, client.models.versions.list)
    yield from (client.webhooks.default, client.deployments.predictions.create, client.with_options(timeout=3))
    yield from (client.use("me/official"), client.use("me/official").create, client.use("me/words", streaming=True))
    yield client.with_options(extra_headers={"Authorization": SECRET}, extra_body={"token": "hidden-key", "a": SECRET})


async def test_the_token_is_in_no_pickle(clients: Any, server: Server, token: str) -> None:
    """No pickle by any protocol contains the token, wherever it was passed, and no loaded object shows it."""
    client = clients(server)
    for source in (SECRET, giving_secret, lambda: SECRET):
        for thing in things(clients(server, **{**secret(), "bearer_token": source})):
            for protocol in PROTOCOLS:
                pickled = pickle.dumps(thing, protocol)
                arrived = pickle.loads(pickled)
                for text in (SECRET, "hidden-key", token):
                    assert text.encode() not in pickled
                    assert text not in repr(arrived)
    arrived = sent(clients(server, **secret()))
    assert (arrived.default_headers, arrived.default_query) == ({"X-Plain": "kept"}, {"plain": "kept"})
    run = await got(client.use("me/official").create(text="a"))
    page = await got(client.predictions.list(limit=1, extra_headers={"Authorization": f"Bearer {token}", "X-A": "b"}))
    output = await got(client.run("me/official", input={"text": "a"}, extra_headers={"X-Note": token}))
    with pytest.raises(RunError) as caught:
        await got(client.run("me/broken"))
    for thing in (run, run.prediction, page, page[0], output, caught.value):
        for protocol in PROTOCOLS:
            assert token.encode() not in pickle.dumps(thing, protocol)
    assert sent(page)._options == {"extra_headers": {"X-A": "b"}}


async def test_raw_responses_cannot_be_pickled(client: Any) -> None:
    """A raw response holds a request with the token, so it refuses to be pickled and says what to pickle instead."""
    answer = await got(client.account.with_raw_response.get())
    with pytest.raises(TypeError, match="its request holds the token: take what parse"):
        pickle.dumps(answer)


# ---- models as functions, and runs


async def test_functions_of_use(clients: Any, server: Server, token: str, colour: str, asked: Any) -> None:
    """Functions of `use` are loaded with their settings, and loading sends nothing."""
    function = clients(server).use("me/official", timeout=30, cancel_on_exit=False, validate=False, save_to="pictures")
    before = len(asked())
    arrived = sent(function)
    assert type(arrived) is type(function)
    told, settings = vars(arrived._invocation), vars(function._invocation)
    assert {**told, "_origin": None} == {**settings, "_origin": None}
    assert len(asked()) == before
    assert await got(sent(clients(server).use("me/official"))(text="a")) == "A!"
    run = await got(sent(clients(server).use("me/official").create)(text="b"))
    assert await got(run.output()) == "B!"
    assert await got(sent(clients(server).use("me/words"))(text="a b")) == "a b "


@pytest.fixture
def holding(held: Held) -> Iterator[Server]:
    """Serve models that wait for the test."""
    models = {"me/text": Model(held.text, official=True), "me/words": Model(held.words, official=True)}
    with local_server(models) as srv:
        yield srv
        held.go.set()


async def test_a_run_goes_on_where_it_is_loaded(
    clients: Any, holding: Server, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loaded Run has its prediction, logs and output, through the client found there, and starts nothing."""
    monkeypatch.setenv("REPLICATE_API_TOKEN", holding.token)
    client = clients(holding, bearer_token=holding.token)
    run = await got(client.use("me/text").create())
    pickled = [pickle.dumps(run, protocol) for protocol in PROTOCOLS]
    held.go.set()
    for each in pickled:
        kept.append(arrived := pickle.loads(each))
        assert arrived.prediction.id == run.prediction.id
        assert (await got(arrived.prediction.wait())).status == "succeeded"
        assert await got(arrived.output()) == "done"
        assert await got(arrived.logs()) == ""
        assert repr(arrived) == f"<Run of me/text: {run.prediction.id} succeeded>"
        assert arrived.prediction._session.transport is arrived._session.transport
    assert await got(sent(await got(client.use("me/words").create())).output()) == "first second"
    assert [each.path for each in holding.requests if each.method == "POST"] == [
        "/v1/models/me/text/predictions",
        "/v1/models/me/words/predictions",
    ]


async def test_a_streaming_run(clients: Any, holding: Server, held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """The output of a loaded streaming Run is an iterator that does not cancel when it is left."""
    monkeypatch.setenv("REPLICATE_API_TOKEN", holding.token)
    run = await got(clients(holding).use("me/words", streaming=True).create())
    output = await got(sent(run).output())
    assert isinstance(output, OutputIterator)
    assert output.prediction.id == run.prediction.id
    assert (await anext(output) if hasattr(output, "__anext__") else next(output)) == "first "
    await got(output.close())
    assert [each.status for each in holding.predictions] == ["processing"]
    held.go.set()
    assert await collect(await got(sent(run).output())) == ["first ", "second"]


async def test_a_loaded_run_does_not_cancel(
    clients: Any, holding: Server, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A prediction belongs to the process that has started it: a loaded Run never cancels it."""
    monkeypatch.setenv("REPLICATE_API_TOKEN", holding.token)
    run = await got(clients(holding).use("me/text").create())

    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    arrived = sent(run)
    arrived._session.transport.sleep = lambda _: interrupt(None)
    with pytest.raises(KeyboardInterrupt):
        await got(arrived.output())
    del arrived
    assert [each.finished for each in holding.predictions] == [False]
    run._session.transport.sleep = lambda _: interrupt(None)
    with pytest.raises(KeyboardInterrupt):
        await got(run.output())
    assert [each.status for each in holding.predictions] == ["canceled"]


async def test_the_timeout_of_a_loaded_run(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The timeout of a loaded Run includes the time before and during the transfer."""
    answers = Script(model=[model()], create=[prediction("processing")], get=[prediction("processing")])
    client = scripted(colour, answers)
    clock = Clock(client)
    run = await got(client.use("me/model", timeout=100).create())
    clock.time += 60
    _, (invocation, *_, begun) = run.__reduce__()
    arrived = type(run)(invocation, run.prediction, run._call)
    arrived._deadline = type(run._deadline).begun(client._session, *begun)
    assert 39 < arrived._deadline.remaining() < 40.1
    clock.time += 40
    with pytest.raises(PredictionTimeout, match="100"):
        await got(arrived.output())


# ---- iterators


async def test_an_iterator_that_was_read_to_its_end(clients: Any, server: Server, token: str, colour: str) -> None:
    """An iterator that was read to its end is loaded with its text and its prediction, and without items."""
    client = clients(server)
    output = await got(client.run(f"me/numbers:{version_of(server, 'me/numbers')}"))
    assert await collect(output) == [0, 1, 2]
    for protocol in PROTOCOLS:
        arrived = sent(output, protocol)
        assert type(arrived) is type(output)
        assert str(arrived) == "012"
        assert await collect(arrived) == []
        assert arrived.prediction.id == output.prediction.id
        assert repr(arrived) == repr(output)
        if colour != "blocking":
            assert await arrived == [0, 1, 2]


# ---- partial functions, as used to run code elsewhere


def test_partial_functions(here: Client) -> None:
    """Partial functions of the package's functions can be pickled."""
    assert sent(functools.partial(replicate.run, "me/official", input={"text": "a"}))() == "A!"
    assert sent(functools.partial(here.use("me/official"), text="a"))() == "A!"
    assert sent([Path("a"), replicate.run])[1] is replicate.run
