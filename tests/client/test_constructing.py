"""Making clients: tokens, addresses, options, closing."""

from __future__ import annotations

import inspect
import re
import traceback
from typing import Any

import httpx
import pytest
from support.colours import connect, got, scripted

import replicate
from replicate import AsyncClient, AsyncReplicate, AuthenticationError, Client, Replicate, ReplicateError
from replicate._http.settings import SETTINGS
from replicate._module_client import DEFAULTS
from replicate_api.api.account import account_get

CLASSES = [Replicate, AsyncReplicate, Client]
PORTS = ["https://example.com:0", "https://example.com:65536", "https://example.com:port"]
OTHER = "https://api.example.test"


def base_url(client: Any) -> str:
    return str(client._session.config.base_url)


def token(client: Any) -> str | None:
    return str(client._session.config.credentials.token())


@pytest.mark.parametrize("kind", [Replicate, AsyncReplicate])
def test_there_must_be_a_token(kind: Any) -> None:
    """Without a token, the constructor raises an error that says how to set one and where to get one."""
    says = r"^bearer_token client option must be set.*REPLICATE_API_TOKEN.*bearer_token=.*/account/api-tokens"
    with pytest.raises(ReplicateError, match=says):
        kind()
    with pytest.raises(ReplicateError, match="no API token"):
        kind(bearer_token="  ")


def test_version_1_needs_no_token_to_be_made(server: Any) -> None:
    """`Client()` needs no token. It sends requests without one, and the 401 says how to set it."""
    with Client(base_url=server.base_url) as client, pytest.raises(AuthenticationError) as raised:
        client.models.get("me/official")
    assert raised.value.message.startswith("401 Unauthorized from GET /v1/models/me/official: Unauthenticated: ")
    assert str(raised.value).splitlines()[:4] == [
        "ReplicateError Details:",
        "title: Unauthenticated",
        "status: 401",
        "detail: You did not pass an authentication token",
    ]
    assert "\nNo token was sent. Set the environment variable REPLICATE_API_TOKEN" in str(raised.value)
    assert "https://replicate.com/account/api-tokens" in str(raised.value)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_token_has_two_names(kind: Any) -> None:
    """`bearer_token` and `api_token` are the same; both at once are refused."""
    assert token(kind(bearer_token="r8_a")) == token(kind(api_token="r8_a")) == "r8_a"
    with pytest.raises(TypeError, match="pass one of them"):
        kind(bearer_token="r8_a", api_token="r8_a")


@pytest.mark.parametrize("kind", CLASSES)
def test_the_token_of_the_environment(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is passed takes precedence over the environment, which is read at each request."""
    monkeypatch.setenv("REPLICATE_API_TOKEN", ' "r8_env" ')
    client = kind()
    assert (token(client), token(kind(bearer_token="r8_a"))) == ("r8_env", "r8_a")
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_later")
    assert token(client) == "r8_later"


def test_version_1_takes_the_token_by_position() -> None:
    """`Client("r8_…")` takes the token as its first argument, as in version 1."""
    assert token(Client("r8_a")) == "r8_a"


async def test_a_token_can_be_a_function(colour: str) -> None:
    """A function for a token is called before each request, so that the token can change."""
    sent: list[str] = []
    tokens = iter(["r8_a", "r8_b"])

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["authorization"])
        return httpx.Response(200, json={})

    client = scripted(colour, answer, bearer_token=lambda: next(tokens))
    await got(client.get("/account"))
    await got(client.get("/account"))
    assert sent == ["Bearer r8_a", "Bearer r8_b"]


@pytest.mark.parametrize(
    ("kind", "given", "variable", "expected"),
    [
        (Replicate, None, None, "https://api.replicate.com/v1"),
        (AsyncReplicate, None, "", "https://api.replicate.com/v1"),
        (Client, None, "  ", "https://api.replicate.com/v1"),
        (Replicate, None, OTHER, f"{OTHER}/v1"),
        (AsyncReplicate, None, f"{OTHER}/", f"{OTHER}/v1"),
        (Client, None, f"{OTHER}/v1", f"{OTHER}/v1"),
        (Replicate, None, f"{OTHER}/v1/", f"{OTHER}/v1"),
        (Replicate, None, f"{OTHER}/proxy", f"{OTHER}/proxy"),
        (Replicate, OTHER, None, OTHER),
        (AsyncReplicate, f"{OTHER}/v2", "https://example.com", f"{OTHER}/v2"),
        (Client, OTHER, None, f"{OTHER}/v1"),
        (Client, f"{OTHER}/v1", None, f"{OTHER}/v1"),
        (Client, httpx.URL(OTHER), None, f"{OTHER}/v1"),
    ],
)
def test_the_address(
    kind: Any, given: Any, variable: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REPLICATE_BASE_URL, and the URL passed to version 1's Client, get "/v1" if they have no path."""
    if variable is not None:
        monkeypatch.setenv("REPLICATE_BASE_URL", variable)
    assert base_url(kind(api_token="r8_a", base_url=given)) == expected


@pytest.mark.parametrize(
    "address",
    ["", "api.replicate.com", "ftp://api.replicate.com", "http://", "/v1", "https://example.com/v1?key=a", *PORTS],
)
@pytest.mark.parametrize("kind", CLASSES)
def test_an_address_is_a_full_url(kind: Any, address: str) -> None:
    """An address that is not a full HTTP URL is refused at once, with an example."""
    with pytest.raises(ValueError, match="must be a full URL without a query, such as https://api"):
        kind(api_token="r8_a", base_url=address)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:9/v1", "localhost:8000", "localhost/v1", "[::1]:80/v1", "api.replicate.com/v1", "my-host.lan:1"],
)
@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("variable", [True, False])
def test_an_address_without_its_scheme(
    kind: Any, address: str, monkeypatch: pytest.MonkeyPatch, *, variable: bool
) -> None:
    """The error shows the address and says that its scheme is missing."""
    if variable:
        monkeypatch.setenv("REPLICATE_BASE_URL", address)
    says = re.escape(f": {address!r} does not begin with http:// or https://") + "$"
    with pytest.raises(ValueError, match=says):
        kind(api_token="r8_a", base_url=None if variable else address)


@pytest.mark.parametrize(
    "address", ["user:hidden@example.com/v1", "example.com/v1?key=hidden", "r8_hidden.x", "hidden", "a.b/\x1b[hidden"]
)
@pytest.mark.parametrize("kind", CLASSES)
def test_an_address_that_may_hold_a_secret_is_not_shown(kind: Any, address: str) -> None:
    """The error shows an address only if it is no more than a host, a port and a path."""
    with pytest.raises(ValueError, match="must be a full URL") as caught:
        kind(api_token="r8_a", base_url=address)
    assert "hidden" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("variable", [True, False])
def test_an_address_holds_no_password(kind: Any, monkeypatch: pytest.MonkeyPatch, *, variable: bool) -> None:
    """An address with a password is refused and not shown."""
    address = "https://user:hidden@example.com/v1"
    if variable:
        monkeypatch.setenv("REPLICATE_BASE_URL", address)
    with pytest.raises(ValueError, match="no user name and no password") as caught:
        kind(api_token="r8_a", base_url=None if variable else address)
    assert "hidden" not in "".join(traceback.format_exception(caught.value))


async def test_an_address_may_end_in_a_slash(colour: str) -> None:
    """A path is joined to the address with one slash."""
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(str(request.url))
        return httpx.Response(200, json={})

    client = scripted(colour, answer, base_url=f"{OTHER}/v1/")
    await got(client.get("/account"))
    await got(client.call(account_get))
    assert sent == [f"{OTHER}/v1/account"] * 2


@pytest.mark.parametrize("kind", CLASSES)
def test_options_are_checked(kind: Any) -> None:
    """Unknown keywords and invalid numbers are refused at once."""
    with pytest.raises(TypeError, match="max_retrys"):
        kind(api_token="r8_a", max_retrys=1)
    with pytest.raises(ValueError, match="0 or more"):
        kind(api_token="r8_a", max_retries=-1)


async def test_options_of_all_requests(colour: str) -> None:
    """A client's headers, query and timeout apply to every request. Those of a request take precedence."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={})

    client = scripted(colour, answer, default_headers={"X-One": "1", "X-Two": "2"}, default_query={"a": "b"}, timeout=7)
    await got(client.get("/account", headers={"X-Two": "3"}, timeout=3))
    await got(client.get("/account"))
    assert [(each.headers["x-one"], each.headers["x-two"]) for each in sent] == [("1", "3"), ("1", "2")]
    assert [each.extensions["timeout"]["read"] for each in sent] == [3, 7]
    assert str(sent[0].url).endswith("/account?a=b")


async def test_with_options(colour: str) -> None:
    """`with_options` returns a client with other options over the same connections, and leaves the first unchanged."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={})

    client = scripted(colour, answer, default_headers={"X-One": "1"})
    await got(client.models.get("me/model"))
    other = client.with_options(timeout=3, extra_headers={"X-Two": "2"}, extra_query={"a": "b"}, max_retries=0)
    await got(other.models.get("me/model"))
    await got(client.models.get("me/model"))
    assert type(other) is type(client)
    assert other._session.transport is client._session.transport
    assert [each.headers.get("x-two") for each in sent] == [None, "2", None]
    assert [each.extensions["timeout"]["read"] for each in sent] == [60, 3, 60]
    assert (sent[1].headers["x-one"], sent[1].url.query) == ("1", b"a=b")
    with pytest.raises(TypeError, match="did you mean 'timeout'"):
        client.with_options(time_out=3)


def test_version_1_takes_the_options_of_httpx() -> None:
    """`Client` passes other keywords to httpx, and refuses those that httpx does not have."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"username": "me"})

    with Client(
        "r8_a",
        headers={"User-Agent": "mine/1", "X-One": "1"},
        transport=httpx.MockTransport(answer),
        timeout=httpx.Timeout(7),
    ) as client:
        assert client.get("/account").json() == {"username": "me"}
    assert (seen[0].headers["user-agent"], seen[0].headers["x-one"]) == ("mine/1", "1")
    assert seen[0].headers["authorization"] == "Bearer r8_a"
    assert seen[0].extensions["timeout"]["read"] == 7
    with pytest.raises(TypeError, match="did you mean 'transport'"):
        Client("r8_a", transprot=httpx.MockTransport(answer))
    with httpx.Client() as own, pytest.raises(TypeError, match=r"http_client= has its own settings.*verify"):
        Client("r8_a", http_client=own, verify=False)


async def test_a_client_is_a_context(clients: Any, colour: str, server: Any) -> None:
    """Leaving the `with` block closes the connections. The client cannot be used after that."""
    client = clients(server)
    if colour == "blocking":
        with client as entered:
            assert entered is client
            entered.get("/account")
    else:
        async with client as entered:
            assert entered is client
            await entered.get("/account")
    with pytest.raises(ReplicateError, match="closed"):
        await got(client.get("/account"))


async def test_closing(clients: Any, server: Any) -> None:
    """An unused client can be closed, and closed again."""
    client = clients(server)
    await got(client.close())
    await got(client.close())


@pytest.mark.parametrize("kind", CLASSES)
def test_a_client_shows_its_address_only(kind: Any) -> None:
    """A `repr` never shows the token."""
    shown = repr(kind(api_token="r8_secret"))
    assert shown == f"<{kind.__name__} https://api.replicate.com/v1>"
    assert "secret" not in repr(vars(kind(api_token="r8_secret")))


def test_older_names() -> None:
    """`AsyncClient` is `AsyncReplicate`, and `Client` is a `Replicate`."""
    assert AsyncClient is AsyncReplicate
    assert issubclass(Client, Replicate)
    assert connect("blocking").predictions is not None


@pytest.mark.parametrize("kind", CLASSES)
def test_every_setting_is_known_everywhere(kind: Any) -> None:
    """What a client can be made with is what a copy can have otherwise, and what the package can be set to."""
    made_with = [name for name in inspect.signature(kind).parameters if name in SETTINGS]
    assert made_with == [*SETTINGS]
    assert SETTINGS.keys() <= inspect.signature(kind.with_options).parameters.keys()
    assert {*replicate._SETTINGS} == {*DEFAULTS} == {*SETTINGS, "bearer_token", "http_client"} - {"poll_interval"}
