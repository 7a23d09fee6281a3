"""Which hosts are private, by name and by address in every spelling; and which URLs are files."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Any

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.sessions import config

from replicate._http.guard import is_allowed
from replicate._http.private_hosts import is_private, is_same
from replicate._http.redirects import is_file_of

API = "https://api.replicate.com/v1"
NETWORKS = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    "224.0.0.0/4", "240.0.0.0/4",
]  # fmt: skip


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST", "localhost.", "a.localhost", "db.internal", "metadata.google.internal.", "nas.local",
        "localhost.localdomain", "router.lan", "box.home.arpa", "wiki.corp", "local%68ost",
        "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1",
        "017700000001", "0", "0.0.0.0",
        "10.0.0.1", "012.1", "010.0.0.1", "100.64.0.1", "100.100.100.200", "168.63.129.16",
        "169.254.169.254", "0xa9fea9fe", "0251.0376.0251.0376", "172.16.0.1", "172.31.255.255", "192.0.0.192",
        "192.168.1.1", "192.168.257", "198.18.0.1", "224.0.0.1", "255.255.255.255", "%31%32%37.0.0.1",
        "::", "::1", "[::1]", "::127.0.0.1", "::ffff:10.0.0.1", "::ffff:7f00:1", "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
        "2001:0:0:0:0:0:80ff:fffe", "2606:4700::5efe:10.0.0.1", "fe80::1", "fe80::1%eth0", "fec0::1", "fd00:ec2::254",
        "fc00::1", "ff02::1", "2001:db8::1",
        "1.2.3.4.5", "256.256.256.256", "4294967296", "a.1",
    ],
)  # fmt: skip
def test_private_hosts(host: str) -> None:
    """A private host is recognized in every spelling."""
    assert is_private(host)


@pytest.mark.parametrize(
    "host",
    [
        "replicate.delivery", "api.replicate.com", "storage.googleapis.com.", "localhost.example.com", "mylocalhost",
        "internal.example.com", "example.local-news.com", "10.example.com", "1e100.net", "xn--bcher-kva.example",
        "8.8.8.8", "134744072", "0x8.8.8.8", "172.32.0.1", "172.15.255.255", "100.63.255.255", "100.128.0.1", "9.255.1",
        "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2a00:1450:4001::200e",
    ],
)  # fmt: skip
def test_public_hosts(host: str) -> None:
    """All other hosts are public, even if they resemble private ones."""
    assert not is_private(host)


@st.composite
def spellings(draw: Any, networks: list[str]) -> tuple[str, IPv4Address]:
    """Draw an address of one of these networks, in one of the spellings that `inet_aton` reads."""
    network = IPv4Network(draw(st.sampled_from(networks)))
    value = int(network[0]) + draw(st.integers(0, network.num_addresses - 1))
    count = draw(st.integers(1, 4))
    parts = [value >> 24, value >> 16 & 255, value >> 8 & 255][: count - 1]
    parts.append(value & ((1 << 8 * (5 - count)) - 1))
    forms = [
        str,
        lambda number: f"0{number:o}",
        lambda number: f"000{number:o}",
        lambda number: f"0x{number:x}",
        lambda number: f"0X{number:X}",
        lambda number: f"0x000{number:x}",
    ]
    text = ".".join(draw(st.sampled_from(forms))(part) for part in parts)
    return text + draw(st.sampled_from(["", "."])), IPv4Address(value)


@given(spellings(NETWORKS), st.sampled_from(["http://", "HTTPS://", "http://u:p@", "https://api.replicate.com@"]))
def test_no_spelling_of_a_private_address_passes(spelt: tuple[str, IPv4Address], start: str) -> None:
    """Every spelling of a private IPv4 address is private, and so is a URL with it."""
    text, _ = spelt
    assert is_private(text)
    assert not is_allowed(f"{start}{text}/x", config(API))


@given(spellings(NETWORKS), st.sampled_from(["::ffff:{}", "::{}", "64:ff9b::{}", "2002:{}::1"]))
def test_no_address_of_ipv6_hides_one(spelt: tuple[str, IPv4Address], form: str) -> None:
    """An IPv6 address that embeds a private IPv4 address is private as well."""
    value = int(spelt[1])
    host = str(IPv6Address(form.format(f"{value >> 16:x}:{value & 0xFFFF:x}")))
    assert is_private(host)
    assert not is_allowed(f"http://[{host}]:80/", config(API))


@given(spellings(["8.8.0.0/16", "140.82.0.0/16"]))
def test_spellings_of_public_addresses(spelt: tuple[str, IPv4Address]) -> None:
    """A public address is public in every spelling that all resolvers read alike."""
    assume(not re.search(r"(^|\.)0[0-9]", spelt[0]))
    assert not is_private(spelt[0])


@given(st.text())
def test_any_text_can_be_checked(text: str) -> None:
    """No text raises, whether it is a host or part of a URL."""
    is_private(text)
    is_same(text, text)
    is_allowed(text, config(API))
    is_allowed(f"http://{text}/", config(API))


@pytest.mark.parametrize(
    ("base_url", "url", "allowed"),
    [
        (API, "https://replicate.delivery/x", True),
        (API, "https://api.replicate.com:8443/x", True),
        (API, "http://localhost:5000/x", False),
        ("http://127.0.0.1:5000/v1", "http://127.0.0.1:6000/x", True),
        ("http://127.0.0.1:5000/v1", "http://localhost/x", True),
        ("http://localhost:5000/v1", "http://[::1]:6000/x", True),
        ("http://0.0.0.0:5000/v1", "http://127.0.0.1:6000/x", True),
        ("http://127.0.0.1:5000/v1", "http://10.0.0.1/x", False),
        ("http://127.0.0.1:5000/v1", "http://169.254.169.254/latest/meta-data", False),
        ("http://10.0.0.1/v1", "http://10.0.0.1:9000/x", True),
        ("http://10.0.0.1/v1", "http://10.0.0.2/x", False),
        ("http://10.0.0.1/v1", "http://127.0.0.1/x", False),
        ("http://gpu.internal/v1", "http://gpu.internal.:9000/x", True),
        ("http://gpu.internal/v1", "http://db.internal/x", False),
    ],
)
def test_the_host_of_the_api(base_url: str, url: str, allowed: bool) -> None:  # noqa: FBT001 - from a table
    """The API's own host is allowed, even if it is private, at any port; other private hosts only if all are."""
    assert is_allowed(url, config(base_url)) is allowed
    assert is_allowed(url, config(base_url, allow_private_hosts=True))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files/abc",
        "/v1/files/./abc",
        "/v1/files/abc/download?owner=o&expiry=1&signature=a/../b",
        "/v1/files/MTIz%3D/download",
    ],
)
def test_files_of_the_api(path: str) -> None:
    """URLs below `/files/` of the API are files of the account."""
    for start in ("https://api.replicate.com", "HTTPS://API.replicate.COM:443"):
        assert is_file_of(httpx.URL(start + path), httpx.URL(API))


@pytest.mark.parametrize(
    "url",
    [
        f"{API}/webhooks/default/secret", f"{API}/files", f"{API}/files/", f"{API}/files?x=/files/y", f"{API}/account",
        f"{API}/filesystem/x", f"{API}/FILES/x", f"{API}/files/../account", f"{API}/files/%2e%2e/account",
        f"{API}/files/.%2E/account", f"{API}/files/..%2faccount", f"{API}/files/x%2f..%2f..%2faccount",
        f"{API}/files/%252e%252e/account", f"{API}/files/x%5c..%5c..%5caccount", f"{API}/files/..\\account",
        f"{API}/files/..;/account", f"{API}/files/..;a=b/account", f"{API}/files/x;/y", f"{API}/files//account",
        f"{API}/files/x/", f"{API}//files/x", f"{API}/./files/../account", f"{API}/files/x%00",
        f"{API}/files/x%0d%0aHost:y", f"{API}/files/x%23", f"{API}/files/x%3f", f"{API}/files/...",
        "https://api.replicate.com/files/x", "https://api.replicate.com/v1/../files/x", "http://api.replicate.com/v1/files/x",
        "https://api.replicate.com:8443/v1/files/x", "https://api.replicate.com./v1/files/x",
        "https://user@api.replicate.com/v1/files/x", "https://api.replicate.com@evil.test/v1/files/x",
        "https://evil.test/v1/files/x", "https://api.replicate.com.evil.test/v1/files/x", "files/x", "/v1/files/x",
    ],
)  # fmt: skip
def test_urls_that_are_not_files_of_the_api(url: str) -> None:
    """All other URLs are not files of the API, however a server may read their path."""
    assert not is_file_of(httpx.URL(url), httpx.URL(API))


@given(st.lists(st.sampled_from(["..", ".", "%2e", "%2E", "/", "%2f", "\\", "%5c", ";", "a", "%25", "2e", "account"])))
def test_no_path_leads_out_of_the_files(pieces: list[str]) -> None:
    """A path that counts as a file stays below `/files/`, however often a server unquotes it or reads slashes."""
    url = httpx.URL(f"{API}/files/{''.join(pieces)}")
    if is_file_of(url, httpx.URL(API)):
        path = url.raw_path.decode()
        for _ in range(3):
            path = httpx.URL(f"http://h{path}").path
        assert path.startswith("/v1/files/")
        assert not {"", ".", ".."} & {*path.split("/")[1:]}
        assert not {"\\", ";", "%"} & {*path}
