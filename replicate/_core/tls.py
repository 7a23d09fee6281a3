"""httpx's own TLS settings, made once for all clients, and only when something is really encrypted.

Reading the certificates of all authorities takes longer than most requests. httpx does it for every client it makes,
also for one that never speaks TLS, and for an asynchronous one while the event loop stands still.
"""

from __future__ import annotations

import os
import ssl
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping


KEEP_ALIVE = 1.0
"""Seconds for which a connection is kept for another create."""


class DeferredContext(ssl.SSLContext):
    """A context that leaves every handshake to httpx's default one. By itself it trusts nobody."""

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return shared().wrap_socket(*args, **kwargs)

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        return shared().wrap_bio(*args, **kwargs)

    def set_alpn_protocols(self, alpn_protocols: Any) -> None:
        shared().set_alpn_protocols(alpn_protocols)


def deferred() -> ssl.SSLContext:
    """Make a context that costs nothing until it is used."""
    return DeferredContext(ssl.PROTOCOL_TLS_CLIENT)


def shared() -> ssl.SSLContext:
    """Give the context that httpx would make, which depends on two environment variables."""
    return _made(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _made(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:  # noqa: ARG001 - the cache's key
    return httpx.create_ssl_context()


def settled(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give httpx options for a client without a bound on connections, unless the caller has a say in that."""
    return {"limits": httpx.Limits(max_connections=None), **with_tls(options)}


def for_creates(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give settled options for a client that sends creates: its connections are not kept for as long as servers do.

    On one that a server is just closing, a create gets lost without a trace. Servers close what is idle for 2 seconds
    and more, 5 mostly.
    """
    limits: Any = options["limits"]
    expiry = KEEP_ALIVE if limits.keepalive_expiry is None else min(KEEP_ALIVE, limits.keepalive_expiry)
    kept = {"max_connections": limits.max_connections, "max_keepalive_connections": limits.max_keepalive_connections}
    return {**options, "limits": type(limits)(**kept, keepalive_expiry=expiry)}


def with_tls(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give httpx options with TLS settings that many clients can share; the caller may have a say in them."""
    told = {name: options[name] for name in ("verify", "cert", "trust_env") if name in options}
    verify = httpx.create_ssl_context(**told) if told else deferred()
    return {**{name: value for name, value in options.items() if name != "cert"}, "verify": verify}
