"""TLS contexts are created late and shared, and still verify certificates."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest
import trustme

from replicate import APIConnectionError, AsyncReplicate, Replicate
from replicate._http.connections import tls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Hello(BaseHTTPRequestHandler):
    """Answer every request with an empty JSON object."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class Server(ThreadingHTTPServer):
    """A server that does not report clients that hang up to standard error."""

    def handle_error(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def https(authority: trustme.CA) -> Iterator[str]:
    server = Server(("127.0.0.1", 0), Hello)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


def test_an_unknown_authority_is_refused(https: str) -> None:
    """A server whose certificate we do not trust gets no request, and so no token."""
    with (
        Replicate(bearer_token="r8_x", base_url=https, max_retries=0) as client,
        pytest.raises(APIConnectionError) as told,
    ):
        client.get("/account")
    assert "CERTIFICATE_VERIFY_FAILED" in str(told.value)
    assert not told.value.sent


def test_a_trusted_authority_is_accepted(https: str, trusted: None) -> None:
    """SSL_CERT_FILE names the trusted authorities, as in httpx."""
    with Replicate(bearer_token="r8_x", base_url=https) as client:
        assert client.get("/account").json() == {}


def test_a_certificate_for_another_name_is_refused(https: str, trusted: None) -> None:
    """The host name is checked, not only the chain."""
    elsewhere = https.replace("127.0.0.1", "localhost")
    with Replicate(bearer_token="r8_x", base_url=elsewhere, max_retries=0) as client, pytest.raises(APIConnectionError):
        client.get("/account")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_asynchronous_clients_verify_too(https: str, trusted: None, backend: str) -> None:
    """Both event loops use the shared context for their handshakes."""

    async def ask() -> object:
        async with AsyncReplicate(bearer_token="r8_x", base_url=https) as client:
            return (await client.get("/account")).json()

    assert anyio.run(ask, backend=backend) == {}


def test_an_unloaded_context_trusts_nobody() -> None:
    """A handshake that bypassed the shared context would fail."""
    context = tls.deferred()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.get_ca_certs() == []


def test_contexts_are_shared_and_follow_the_environment(trusted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """All clients share one context; other environment variables give another one."""
    first = tls.deferred().load()
    assert tls.deferred().load() is first
    monkeypatch.delenv("SSL_CERT_FILE")
    assert tls.deferred().load() is not first


def test_a_caller_with_tls_settings_keeps_them(https: str) -> None:
    """An httpx client of the caller keeps its own TLS settings."""
    with Replicate(bearer_token="r8_x", base_url=https, http_client=httpx.Client(verify=False)) as client:
        assert client.get("/account").json() == {}


def test_plain_http_never_reads_certificates() -> None:
    """A client that uses no TLS does not load certificates."""
    program = (
        "import replicate\n"
        "from replicate._http.connections import tls\n"
        "client = replicate.Replicate(bearer_token='r8_x', base_url='http://127.0.0.1:9', max_retries=0)\n"
        "try: client.get('/account')\n"
        "except replicate.APIConnectionError: pass\n"
        "print(tls.made.cache_info().currsize)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "0\n"
