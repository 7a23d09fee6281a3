"""The settings of clients: read, changed, copied; proxies, logging, and httpx clients."""

from __future__ import annotations

import ssl
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from unittest import mock

import httpx
import pytest
from support.colours import connect, got, scripted
from support.faults import Faults, answer

import replicate
from replicate import AsyncReplicate, Client, Replicate, ReplicateError
from replicate._http.connections import default_clients
from replicate._http.connections.default_clients import (
    DefaultAioHttpClient,
    DefaultAsyncHttpxClient,
    DefaultHttpxClient,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

OTHER = "https://api.example.test/v1"
CLASSES = [Replicate, AsyncReplicate, Client]


class Echo:
    """Records the requests."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, json={"id": "p1", "status": "succeeded"})


@pytest.mark.parametrize("kind", CLASSES)
def test_settings_can_be_read(kind: Any) -> None:
    """All arguments of a client's constructor can be read from it."""
    client = kind(
        bearer_token="r8_a",
        base_url=OTHER,
        timeout=7,
        max_retries=1,
        default_headers={"X-One": "1"},
        default_query={"a": "b"},
        poll_interval=0.1,
    )
    assert (client.bearer_token, client.api_token, client.base_url, client.timeout) == ("r8_a", "r8_a", f"{OTHER}/", 7)
    assert (client.max_retries, client.default_headers, client.default_query) == (1, {"X-One": "1"}, {"a": "b"})
    assert (client.poll_interval, client.is_closed()) == (0.1, False)
    assert kind(api_token=lambda: "r8_b").api_token == "r8_b"


async def test_settings_can_be_changed(colour: str) -> None:
    """A change applies to the client's next request, also through namespaces obtained before."""
    echo = Echo()
    client = scripted(colour, echo)
    predictions = client.predictions
    client.api_token = "r8_new"
    client.base_url, client.timeout, client.max_retries = OTHER, 3, 0
    client.default_headers, client.default_query = {"X-One": "1"}, {"a": "b"}
    await got(predictions.get("p1"))
    [sent] = echo.requests
    assert str(sent.url) == f"{OTHER}/predictions/p1?a=b"
    assert (sent.headers["authorization"], sent.headers["x-one"]) == ("Bearer r8_new", "1")
    assert sent.extensions["timeout"]["read"] == 3
    client.bearer_token = lambda: "r8_newer"
    assert client.bearer_token == "r8_newer"
    for name, wrong in (("max_retries", -1), ("base_url", "nowhere"), ("poll_interval", -1)):
        with pytest.raises(ValueError, match=name):
            setattr(client, name, wrong)


@pytest.mark.parametrize("method", ["copy", "with_options"])
async def test_copies(colour: str, method: str) -> None:
    """A copy has the changed settings, and shares the connections."""
    echo = Echo()
    client = scripted(colour, echo, default_headers={"X-One": "1"}, default_query={"a": "1"}, timeout=9)
    client._session.memory["models"] = "known"
    copy = getattr(client, method)
    added = copy(default_headers={"X-Two": "2"}, default_query={"b": "2"}, timeout=None, max_retries=5)
    assert (added.default_headers, added.default_query) == ({"X-One": "1", "X-Two": "2"}, {"a": "1", "b": "2"})
    assert (added.timeout, added.max_retries, added.api_token) == (None, 5, "r8_test")
    assert added._session.transport is client._session.transport
    assert added._session.memory is client._session.memory
    instead = copy(set_default_headers={"X-Two": "2"}, set_default_query={}, bearer_token="r8_b", base_url=OTHER)
    assert (instead.default_headers, instead.default_query, instead.timeout) == ({"X-Two": "2"}, {}, 9)
    assert (instead.bearer_token, instead.base_url, instead._session.memory) == ("r8_b", f"{OTHER}/", {})
    await got(instead.predictions.get("p1"))
    assert echo.requests[0].headers["authorization"] == "Bearer r8_b"
    assert (client.bearer_token, client.default_headers) == ("r8_test", {"X-One": "1"})
    assert copy(poll_interval=2).poll_interval == 2
    for name in ("headers", "query"):
        with pytest.raises(ValueError, match=f"^`default_{name}` and `set_default_{name}` arguments are mutually excl"):
            copy(**{f"default_{name}": {}, f"set_default_{name}": {}})
    with pytest.raises(TypeError, match="did you mean 'timeout'"):
        copy(timeot=1)
    with pytest.raises(ValueError, match="max_retries"):
        copy(max_retries=-1)


async def test_a_copy_can_have_its_own_connections(colour: str) -> None:
    """`http_client=` replaces the connections."""
    first, second = Echo(), Echo()
    client = scripted(colour, first)
    kind = httpx.Client if colour == "blocking" else httpx.AsyncClient
    other = client.copy(http_client=kind(transport=httpx.MockTransport(second)))
    await got(other.get("/account"))
    assert (len(first.requests), len(second.requests)) == (0, 1)


async def test_closed_or_not(colour: str) -> None:
    """`is_closed()` returns whether the client or its `http_client` was closed."""
    client = scripted(colour, Echo())
    await got(client.get("/account"))
    assert not client.is_closed()
    await got(client.close())
    assert client.is_closed()
    unused = connect(colour)
    await got(unused.close())
    assert unused.is_closed


async def test_the_poll_interval_of_the_environment(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """REPLICATE_POLL_INTERVAL is the default, read on each use; an invalid value is a clear error."""
    client = connect(colour)
    assert client.poll_interval == 0.5
    monkeypatch.setenv("REPLICATE_POLL_INTERVAL", "0.25")
    assert client.poll_interval == 0.25
    assert connect(colour, poll_interval=3).poll_interval == 3
    monkeypatch.setenv("REPLICATE_POLL_INTERVAL", "soon")
    with pytest.raises(ReplicateError, match=r"REPLICATE_POLL_INTERVAL must be a number of seconds.*'soon'"):
        client.poll_interval  # noqa: B018


async def test_the_poll_interval_is_used(colour: str) -> None:
    """Waiting for a prediction sleeps for the interval between two requests."""
    states = iter(["starting", "processing", "processing", "succeeded"])
    client = scripted(colour, lambda _: httpx.Response(200, json={"id": "p", "status": next(states)}), poll_interval=3)
    sleeps: list[float] = []

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)

    client._session.transport.sleep = sleep
    await got(client.predictions.wait("p"))
    assert sleeps == [3, 3, 3]


@pytest.fixture
def proxy() -> Iterator[Faults]:
    with Faults(answer("200 OK", b'{"username": "me"}')) as faults:
        yield faults


@pytest.mark.parametrize("kind", [Replicate, Client])
def test_a_proxy_of_the_environment(kind: Any, proxy: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests go through the proxy in the environment."""
    monkeypatch.setenv("HTTP_PROXY", proxy.origin)
    with kind(api_token="r8_test", base_url="http://api.example.test/v1") as client:
        assert client.get("/account").json() == {"username": "me"}
    assert proxy.requests[0].startswith(b"GET http://api.example.test/v1/account HTTP/1.1")


def test_a_proxy_that_is_passed(proxy: Faults) -> None:
    """`Client(proxy=…)` and `http_client=DefaultHttpxClient(proxy=…)` use a proxy."""
    address = "http://api.example.test/v1"
    with Client("r8_test", base_url=address, proxy=proxy.origin) as client:
        assert client.get("/account").json() == {"username": "me"}
    http = DefaultHttpxClient(proxy=proxy.origin)
    with Replicate(api_token="r8_test", base_url=address, http_client=http) as other:
        assert other.get("/account").json() == {"username": "me"}
    assert len(proxy.requests) == 2


def test_verify_reaches_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Client(verify=…)` is passed on to httpx."""
    made: list[Any] = []
    real = httpx.Client.__init__

    def noted(client: httpx.Client, **given: Any) -> None:
        made.append(given)
        real(client, **given)

    context = ssl.create_default_context()
    with Client("r8_test", verify=context, transport=httpx.MockTransport(Echo())) as client:
        monkeypatch.setattr(httpx.Client, "__init__", noted)
        client.get("/account")
    assert made[0]["verify"] is context


def test_default_httpx_clients() -> None:
    """`DefaultHttpxClient` and its asynchronous twin are httpx clients with our timeout and the given options."""
    with DefaultHttpxClient() as client:
        assert isinstance(client, httpx.Client)
        assert client.timeout == httpx.Timeout(60, connect=5)
    with DefaultHttpxClient(timeout=3, headers={"X-One": "1"}) as client:
        assert (client.timeout, client.headers["x-one"]) == (httpx.Timeout(3), "1")
    other = DefaultAsyncHttpxClient()
    assert isinstance(other, httpx.AsyncClient)
    assert other.timeout == httpx.Timeout(60, connect=5)


def test_aiohttp_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, `DefaultAioHttpClient` says what to install; with it, it makes that library's client."""

    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(default_clients, "import_module", missing)
    with pytest.raises(RuntimeError, match=r'pip install "replicate\[aiohttp\]"'):
        DefaultAioHttpClient()

    class Installed:
        HttpxAiohttpClient = httpx.AsyncClient

    monkeypatch.setattr(default_clients, "import_module", lambda _: Installed)
    assert DefaultAioHttpClient(timeout=4).timeout == httpx.Timeout(4)


TALK = """
import httpx, logging, sys
import replicate
{before}
for _ in range(2):
    client = replicate.Client("r8_secret", transport=httpx.MockTransport(lambda _: httpx.Response(200, json={{}})))
client.get("/account")
"""


@pytest.mark.parametrize(
    ("value", "before", "lines"),
    [
        ("info", "", 0),
        (" DEBUG ", "", 1),
        ("loud", "", 0),
        ("", "", 0),
        ("debug", "logging.basicConfig()", 1),
        ("debug", "logging.getLogger().addHandler(logging.NullHandler())", 0),
    ],
)
def test_logging(value: str, before: str, lines: int) -> None:
    """REPLICATE_LOG shows the log of this package, once, unless the program has its own handlers.

    The log of httpx shows whole URLs, including signatures, and is not turned on.
    """
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path)), "REPLICATE_LOG": value}
    ran = subprocess.run(
        [sys.executable, "-c", TALK.format(before=before)], env=environment, capture_output=True, text=True, check=True
    )
    assert len(ran.stderr.splitlines()) == lines
    assert "secret" not in ran.stderr


def test_patched_settings_are_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that a test patches on the module are also restored in the client."""
    replicate._reset_client()
    client = replicate.default_client
    before = (client.max_retries, client.base_url)
    with mock.patch("replicate.bearer_token", "r8_patched_for_a_while"), mock.patch("replicate.max_retries", 9):
        assert (client.bearer_token, client.max_retries) == ("r8_patched_for_a_while", 9)
    assert client.bearer_token != "r8_patched_for_a_while"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replicate, "api_token", "r8_patched_again")
        patch.setattr(replicate, "base_url", "https://patched.example/v1")
        assert (client.bearer_token, client.base_url.host) == ("r8_patched_again", "patched.example")
    assert (client.max_retries, client.base_url) == before
    assert client.bearer_token != "r8_patched_again"
    replicate._reset_client()


@pytest.mark.parametrize("wrong", [httpx.AsyncClient, httpx.Client])
def test_an_http_client_of_the_other_colour(wrong: Any) -> None:
    """It is refused when it is given, and not only after a prediction was started."""
    kind = Replicate if wrong is httpx.AsyncClient else AsyncReplicate
    with pytest.raises(TypeError, match=rf"^Invalid `http_client` arg.* as http_client, not httpx\.{wrong.__name__}$"):
        kind(bearer_token="t", http_client=wrong())
    with pytest.raises(TypeError, match="http_client"):
        kind(bearer_token="t").with_options(http_client=wrong())


def test_parameters_of_an_http_client() -> None:
    """They are added to the parameters of a request, and replace none."""
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json={"results": [], "next": None})

    with Client("t", transport=httpx.MockTransport(answer), params={"team": "x"}) as client:
        client.predictions.list(created_after="2024-01-01")
        client.account.get(extra_query={"a": ["1", "2"]})
    assert [dict(url.params) for url in asked] == [
        {"team": "x", "created_after": "2024-01-01"},
        {"team": "x", "a": "1,2"},
    ]


def test_the_timeout_of_version_1() -> None:
    """`Client(timeout=None)` means the default timeout, as in version 1."""
    assert Client("t", timeout=None).timeout == replicate.DEFAULT_TIMEOUT
    assert Client("t", timeout=httpx.Timeout(None)).timeout == httpx.Timeout(None)
