"""URLs from models and redirects are fetched without the token, and not from private hosts."""

from __future__ import annotations

import copy
import pickle
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import connect, got, leaves_streams
from support.faults import Faults, answer
from support.hosts import CONTENT, field, hosted
from support.lasting import Lasting

import replicate
from replicate import Client, FileOutput, Prediction
from replicate._http import guard
from replicate.exceptions import APIConnectionError, AuthenticationError, ReplicateError, SaveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = leaves_streams

REFUSED = r"cannot be fetched, for its host is private, and the client was not made with allow_private_hosts=True\."
RESOLVED = r"cannot be fetched, for its host has a private address, and the client was not made with allow_private"
PUBLIC = "api.public.test"
"""Names that end in `public.test` resolve to this machine."""


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        return look_up("127.0.0.1" if name.endswith("public.test") else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture
def make(colour: str) -> Iterator[Callable[..., Any]]:
    """Yield a function that makes clients whose API is a server of this machine with a public name."""
    made: list[Any] = []

    def client(api: Faults | None = None, **options: Any) -> Any:
        place = {"base_url": by(PUBLIC, api, "/v1")} if api else {}
        made.append(connect(colour, **{"max_retries": 0, **place, **options}))
        return made[-1]

    yield client
    if colour == "blocking":
        for each in made:
            each.close()


def by(name: str, server: Faults, path: str) -> str:
    """Return the URL of a path at a server, with another name for its host."""
    return f"http://{name}:{server.origin.rpartition(':')[2]}{path}"


def tokens(server: Faults) -> list[str | None]:
    return [field(request, "authorization") for request in server.requests]


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def heard(server: Faults) -> int:
    """Return the number of requests of which anything arrived."""
    return sum(bool(request.strip()) for request in server.requests)


def guarded(request: bytes) -> bytes:
    """Answer as an API that returns a secret to requests with a token."""
    known = (field(request, "authorization") or "").startswith("Bearer r8_")
    return answer("200 OK", b'{"key": "whsec_x"}') if known else answer("401 Unauthorized")


# ---- the token


async def use_read(output: Any, folder: Path) -> Any:
    return await got(output.read())


async def use_save(output: Any, folder: Path) -> Any:
    return await got(output.save(folder / "a"))


async def use_info(output: Any, folder: Path) -> Any:
    return await got(output.info())


async def use_data_uri(output: Any, folder: Path) -> Any:
    return await got(output.as_data_uri())


async def use_iteration(output: Any, folder: Path) -> Any:
    return [piece async for piece in output] if output._session.blocking is False else [*output]


WAYS = [use_read, use_save, use_info, use_data_uri, use_iteration]
PATHS = [
    "/v1/webhooks/default/secret",
    "/v1/account",
    "/v1/files",
    "/v1/files/%2e%2e/webhooks/default/secret",
    "/v1/files/..%2fwebhooks/default/secret",
    "/v1/files/x/..;/..;/webhooks/default/secret",
    "/v1/files//x",
    "/x.png",
]


@pytest.mark.parametrize("way", WAYS)
async def test_an_output_that_is_a_secret_of_the_account(
    make: Callable[..., Any], way: Any, tmp_path: Path, colour: str
) -> None:
    """An output whose URL is one of the API, but no file of it, is requested without the token."""
    del colour
    with Faults(guarded) as api:
        with pytest.raises(AuthenticationError):
            await way(FileOutput(by(PUBLIC, api, PATHS[0]), make(api)), tmp_path)
        assert {*tokens(api)} == {None}
        assert names_in(tmp_path) == []


@pytest.mark.parametrize("path", PATHS)
async def test_urls_that_lead_out_of_the_files(make: Callable[..., Any], path: str, colour: str) -> None:
    """No URL from a model, in any spelling, gets the token at another path of the API."""
    del colour
    with Faults(guarded) as api:
        client = make(api)
        for start in ("http://", "HTTP://", "http://u@"):
            output = FileOutput(by(PUBLIC, api, path).replace("http://", start), client)
            with pytest.raises(AuthenticationError):
                await got(output.read())
        assert not any("Bearer" in (token or "") for token in tokens(api))


async def test_a_text_of_an_output_that_is_a_file(make: Callable[..., Any], colour: str) -> None:
    """A string in `prediction.output` with such a URL is read without the token."""
    del colour
    with Faults(guarded) as api:
        client = make(api)
        prediction = Prediction.from_dict({"id": "p", "status": "succeeded", "output": by(PUBLIC, api, PATHS[0])})
        vars(prediction)["_bound"] = client._session
        output: Any = prediction.output
        with pytest.raises(AuthenticationError):
            await got(output.read())
        assert tokens(api) == [None]


def test_showing_an_output() -> None:
    """Showing an output in a notebook, or opening it as a path, requests it without the token."""
    with Faults(guarded) as api, Client("r8_t", base_url=by(PUBLIC, api, "/v1"), max_retries=0) as client:
        output = FileOutput(by(PUBLIC, api, PATHS[0]), client)
        assert "whsec" not in str(output._repr_mimebundle_())
        with pytest.raises(AuthenticationError):
            open(output)  # noqa: PTH123, SIM115 - opened as a path
        assert tokens(api) == [None] * 2


async def test_files_of_the_api(make: Callable[..., Any], colour: str) -> None:
    """A file of the API is requested with the token. The API's own host may be private."""
    del colour
    with Faults(guarded) as api:
        for client in (make(api), make(base_url=api.base_url)):
            base_url = str(client.base_url).rstrip("/")
            assert await got(FileOutput(f"{base_url}/files/1/download", client).read()) == b'{"key": "whsec_x"}'
        assert tokens(api) == ["Bearer r8_test"] * 2


@pytest.mark.parametrize("path", PATHS)
async def test_redirects_that_return_to_the_api(make: Callable[..., Any], path: str, colour: str) -> None:
    """Redirects from a file of the API, and those from a stranger to the API, are followed without the token."""
    del colour
    with Faults() as api, Faults() as stranger:
        back = answer("302 Found", b"", f"Location: {by(PUBLIC, api, path)}")
        away = answer("302 Found", b"", f"Location: {by('files.public.test', stranger, '/x')}")
        client = make(api, allow_private_hosts=True)
        for start, behaviours, sent in (
            (by(PUBLIC, api, "/v1/files/1"), [back, guarded], ["Bearer r8_test", None]),
            (by(PUBLIC, api, "/v1/files/2"), [away, guarded], ["Bearer r8_test", None]),
            (by("files.public.test", stranger, "/y"), [guarded], [None]),
        ):
            api.behaviours, stranger.behaviours = behaviours, [back]
            api.requests.clear()
            with pytest.raises(AuthenticationError):
                await got(FileOutput(start, client).read())
            assert tokens(api) == sent
        assert {*tokens(stranger)} == {None}


async def test_copies_without_the_token(make: Callable[..., Any], colour: str) -> None:
    """A copy belongs to a token only if the token is sent."""
    del colour
    with Faults(answer("200 OK", b"x")) as api:
        for token in ("r8_one", "r8_other"):
            assert await got(FileOutput(by(PUBLIC, api, "/x"), make(api, bearer_token=token)).read()) == b"x"
        assert len(api.requests) == 1


# ---- private hosts


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "LocalHost.", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0", "[::1]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "u:p@127.0.0.1", "api.public.test@127.0.0.1", "a.localhost",
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", WAYS)
async def test_an_output_at_a_private_host(
    make: Callable[..., Any], way: Any, host: str, tmp_path: Path, colour: str
) -> None:
    """An output with the name or the address of a private host is refused before a connection is made."""
    del colour
    with Faults(answer("200 OK", b"secret")) as inside:
        output = FileOutput(by(host, inside, "/x?sig=s"), make())
        octal = host.startswith("01")  # httpx refuses it as a URL
        with pytest.raises(
            ReplicateError if octal else APIConnectionError, match="no URL" if octal else REFUSED
        ) as raised:
            await way(output, tmp_path)
        assert not getattr(raised.value, "sent", False)
        assert "sig" not in str(raised.value)
        assert "u:p" not in str(raised.value)
        assert (inside.connections, names_in(tmp_path)) == (0, [])


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "10.0.0.1", "metadata.google.internal", "nas.local", "[fd00:ec2::254]", "100.100.100.200"],
)
async def test_private_networks(make: Callable[..., Any], host: str, colour: str) -> None:
    """Private networks and cloud metadata addresses are refused, also if the API is on this machine."""
    del colour
    for base_url in ("https://api.replicate.com/v1", "http://127.0.0.1:5000/v1"):
        with pytest.raises(APIConnectionError, match=REFUSED) as raised:
            await got(FileOutput(f"http://{host}/latest/meta-data", make(base_url=base_url)).read())
        assert str(raised.value).endswith("may be after what only this machine can reach.")


async def test_a_public_name_of_a_private_address(make: Callable[..., Any], colour: str, tmp_path: Path) -> None:
    """If a public name has a private address, the connection is closed before anything is sent."""
    del colour
    with Faults(answer("200 OK", b"secret")) as inside:
        client = make()
        for way in WAYS:
            with pytest.raises(APIConnectionError, match=RESOLVED) as raised:
                await way(FileOutput(by("files.public.test", inside, "/x?sig=s"), client), tmp_path)
            assert not raised.value.sent
            assert "sig" not in str(raised.value)
        assert heard(inside) == 0
        connections = getattr(getattr(client._session.transport.client, "_transport", None), "_pool", None)
        assert connections is None or connections.connections == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "files.public.test"])
@pytest.mark.parametrize("of", ["a file of the API", "another host"])
async def test_a_redirect_to_a_private_host(
    make: Callable[..., Any], name: str, of: str, monkeypatch: pytest.MonkeyPatch, colour: str
) -> None:
    """A redirect to a private host is not followed, whoever sent it."""
    del colour
    with Faults(answer("200 OK", b"secret")) as inside, Faults() as public, Faults() as api:
        monkeypatch.setattr(guard, "address_of", public_but(inside))
        location = by(name, inside, "/x")
        public.behaviours = [answer("302 Found", b"", f"Location: {location}")]
        api.behaviours = [answer("307 Temporary Redirect", b"", f"Location: {location}")]
        url = by(PUBLIC, api, "/v1/files/1") if of == "a file of the API" else by("cdn.public.test", public, "/x")
        with pytest.raises(
            APIConnectionError, match=r"cannot be fetched, for its host (is private|has a private addr)"
        ):
            await got(FileOutput(url, make(api)).read())
        assert (heard(inside), heard(public) + heard(api)) == (0, 1)


def public_but(inside: Faults) -> Callable[[Any], str]:
    """Return a function that reports every address as public, except that of one server."""

    def address_of(stream: Any) -> str:
        return "127.0.0.1" if f":{stream.get_extra_info('server_addr')[1]}" in inside.origin else "93.184.216.34"

    return address_of


async def test_public_hosts(make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, colour: str) -> None:
    """Public hosts are fetched, through redirects and over reused connections."""
    del colour
    with hosted() as inside, Faults() as public:
        monkeypatch.setattr(guard, "address_of", lambda _: "93.184.216.34")
        public.behaviours = [answer("302 Found", b"", f"Location: {by('files.public.test', inside, '/x')}")]
        client = make()
        for path in ("/x", "/y"):
            assert await got(FileOutput(by("cdn.public.test", public, path), client).read()) == CONTENT


async def test_requests_of_the_caller(make: Callable[..., Any], colour: str) -> None:
    """A private URL from the caller is fetched, with redirects to the same host. Redirects from other hosts are not."""
    del colour
    here = answer("302 Found", b"", "Location: /there")
    with Faults(here, answer("200 OK", b"x")) as inside, Faults() as other:
        client = make()
        assert (await got(client.get(f"{inside.origin}/x"))).content == b"x"
        other.behaviours = [answer("302 Found", b"", f"Location: {by('localhost', inside, '/x')}")]
        with pytest.raises(APIConnectionError, match=REFUSED):
            await got(client.get(f"{other.origin}/x"))
        assert len(inside.requests) == 2


async def test_a_connection_that_is_there(make: Callable[..., Any], colour: str) -> None:
    """A connection that the caller's own request has made is not used for an output at a private host."""
    del colour
    with Faults(answer("200 OK", b"x").replace(b"close", b"keep-alive")) as inside:
        client = make()
        url = by("files.public.test", inside, "/x")
        assert (await got(client.get(url))).content == b"x"
        with pytest.raises(APIConnectionError, match=RESOLVED):
            await got(FileOutput(url, client).read())
        assert (await got(FileOutput(url, client.with_options(allow_private_hosts=True)).read())) == b"x"
        with pytest.raises(APIConnectionError, match=RESOLVED):  # a copy of another client is not used
            await got(FileOutput(url, client).read())
        assert len(inside.requests) == 2


@pytest.fixture
def lasting() -> Iterator[Lasting]:
    """Yield a server that keeps its connections open."""
    with Lasting() as server:
        yield server


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("who", ["the program", "a client that may"])
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
async def test_a_connection_that_others_opened(
    make: Callable[..., Any], colour: str, lasting: Lasting, library: str, who: str, *, stream: bool
) -> None:
    """A response over a connection that the caller's HTTP client had open before is discarded, whoever opened it."""
    http = pytest.importorskip(library)
    given = (http.Client if colour == "blocking" else http.AsyncClient)()
    client, url = make(http_client=given), lasting.url("files.public.test")
    if who == "the program":
        await got(given.get(url))
    else:
        allowing = make(http_client=given, allow_private_hosts=True)
        assert await got(FileOutput(f"{url}/other", allowing).read()) == b"secret"
    output = FileOutput(url, client)
    with pytest.raises(APIConnectionError, match=RESOLVED) as raised:
        await got(output.read() if stream else output.info())
    assert raised.value.sent
    assert (lasting.connections, len(lasting.requests)) == (1, 2)
    for _ in range(2):
        with pytest.raises(APIConnectionError, match=RESOLVED) as raised:
            await got(output.read())
        assert not raised.value.sent
    assert len(lasting.requests) == 2
    if colour != "blocking":
        await given.aclose()


@pytest.mark.parametrize("request_of", ["the API", "a file"])
async def test_a_connection_to_another_base_url(
    make: Callable[..., Any], colour: str, lasting: Lasting, request_of: str
) -> None:
    """A copy of a client whose API is private shares its connections, but not for outputs of the first client."""
    del colour
    url = lasting.url("gateway.public.test")
    client = make(base_url="https://api.replicate.com/v1")
    other = client.with_options(base_url=f"{url}/v1")
    if request_of == "the API":
        await got(other.get("/account"))
    else:
        assert await got(FileOutput(f"{url}/x", other).read()) == b"secret"
    for path in ("/x", "/y"):
        with pytest.raises(APIConnectionError, match=RESOLVED) as raised:
            await got(FileOutput(url + path, client).read())
        assert not raised.value.sent
    assert len(lasting.requests) == 1


async def test_a_connection_that_does_not_tell(
    make: Callable[..., Any], colour: str, lasting: Lasting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A response is discarded if the address that sent it can no longer be determined."""
    given = (httpx.Client if colour == "blocking" else httpx.AsyncClient)()
    client, url = make(http_client=given), lasting.url("files.public.test")
    await got(given.get(url))
    monkeypatch.setattr(guard, "address_of", lambda _: None)
    with pytest.raises(APIConnectionError, match="reset before it could be told"):
        await got(FileOutput(url, client).read())
    if colour != "blocking":
        await given.aclose()


async def test_a_private_proxy_whose_connections_last(make: Callable[..., Any], colour: str, lasting: Lasting) -> None:
    """A private proxy's connections may be reused, whoever opened them, also if the proxy has the URL's port."""
    given = (httpx.Client if colour == "blocking" else httpx.AsyncClient)(proxy=lasting.url("127.0.0.1"))
    client = make(http_client=given)
    for url in (lasting.url("files.public.test"), "http://files.public.test"):
        await got(given.get(url))
        assert await got(FileOutput(f"{url}/x", client).read()) == b"secret"
    if colour != "blocking":
        await given.aclose()


@pytest.mark.parametrize("address", ["198.18.0.7", "198.19.255.1", "::ffff:198.18.0.7"])
async def test_a_vpn_that_resolves_all_names_itself(
    make: Callable[..., Any], colour: str, lasting: Lasting, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The addresses that a VPN assigns to public names are not private, except in a URL itself."""
    del colour
    monkeypatch.setattr(guard, "address_of", lambda _: address)
    for path in ("/x", "/y"):
        assert await got(FileOutput(lasting.url("files.public.test") + path, make()).read()) == b"secret"
    with pytest.raises(APIConnectionError, match=REFUSED):
        await got(FileOutput("http://198.18.0.7/x", make()).read())


@pytest.mark.parametrize("name", ["127.0.0.1", "gateway.public.test"])
async def test_a_copy_of_another_client(
    make: Callable[..., Any], colour: str, lasting: Lasting, name: str, tmp_path: Path
) -> None:
    """A copy that one client has from its own private API is not used by a client that may not fetch it."""
    del colour
    url = lasting.url(name)
    own = make(base_url=f"{url}/v1")
    assert await got(FileOutput(f"{url}/x", own).read()) == b"secret"
    await got(FileOutput(f"{url}/x", own).save(tmp_path))
    for way in WAYS:
        with pytest.raises(APIConnectionError, match="private address" if name.endswith("test") else REFUSED):
            await way(FileOutput(f"{url}/x", make(base_url="https://api.replicate.com/v1")), tmp_path)
    assert len(lasting.requests) == 1


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
async def test_a_client_of_the_caller(make: Callable[..., Any], colour: str, library: str) -> None:
    """A public name of a private address is refused with an HTTP client of the caller's, too."""
    http = pytest.importorskip(library)
    with Faults(answer("200 OK", b"secret")) as inside:
        client = make(http_client=(http.Client if colour == "blocking" else http.AsyncClient)())
        with pytest.raises(APIConnectionError, match=RESOLVED):
            await got(FileOutput(by("files.public.test", inside, "/x"), client).read())
        assert heard(inside) == 0
        if colour != "blocking":
            await client.close()


@pytest.mark.parametrize("given", ["environment", "client"])
async def test_behind_a_proxy(
    make: Callable[..., Any], given: str, colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy may be private. It resolves names itself, so only private names and addresses in URLs are refused."""
    with Faults(answer("200 OK", b"x")) as proxy:
        options: Any = {}
        if given == "environment":
            monkeypatch.setenv("HTTP_PROXY", proxy.origin)
        else:
            options = {"http_client": (httpx.Client if colour == "blocking" else httpx.AsyncClient)(proxy=proxy.origin)}
        client = make(base_url="https://api.replicate.com/v1", **options)
        assert await got(FileOutput("http://files.public.test/x", client).read()) == b"x"
        with pytest.raises(APIConnectionError, match=REFUSED):
            await got(FileOutput("http://10.0.0.1/x", client).read())
        assert [request.split()[1] for request in proxy.requests] == [b"http://files.public.test/x"]


# ---- the setting


async def test_private_hosts_that_are_allowed(make: Callable[..., Any], colour: str) -> None:
    """With `allow_private_hosts=True`, passed, copied or set later, private hosts are fetched."""
    del colour
    with hosted() as inside:
        client, allowing = make(), make(allow_private_hosts=True)
        assert (client.allow_private_hosts, allowing.allow_private_hosts) == (False, True)
        changed = make()
        changed.allow_private_hosts = True
        for number, each in enumerate((allowing, changed, client.copy(allow_private_hosts=True))):
            assert await got(FileOutput(f"{inside.origin}/{number}", each).read()) == CONTENT
            assert await got(FileOutput(by("files.public.test", inside, f"/{number}"), each).read()) == CONTENT
        for each in (client, allowing.with_options(allow_private_hosts=False)):
            with pytest.raises(APIConnectionError, match=REFUSED):
                await got(FileOutput(f"{inside.origin}/x", each).read())


def test_the_setting_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """`replicate.allow_private_hosts` sets that of the default client."""
    monkeypatch.setitem(vars(replicate), "bearer_token", "t")
    replicate._reset_client()
    assert replicate.allow_private_hosts is False
    assert replicate.default_client.allow_private_hosts is False
    replicate.allow_private_hosts = True
    assert replicate.default_client.allow_private_hosts is True
    del replicate.allow_private_hosts
    assert replicate.default_client.allow_private_hosts is False
    replicate._reset_client()


def test_copies_and_pickles() -> None:
    """Copies and pickles of a client keep the setting."""
    client = Client("t", allow_private_hosts=True)
    for other in (copy.copy(client), copy.deepcopy(client), client.copy(), client.with_options(timeout=1)):
        assert other.allow_private_hosts is True
    named: Any = Client(allow_private_hosts=True)
    assert pickle.loads(pickle.dumps(named)).allow_private_hosts is True


@pytest.mark.parametrize("wrong", [1, "yes", None])
def test_invalid_settings(wrong: Any) -> None:
    """A setting that is no bool is refused."""
    with pytest.raises(TypeError, match="allow_private_hosts must be True or False"):
        Client("t", allow_private_hosts=wrong)
    with pytest.raises(TypeError, match="allow_private_hosts must be True or False"):
        Client("t").allow_private_hosts = wrong


# ---- other ways to fetch


async def test_saving_all_of_an_output(make: Callable[..., Any], tmp_path: Path, colour: str) -> None:
    """`save_all` saves the other files, and the error names the file that was refused."""
    del colour
    with Faults(answer("200 OK", b"secret")) as inside:
        output = [f"{inside.origin}/a", "data:,hello"]
        client = make()
        with pytest.raises(SaveError) as raised:
            await got(client.save_all([FileOutput(url, client) for url in output], tmp_path))
        assert "allow_private_hosts=True" in str(raised.value)
        assert inside.connections == 0
        assert len(names_in(tmp_path)) == 1


def test_showing_an_output_at_a_private_host() -> None:
    """Showing an output at a private host in a notebook sends no request, and neither does the browser."""
    with Faults(answer("200 OK", b"secret")) as inside, replicate.Replicate(bearer_token="t") as client:
        shown = str(FileOutput(f"{inside.origin}/x.png", client)._repr_mimebundle_())
        assert "secret" not in shown
        assert inside.connections == 0
    awaited = replicate.AsyncReplicate(bearer_token="t")
    for host, embedded in (("10.0.0.1", False), ("evil.test\\@10.0.0.1", False), ("replicate.delivery", True)):
        assert ("<img" in str(FileOutput(f"https://{host}/x.png", awaited)._repr_mimebundle_())) is embedded
