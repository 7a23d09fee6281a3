"""The environment's proxies are those that httpx finds, except for values that it cannot read."""

from __future__ import annotations

import os
import traceback
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.walking import found, leaks

from replicate import APIConnectionError, Client, DefaultAsyncHttpxClient, DefaultHttpxClient, ReplicateError
from replicate._http.connections import proxies
from replicate._http.connections.client_factory import ClientFactory
from replicate._http.connections.proxies import check_proxy, environment_proxies, read
from replicate._http.environment import OptionError, VariableError
from replicate._http.secrecy.hiding import Sealed

PASSWORD = "hunter2"
GOOD = [
    {},
    {"http": "http://proxy.test:3128"},
    {"http": "proxy.test:3128", "https": "me:secret@proxy.test"},
    {"all": "http://proxy.test"},
    {"https": "https://me:secret@proxy.test:8443/path?query", "all": "HTTP://[::1]:3128"},
    {"all": "http://proxy.test", "no": "*"},
    {"all": "http://proxy.test", "no": "example.com, *"},
    {"all": "http://proxy.test", "no": ",,example.com, .example.org,,"},
    {"no": "localhost,LOCALHOST,127.0.0.1,::1,10.0.0.0/8,*.example.com,host:8080,http://only.test,https://"},
    {"http": "http://proxy.test", "no": "a b,xn--mller-kva.de,_odd_,:80,/"},
    {"http": "", "https": "", "all": "", "no": ""},
]
NAMES = st.sampled_from(["http", "https", "all", "no", "ftp"])
PIECES = st.sampled_from(
    [
        *("http://", "https://", "socks5://", "socks://", "ftp://", "host", ".host", "*", "127.0.0.1", "[::1]", "::1"),
        *("fe80::/10", "[", "]", ":80", ":word", ":70000", ":-1", "/", "@", f"me:{PASSWORD}@", ",", " ", '"', "'", "é"),
        *("xn--zzzzzz99", "\udcff", "\x01", "a" * 64, "..", "%zz", "?", "#", "10.0.0.0/8", "localhost"),
    ]
)
VALUES = st.lists(PIECES, max_size=5).map("".join)


def theirs(found: dict[str, str]) -> dict[str, Any]:
    """Return the proxies that httpx finds in the environment."""
    with patch("httpx._utils.getproxies", lambda: found), httpx.Client() as client:
        return shown(client._get_proxy_map(None, allow_env_proxies=True))


def shown(table: Any) -> dict[str, Any]:
    """Return proxies in a form that can be compared."""
    made = {pattern: httpx.Proxy(url) if isinstance(url, str) else url for pattern, url in table.items()}
    return {pattern: proxy and (str(proxy.url), proxy.auth) for pattern, proxy in made.items()}


def whole(error: BaseException) -> str:
    """Return an error with its whole chain as text."""
    chain = [error]
    while (below := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(below)
    return "".join(repr(each) + "".join(traceback.format_exception(each)) for each in chain)


@pytest.mark.parametrize("found", GOOD)
def test_values_that_httpx_can_read(found: dict[str, str]) -> None:
    """The proxies and the exceptions are those of httpx, in its order."""
    assert list(shown(read(found)).items()) == list(theirs(found).items())


@given(st.dictionaries(NAMES, VALUES))
@example({"no": "[::1]"})
@example({"http": f"http://me:{PASSWORD}@host:word"})
def test_any_environment(found: dict[str, str]) -> None:
    """Any environment gives the same routes as in httpx, or an error without the values."""
    with patch.object(proxies, "is_installed", lambda _: True):
        try:
            table = read(found)
        except VariableError as error:
            said = whole(error)
        else:
            said = ""
    assert PASSWORD not in said
    if said:
        return
    made = shown(table)
    httpx.Client(mounts=dict.fromkeys(table)).close()
    try:
        expected = theirs(found)
    except (httpx.InvalidURL, ValueError, ImportError):
        return  # httpx cannot read these values, and we can
    if not any(mark in value for value in found.values() for mark in "\"'[ "):
        unused = {} if "all://" in made or len(made) < 2 else {"all://": expected.get("all://")}
        assert {**unused, **made} == {**unused, **expected}


def test_clients_have_the_routes_of_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client has the same routes in the same order as httpx's, also with the caller's own mounts."""
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy.test:3128")
    monkeypatch.setenv("ALL_PROXY", "http://other.test")
    monkeypatch.setenv("NO_PROXY", "localhost,example.com")
    own = httpx.MockTransport(lambda _: httpx.Response(200))
    options = {"mounts": {"all://mine.test": own, "all://localhost": own}}
    for blocking, kind in ((True, httpx.Client), (False, httpx.AsyncClient)):
        made: Any = ClientFactory(options, blocking=blocking).make()
        usual: Any = kind(**options)  # type: ignore[arg-type]
        assert [route.pattern for route in made._mounts] == [route.pattern for route in usual._mounts]
        for one, other in zip(made._mounts.values(), usual._mounts.values(), strict=True):
            assert type(one) is type(other)
            if hasattr(one, "_pool"):
                assert one._pool._proxy_url == other._pool._proxy_url
                assert one._pool._proxy_headers == other._pool._proxy_headers


@pytest.mark.parametrize("value", ["[::1]", "[::1],localhost", "::1"])
def test_an_address_in_brackets(value: str) -> None:
    """`[::1]` in NO_PROXY means the same as `::1`."""
    assert read({"no": value})["all://[::1]"] is None


@pytest.mark.parametrize(
    "entry", ["fe80::/10", "host:word", "all://xn--zzzzzz99", "[::1", "müller.de", "\udcff", "http://host:word"]
)
def test_an_unreadable_entry_is_left_out(entry: str) -> None:
    """An entry that httpx cannot read is left out, and the rest applies."""
    with pytest.raises((httpx.InvalidURL, ValueError)):
        theirs({"no": f"a.test,{entry}"})
    rest = {name for name in read({"no": f"a.test,{entry},b.test"}) if "::1" not in name}
    assert rest == {"all://*a.test", "all://*b.test"}


@pytest.mark.parametrize(
    ("value", "url"),
    [
        (" http://host:1 ", "http://host:1"),
        ('"http://host:1"', "http://host:1"),
        ("'host:1'\n", "http://host:1"),
        ("socks://host:1", "socks5://host:1"),
        ("SOCKS://me:secret@host", "socks5://me:secret@host"),
        ("socks5h://host:1", "socks5://host:1"),
    ],
)
def test_a_value_is_cleaned(value: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """White space and quotes around a value are removed, and `socks:`, which desktops write, means SOCKS 5."""
    monkeypatch.setattr(proxies, "is_installed", lambda _: True)
    assert read({"all": value}) == {"all://": url}
    assert read({"all": "' '", "http": '""'}) == {}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (f"ftp://me:{PASSWORD}@host", "its scheme is none of http"),
        (f"http://me:{PASSWORD}/x@host:3128", "cannot be read"),
        (f"http://me:{PASSWORD}@host:word", "cannot be read"),
        (f"http://me:{PASSWORD}@host:70000", "its port is above 65535"),
        (f"http://me:{PASSWORD}@host:0", "its port is none"),
        (f"http://me:{PASSWORD}@host:-1", "its port is none"),
        (f"http://me:{PASSWORD}@", "it has no host"),
        (f"http://me:{PASSWORD}@a..b", "a part of its host"),
        (f"http://me:{PASSWORD}@\udcff", "cannot be read"),
        (f"me:{PASSWORD}@host:1:2", "cannot be read"),
        (f"socks5://me:{PASSWORD}{'x' * 255}@host", "too long for SOCKS"),
    ],
)
def test_an_invalid_proxy_is_an_error_that_names_the_variable(
    value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what is wrong and what to do, and never shows the value."""
    if os.fsencode(value).isascii():
        monkeypatch.setenv("https_proxy", value)
        with pytest.raises(VariableError, match=f"^https_proxy .*{said}") as raised:
            environment_proxies()
        assert shown_in_frames(raised.value) == []
    with pytest.raises(VariableError, match=r"Set it to one such as http://host:3128, or unset it\.$") as caught:
        read({"all": value})
    assert isinstance(caught.value, ReplicateError)
    assert PASSWORD not in whole(caught.value)
    with pytest.raises(OptionError, match=f"^proxy= .*{said}") as refused:
        check_proxy(Sealed(value if "://" in value else f"http://{value}"))
    assert PASSWORD not in whole(refused.value)


@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy", "All_Proxy"])
def test_the_variable_is_named_as_it_is_spelled(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is read in any case, and the error uses the spelling of the environment."""
    monkeypatch.setenv(name, "ftp://host")
    with pytest.raises(VariableError, match=f"^{name} "):
        environment_proxies()


def test_system_settings_are_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid proxy from the settings of macOS or Windows is reported as the system's."""
    monkeypatch.setattr(proxies, "getproxies", lambda: {"http": "ftp://host"})
    with pytest.raises(VariableError, match=r"^The system's http proxy is no URL"):
        environment_proxies()


def test_a_proxy_that_would_not_be_used_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """ALL_PROXY is ignored if HTTP_PROXY and HTTPS_PROXY are set; `NO_PROXY=*` disables all."""
    monkeypatch.setattr(proxies, "is_installed", lambda _: False)
    both = {"http": "http://one.test", "https": "http://two.test"}
    assert read({**both, "all": "socks5://host"}) == {f"{name}://": url for name, url in both.items()}
    assert read({"all": "socks5://host", "no": "*"}) == {}
    with pytest.raises(VariableError, match=r'pip install "replicate\[socks\]"'):
        read({"http": "http://one.test", "all": "socks5://host"})


def test_a_cgi_program_ignores_http_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a CGI program, HTTP_PROXY is a header of the request, so Python ignores it."""
    monkeypatch.setenv("HTTP_PROXY", "http://attacker.test")
    monkeypatch.setenv("REQUEST_METHOD", "GET")
    assert environment_proxies() == {}


@pytest.mark.parametrize("kind", [Client, DefaultHttpxClient, DefaultAsyncHttpxClient])
@pytest.mark.parametrize("value", [f"ftp://me:{PASSWORD}@host", f"http://me:{PASSWORD}/x@host:3128"])
def test_a_proxy_that_is_passed_is_in_no_frame(kind: Any, value: str) -> None:
    """The traceback of an error about `proxy=` has no frame of the package that holds the password."""
    with pytest.raises(OptionError) as raised:
        kind(proxy=value)
    assert shown_in_frames(raised.value) == []


@pytest.mark.parametrize("kind", [str, httpx.URL, httpx.Proxy])
def test_a_proxy_is_sealed_where_it_is_kept(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Walking through a client's transport and its connection factory finds no password."""
    value = f"http://me:{PASSWORD}@127.0.0.1:9"
    with Client("t", base_url="http://api.test/v1", proxy=kind(value), max_retries=0) as client:
        transport = client._session.transport
        with pytest.raises(APIConnectionError) as raised:
            client.account.get()
        assert shown_in_frames(raised.value) == []
        assert found(transport, PASSWORD) is None
        assert found(transport.twin(), PASSWORD) is None
        told: Any = transport.options["proxy"]
        assert httpx.Proxy(value).url == (told.url if kind is httpx.Proxy else httpx.Proxy(told).url)
    monkeypatch.setenv("ALL_PROXY", value)
    assert found(ClientFactory({}, blocking=True), PASSWORD) is None


def shown_in_frames(error: BaseException) -> list[str]:
    """Return the frames of the package, and the parts of the error itself, that show the password."""
    return [place for place in leaks(error, PASSWORD) if "test_proxies.py" not in place]
