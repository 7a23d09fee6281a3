"""Wrong proxy and certificate variables raise one clear error; the readable parts of the environment are used."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import os
import socket
import ssl
import sys
import traceback
import warnings
from threading import Event
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trustme
from support.colours import collect, got
from support.faults import Faults, answer
from support.proxies import Proxy, Silent
from support.walking import leaks

import replicate
from replicate import (
    APIConnectionError,
    Client,
    DefaultAioHttpClient,
    DefaultAsyncHttpxClient,
    DefaultHttpxClient,
    Replicate,
    ReplicateError,
)
from replicate._http.connections.client_factory import ClientFactory
from replicate._http.environment import OptionError, VariableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from replicate.local import Server

PASSWORD = "hunter2"
INPUT = {"text": "a"}
PROXIES = {
    "an unknown scheme": ("ALL_PROXY", f"ftp://me:{PASSWORD}@127.0.0.1:9"),
    "a port that is none": ("HTTP_PROXY", f"http://me:{PASSWORD}@127.0.0.1:word"),
    "a port that is too high": ("http_proxy", f"http://me:{PASSWORD}@127.0.0.1:70000"),
    "a slash in the password": ("HTTPS_PROXY", f"http://me:{PASSWORD}/x@127.0.0.1:9"),
    "no host": ("HTTP_PROXY", f"http://me:{PASSWORD}@"),
    "no scheme, and two ports": ("HTTPS_PROXY", f"me:{PASSWORD}@127.0.0.1:9:9"),
    "SOCKS without its package": ("ALL_PROXY", f"socks5://me:{PASSWORD}@127.0.0.1:9"),
    "the SOCKS of desktops": ("ALL_PROXY", f"socks://me:{PASSWORD}@127.0.0.1:9"),
}
CERTIFICATES = {
    "no file": ("SSL_CERT_FILE", lambda folder: folder / PASSWORD, "is not there"),
    "no certificate": ("SSL_CERT_FILE", lambda folder: written(folder / PASSWORD, "not a certificate"), "without"),
    "an empty file": ("SSL_CERT_FILE", lambda folder: written(folder / PASSWORD, ""), "without certificates"),
    "a folder as a file": ("SSL_CERT_FILE", lambda folder: folder, "a folder"),
    "a name that is too long": ("SSL_CERT_FILE", lambda folder: PASSWORD * 1000, "cannot be read"),
    "a folder's name that is too long": ("SSL_CERT_DIR", lambda folder: PASSWORD * 1000, "no folder"),
    "no folder": ("SSL_CERT_DIR", lambda folder: folder / PASSWORD, "no folder"),
    "a file as a folder": ("SSL_CERT_DIR", lambda folder: written(folder / PASSWORD, ""), "no folder"),
    "no folders": ("SSL_CERT_DIR", lambda folder: os.pathsep.join([str(folder / PASSWORD)] * 2), "no folder"),
    "no log of keys": ("SSLKEYLOGFILE", lambda folder: folder / PASSWORD / "log", "cannot be written"),
}
if httpx.__version__.startswith("0.27"):
    del CERTIFICATES["no log of keys"]  # this version does not write the log
DOORS: dict[str, Callable[[Any], Any]] = {
    "get": lambda client: client.account.get(),
    "create": lambda client: client.predictions.create(model="me/official", input=INPUT),
    "run": lambda client: client.run("me/official", input=INPUT),
    "run, with time": lambda client: client.run("me/official", input=INPUT, timeout=30),
    "use": lambda client: client.use("me/official")(**INPUT),
    "use, unseen": lambda client: client.use("me/official", validate=False)(**INPUT),
    "stream": lambda client: collect(client.stream("me/words", input=INPUT)),
    "a raw answer": lambda client: client.predictions.with_raw_response.create(model="me/official", input=INPUT),
    "by hand": lambda client: client.post("/predictions", json={"version": "v", "input": INPUT}),
}


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


async def raised(work: Callable[[], Any]) -> BaseException:
    """Return what a failing call raises."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - the tests say which
        await got(work())
    return caught.value


def check(error: BaseException, variable: str, said: str = "") -> None:
    """Check that an error names the variable and shows nothing of its value."""
    assert isinstance(error, VariableError), repr(error)
    assert isinstance(error, ReplicateError)
    assert str(error).startswith(f"{variable} ")
    assert said in str(error)
    assert "unset it" in str(error)
    chain: list[BaseException] = [error]
    while (below := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(below)
    for each in chain:
        assert PASSWORD not in repr(each)
        assert PASSWORD not in "".join(traceback.format_exception(each))


@pytest.fixture
def _no_socks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)


@pytest.fixture
def _left_open() -> Iterator[None]:
    """Collect the connections that httpcore leaves open if a handshake fails, with SOCKS and on trio."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def https(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, trustme.CA, list[int]]]:
    """Yield the base URL of a TLS server with one answer, its authority, and a list with an item a connection."""
    authority, connections = trustme.CA(), list[int]()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Faults(answer()) as faults:
        handle = faults._handle

        def encrypted(connection: Any, behaviour: Any) -> None:
            connections.append(1)
            with connection:
                handle(context.wrap_socket(connection, server_side=True), behaviour)

        monkeypatch.setattr(faults, "_handle", encrypted)
        yield faults.base_url.replace("http:", "https:"), authority, connections


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("case", PROXIES)
@pytest.mark.usefixtures("_no_socks")
async def test_an_invalid_proxy(
    clients: Any, server: Server, asked: Any, case: str, door: str, monkeypatch: Any, caplog: Any
) -> None:
    """Every call raises the same error at once, and does not warn of a prediction that may go on."""
    variable, value = PROXIES[case]
    monkeypatch.setenv(variable, value)
    with caplog.at_level(logging.WARNING, "replicate"):
        error = await raised(lambda: DOORS[door](clients(server)))
    check(error, variable, 'pip install "replicate[socks]"' if "SOCKS" in case else "URL of a proxy")
    assert [place for place in leaks(error, PASSWORD) if "test_broken" not in place] == []
    assert caplog.records == []
    assert asked() == []


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("case", CERTIFICATES)
async def test_invalid_certificates(
    clients: Any, https: Any, case: str, door: str, monkeypatch: Any, caplog: Any, tmp_path: Path
) -> None:
    """Every call over TLS raises the error before it connects."""
    url, _, connections = https
    variable, path, said = CERTIFICATES[case]
    monkeypatch.setenv(variable, str(path(tmp_path)))
    tls_made_anew(monkeypatch)
    with caplog.at_level(logging.WARNING, "replicate"):
        error = await raised(lambda: DOORS[door](clients(base_url=url)))
    check(error, variable, said)
    assert caplog.records == []
    assert connections == []


def tls_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the certificates that other tests have read."""
    from replicate._http.connections import tls

    monkeypatch.setattr(tls, "made", tls.fresh)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs files that may not be read")
async def test_certificates_without_read_permission(clients: Any, https: Any, monkeypatch: Any, tmp_path: Path) -> None:
    """A certificate file without read permission raises the same error."""
    path = written(tmp_path / PASSWORD, "")
    path.chmod(0)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    check(await raised(lambda: DOORS["create"](clients(base_url=https[0]))), "SSL_CERT_FILE", "cannot be read")


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("error", [PermissionError(13, "denied", PASSWORD), ValueError("embedded null byte")])
async def test_certificates_that_cannot_be_examined(
    clients: Any, https: Any, variable: str, error: Exception, monkeypatch: Any
) -> None:
    """A path that cannot be examined raises the same error, for example in a folder without permissions."""

    def refusing(real: Any) -> Any:
        def call(path: Any, *arguments: Any, **options: Any) -> Any:
            if PASSWORD in str(path):
                raise error
            return real(path, *arguments, **options)

        return call

    for module, name in ((os, "stat"), (io, "open")):
        monkeypatch.setattr(module, name, refusing(getattr(module, name)))
    monkeypatch.setenv(variable, f"/secret/{PASSWORD}")
    tls_made_anew(monkeypatch)
    for door in ("create", "get"):
        check(await raised(lambda door=door: DOORS[door](clients(base_url=https[0]))), variable)
    assert https[2] == []


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000])
@pytest.mark.parametrize("option", ["verify", "cert"])
@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")  # httpx's own
def test_impossible_file_names(option: str, path: str, https: Any) -> None:
    """A path that no file can have, in `verify=` or `cert=`, is an error that names the option."""
    options: Any = {option: path}
    with Client("t", base_url=https[0], **options) as client, pytest.raises(OptionError, match=f"^{option}= names"):
        client.account.get()


@pytest.mark.parametrize("case", CERTIFICATES)
async def test_plain_http_needs_no_certificates(
    client: Any, case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Plain HTTP ignores the certificate variables, however wrong they are."""
    variable, path, _ = CERTIFICATES[case]
    monkeypatch.setenv(variable, str(path(tmp_path)))
    assert (await got(DOORS["run"](client))) == "A!"


async def test_certificates_that_are_corrected(clients: Any, https: Any, monkeypatch: Any, tmp_path: Path) -> None:
    """The same client works once the file exists. Quotes around its path are removed."""
    url, authority, _ = https
    path = tmp_path / "ca.pem"
    monkeypatch.setenv("SSL_CERT_FILE", f'"{path}"')
    client = clients(base_url=url)
    check(await raised(lambda: client.get("/account")), "SSL_CERT_FILE")
    authority.cert_pem.write_to_path(str(path))
    assert (await got(client.get("/account"))).json() == {}


@pytest.mark.parametrize("entry", ["[::1]", "fe80::/10", "2001:db8::/32", "host:word", ",,", "müller.de", "[", "a b"])
async def test_unreadable_entries_of_no_proxy(
    clients: Any, server: Server, entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unreadable entry of NO_PROXY is ignored. The other entries and the proxy are used."""
    monkeypatch.setenv("NO_PROXY", f"{entry},localhost")
    port = httpx.URL(server.base_url).port or 0
    with Proxy(port) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
        for host, expected in (("api.test", 1), ("localhost", 1)):
            client = clients(bearer_token=server.token, base_url=f"http://{host}:{port}/v1")
            assert (await got(DOORS["create"](client))).status
            assert len(proxy.asked) == expected, host


@pytest.mark.parametrize("scheme", ["socks5", "socks", "socks5h", "SOCKS"])
async def test_a_socks_proxy(clients: Any, server: Server, scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra, requests go through the SOCKS proxy, and `socks:` means SOCKS 5."""
    pytest.importorskip("socksio")
    with Proxy(httpx.URL(server.base_url).port or 0) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://me:{PASSWORD}@{proxy.address}")
        client = clients(bearer_token=server.token, base_url="http://api.test/v1")
        assert (await got(DOORS["run"](client))) == "A!"
    assert set(proxy.asked) == {b"me@api.test"}


@pytest.mark.usefixtures("_left_open")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_server_that_is_not_a_socks_proxy(
    clients: Any, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """A server at the proxy's address that does not speak SOCKS raises a ProxyError, and nothing was sent."""
    pytest.importorskip("socksio")
    with Proxy(httpx.URL(server.base_url).port or 0, silly=True) as proxy, caplog.at_level(logging.WARNING):
        monkeypatch.setenv("ALL_PROXY", f"socks5://{proxy.address}")
        client = clients(base_url="http://api.test/v1", max_retries=0)
        error = await raised(lambda: DOORS["create"](client))
    assert isinstance(error, httpx.ProxyError)
    assert isinstance(error, APIConnectionError)
    assert not error.sent
    assert caplog.records == []


@pytest.mark.parametrize("says", [b"", b"\x05\x00"])
@pytest.mark.parametrize("base_url", ["http://api.test/v1", "https://api.test/v1"])
async def test_a_silent_socks_proxy(
    clients: Any, says: bytes, base_url: str, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """A SOCKS proxy that accepts the connection and stays silent hits the connect timeout, and nothing was sent."""
    pytest.importorskip("socksio")
    with Silent(says) as proxy, caplog.at_level(logging.WARNING, "replicate"):
        monkeypatch.setenv("ALL_PROXY", f"socks5://{proxy.address}")
        patience = httpx.Timeout(None, connect=0.2)
        client = clients(bearer_token="t", base_url=base_url, max_retries=0, timeout=patience)
        error = await raised(lambda: DOORS["create"](client))
    assert isinstance(error, httpx.ConnectTimeout), repr(error)
    assert isinstance(error, APIConnectionError)
    assert not error.sent
    assert caplog.records == []


async def test_an_answer_over_socks_may_take_longer(clients: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connect timeout covers the proxy only. The response has the time that `timeout=` allows."""
    pytest.importorskip("socksio")
    patience = 0.3

    def late(request: bytes) -> bytes:
        Event().wait(2 * patience)
        return answer("200 OK", b"{}")

    with Faults(late) as faults, Proxy(httpx.URL(faults.origin).port or 0) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"socks5://{proxy.address}")
        client = clients(
            bearer_token="t",
            base_url="http://api.test/v1",
            timeout=httpx.Timeout(None, connect=patience),
            max_retries=0,
        )
        assert (await got(client.get("/account"))).json() == {}


async def test_an_environment_that_changes(
    clients: Any, colour: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies belong to connections: a client keeps those it started with; a new client reads the variables again."""
    with Proxy(httpx.URL(server.base_url).port or 0) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
        options = {"bearer_token": server.token, "base_url": "http://api.test/v1"}
        client = clients(**options)
        await got(client.account.get())
        monkeypatch.setenv("HTTP_PROXY", "ftp://127.0.0.1:9")
        if colour == "blocking":
            await got(client.account.get())
        else:  # concurrent requests need several clients of httpx
            await asyncio.gather(*(client.account.get() for _ in range(3))) if colour == "asyncio" else None
        check(await raised(clients(**options).account.get), "HTTP_PROXY")
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
        await got(clients(**options).account.get())


def test_the_module(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module's functions raise the same error, in both colours, and work once the variable is corrected."""
    replicate._reset_client()
    monkeypatch.setenv("REPLICATE_API_TOKEN", server.token)
    monkeypatch.setenv("REPLICATE_BASE_URL", server.base_url)
    monkeypatch.setenv("ALL_PROXY", f"ftp://me:{PASSWORD}@127.0.0.1:9")
    doors: list[Callable[[], Any]] = [
        replicate.account.get,
        lambda: replicate.run("me/official", INPUT),
        lambda: replicate.use("me/official")(**INPUT),
        lambda: replicate.predictions.create(model="me/official", input=INPUT),
        lambda: list(replicate.stream("me/words", input=INPUT)),
        lambda: asyncio.run(replicate.async_run("me/official", INPUT)),
        lambda: asyncio.run(replicate.predictions.async_create(model="me/official", input=INPUT)),
    ]
    for door in doors:
        with pytest.raises(VariableError) as caught:
            door()
        check(caught.value, "ALL_PROXY")
    monkeypatch.delenv("ALL_PROXY")
    assert replicate.run("me/official", INPUT) == "A!"
    replicate.default_client.close()
    replicate._reset_client()


def test_clients_that_do_not_trust_the_environment(server: Server, https: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`trust_env=False`, and a client of the caller's, ignore the environment."""
    monkeypatch.setenv("ALL_PROXY", "ftp://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "host:word")
    monkeypatch.setenv("SSL_CERT_FILE", PASSWORD)
    with Client(server.token, base_url=server.base_url, trust_env=False) as client:
        assert client.run("me/official", input=INPUT) == "A!"
        assert asyncio.run(client.async_run("me/official", input=INPUT)) == "A!"
    http = httpx.Client(trust_env=False)
    with Replicate(bearer_token=server.token, base_url=server.base_url, http_client=http) as given:
        assert given.run("me/official", input=INPUT) == "A!"
    with Client("t", base_url=https[0], trust_env=False, max_retries=0) as client:
        with pytest.raises(APIConnectionError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            client.predictions.create(model="me/official", input=INPUT)
        assert not caught.value.sent


@pytest.mark.parametrize("kind", [DefaultHttpxClient, DefaultAsyncHttpxClient, DefaultAioHttpClient])
def test_the_packages_httpx_clients(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package's own httpx clients read the same environment and raise the same errors."""
    monkeypatch.setenv("NO_PROXY", "host:word,[::1]")
    made: Any = kind()
    assert [route.pattern for route in made._mounts] == ["all://[::1]"]
    monkeypatch.setenv("HTTP_PROXY", f"ftp://me:{PASSWORD}@host")
    with pytest.raises(VariableError) as caught:
        kind()
    check(caught.value, "HTTP_PROXY")
    kind(trust_env=False)


@pytest.mark.usefixtures("_left_open")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # httpcore leaves it to the garbage collector
async def test_certificates_of_the_packages_httpx_clients(
    clients: Any, colour: str, monkeypatch: Any, caplog: Any
) -> None:
    """The package's own httpx clients read certificates in the handshake: if that fails, nothing was sent."""
    monkeypatch.setenv("SSL_CERT_FILE", PASSWORD)
    http = DefaultHttpxClient() if colour == "blocking" else DefaultAsyncHttpxClient()
    with socket.create_server(("127.0.0.1", 0)) as listener, caplog.at_level(logging.WARNING, "replicate"):
        client = clients(base_url=f"https://127.0.0.1:{listener.getsockname()[1]}/v1", http_client=http)
        error = await raised(lambda: DOORS["create"](client))
    check(error, "SSL_CERT_FILE")
    assert caplog.records == []


OPTIONS: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "proxy= is no URL of a proxy: its scheme": ({"proxy": f"ftp://me:{PASSWORD}@host"}, OptionError),
    "proxy= is no URL of a proxy: it cannot": ({"proxy": f"http://me:{PASSWORD}@host:word"}, OptionError),
    "proxy= is no URL of a proxy: its port is above": (
        {"proxy": httpx.URL(f"http://me:{PASSWORD}@host:70000")},
        OptionError,
    ),
    "proxy= is no URL of a proxy: it has no host": ({"proxy": httpx.Proxy("http://")}, OptionError),
    "proxy= names a SOCKS proxy": ({"proxy": f"socks5://me:{PASSWORD}@host"}, OptionError),
    "proxy must be a str": ({"proxy": 5}, TypeError),
    "verify must be a bool": ({"verify": 5}, TypeError),
    "mounts= has a key": ({"mounts": {"http://host:word": None}}, OptionError),
    "http2=True needs a package": ({"http2": True}, OptionError),
}


@pytest.mark.parametrize("said", OPTIONS)
@pytest.mark.usefixtures("_no_socks")
def test_invalid_options(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The constructor checks the connection options. The error names the option and shows no password."""
    monkeypatch.setitem(sys.modules, "h2", None)
    options, kind = OPTIONS[said]
    with pytest.raises(kind, match=f"^{said}") as caught:
        Client("t", **options)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("option", ["verify", "cert"])
@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")  # httpx's own
def test_certificates_that_are_passed(option: str, https: Any, tmp_path: Path, caplog: Any) -> None:
    """Files of `verify=` and `cert=` are read before anything counts as sent. Paths of any type work."""
    url, authority, connections = https
    options: Any = {option: tmp_path / PASSWORD} if option == "verify" else {option: str(tmp_path / PASSWORD)}
    with Client("t", base_url=url, **options) as client:
        for door in ("create", "run", "get"):
            with pytest.raises(OptionError, match=f"^{option}= names") as caught:
                DOORS[door](client) if door != "get" else client.account.get()
            assert PASSWORD not in "".join(traceback.format_exception(caught.value))
        with pytest.raises(OptionError):
            asyncio.run(client.async_run("me/official", input=INPUT))
    assert connections == []
    assert caplog.records == []
    authority.cert_pem.write_to_path(str(tmp_path / PASSWORD))
    own = authority.issue_cert("me.test")
    own.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "own"))
    with Client("t", base_url=url, verify=tmp_path / PASSWORD, cert=str(tmp_path / "own")) as client:
        assert client.get("/account").json() == {}


async def test_an_error_in_making_the_http_client(client: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    """Any error in making the HTTP client passes unchanged, and does not warn of a prediction that may go on."""

    def broken(_: object, **__: object) -> Any:
        raise RuntimeError("a library of somebody's")

    monkeypatch.setattr(ClientFactory, "make", broken)
    with caplog.at_level(logging.WARNING, "replicate"):
        error = await raised(lambda: DOORS["create"](client))
    assert type(error) is RuntimeError
    assert caplog.records == []
