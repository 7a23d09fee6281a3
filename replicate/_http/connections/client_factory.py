"""Makes httpx clients from the caller's options and the environment.

httpx reads the environment for each client, and raises all kinds of errors for it. A factory reads it once, when it is
made for its first client, and before anything counts as sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import httpx

from replicate._http.connections.deadline_backend import keep_deadlines
from replicate._http.connections.proxies import SOCKS, check_proxy, environment_proxies, is_installed, is_pattern
from replicate._http.connections.socks import over_socks
from replicate._http.connections.tls import DeferredContext, check_verify, context_for
from replicate._http.environment import OptionError
from replicate._http.libraries import library_of_options
from replicate._http.secrecy.hiding import Sealed, opened, sealed
from replicate._http.secrecy.scrubbing import unseen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UNLIMITED = httpx.Limits(max_connections=None)
KEEP_ALIVE = 1.0
"""Seconds for which an idle connection is kept for another create."""
READ_HERE = ("cert", "mounts", "proxy", "trust_env", "verify")
PASSED_ON = ("http1", "http2", "limits", "verify")
"""The options that a transport for a proxy takes over from the client."""


class ClientFactory:
    """Makes clients of one colour with the same settings, each with its own connections.

    Raises VariableError for an invalid environment variable, and OptionError for an invalid option.
    """

    def __init__(
        self, options: Mapping[str, Any], *, blocking: bool, transport: Callable[..., Any] | None = None
    ) -> None:
        check_options(options)
        self._library = library_of_options(plain(options))
        self._blocking = blocking
        self._transport = transport
        self._context = context_for(options)
        """The TLS context of all clients and their proxies."""
        self._mounts: Mapping[str, Any] = options.get("mounts") or {}
        kept = {name: value for name, value in options.items() if name not in READ_HERE}
        self._options: dict[str, Any] = {"limits": UNLIMITED, **kept, "verify": self._context, "trust_env": False}
        self._proxies = unseen(lambda: proxies_of(options, self._library))
        used = [proxy.open().url.scheme for proxy in self._proxies.values() if proxy is not None]
        self._unread = self._context if isinstance(self._context, DeferredContext) else None
        self._encrypted = "https" in used

    @property
    def limits(self) -> httpx.Limits:
        """The connection limits of each client."""
        limits: httpx.Limits = self._options["limits"]
        return limits

    def arguments(self, *, creates: bool = False) -> dict[str, Any]:
        """Return the arguments for one client."""
        options = {**self._options, "limits": for_creates(self.limits)} if creates else {**self._options}
        mounts = {
            pattern: None if proxy is None else self._proxied(proxy, options)
            for pattern, proxy in self._proxies.items()
        }
        return {**options, "mounts": {**mounts, **self._mounts}} if mounts or self._mounts else options

    def make(self, *, creates: bool = False) -> Any:
        """Return a new client. One that `creates` drops its idle connections before servers do."""
        kind = self._library.Client if self._blocking else self._library.AsyncClient
        return keep_deadlines(kind(**self.arguments(creates=creates)))

    def prepare(self, url: httpx.URL | str) -> None:
        """Load the certificates if a request to this URL is the first that needs them. Raises VariableError."""
        if self._unread is not None and (self._encrypted or httpx.URL(url).scheme == "https"):
            self._unread.load()
            self._unread = None

    def _proxied(self, proxy: Sealed[Any], options: Mapping[str, Any]) -> Any:
        kind: Any = self._transport or getattr(
            self._library, "HTTPTransport" if self._blocking else "AsyncHTTPTransport"
        )
        if proxy.open().url.scheme in SOCKS:
            if self._transport is not None:
                raise OptionError("A SOCKS proxy cannot be used by DefaultAioHttpClient: aiohttp speaks no SOCKS.")
            kind = cast("Any", over_socks)(kind, self._library)
        passed = {name: options[name] for name in PASSED_ON if name in options}
        return unseen(lambda: kind(**passed, trust_env=False, proxy=proxy.open()), told=True)


def for_creates(limits: Any) -> Any:
    """Return the limits of a client that sends creates: idle connections are kept only for a moment.

    A create gets lost on a connection that the server is just closing. Servers close connections that are idle for 2
    seconds or more.
    """
    expiry = KEEP_ALIVE if limits.keepalive_expiry is None else min(KEEP_ALIVE, limits.keepalive_expiry)
    kept = {"max_connections": limits.max_connections, "max_keepalive_connections": limits.max_keepalive_connections}
    return type(limits)(**kept, keepalive_expiry=expiry)


def proxies_of(options: Mapping[str, Any], library: Any) -> dict[str, Sealed[Any] | None]:
    """Return the proxies of a client with these options, by httpx's URL patterns. Raises VariableError."""
    found: Mapping[str, Any] = {}
    if (proxy := opened(options.get("proxy"))) is not None:
        found = {"all://": proxy}
    # `proxies` is an option of httpx 0.27, which handles it itself.
    elif options.get("trust_env", True) and options.get("transport") is None and options.get("proxies") is None:
        found = environment_proxies()
    return {
        pattern: sealed(library.Proxy(proxy) if isinstance(proxy, (str, library.URL)) else proxy)
        for pattern, proxy in found.items()
    }


def discreet(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of httpx clients with the proxy sealed, as its URL may hold a password."""
    return {name: sealed(value) if name == "proxy" else value for name, value in options.items()}


def plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of httpx clients as the caller has passed them."""
    return {name: opened(value) for name, value in options.items()}


def check_options(options: Mapping[str, Any]) -> None:
    """Check options of httpx clients, as far as that costs little. Raises OptionError, TypeError."""
    check_proxy(sealed(options.get("proxy")))
    check_verify(options.get("verify"))
    if not all(":" in pattern and is_pattern(pattern) for pattern in options.get("mounts") or ()):
        raise OptionError("mounts= has a key that is no URL pattern, such as all:// or https://example.com.")
    if options.get("http2") and not is_installed("h2"):
        raise OptionError("http2=True needs a package that is missing.", hint='Install it: pip install "httpx[http2]".')


def with_lazy_cookies(client: Any) -> Any:
    """Make a client look for cookies only in responses that set some. Each look of httpx's builds a urllib request."""
    look = client.cookies.extract_cookies

    def extract_cookies(response: Any) -> None:
        if "set-cookie" in response.headers:
            look(response)

    client.cookies.extract_cookies = extract_cookies
    return client
