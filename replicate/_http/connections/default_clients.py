"""httpx clients with this package's defaults, for callers who set other options: a proxy, a transport, limits."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import httpx

from replicate._http.connections.client_factory import ClientFactory, discreet, with_lazy_cookies
from replicate._http.connections.deadline_backend import keep_deadlines
from replicate._http.options import DEFAULT_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_CONNECTION_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)
"""The same as httpx's own."""


class DefaultHttpxClient(httpx.Client):
    """An `httpx.Client` for `Replicate(http_client=…)`. It takes the options of `httpx.Client`."""

    def __init__(self, **options: Any) -> None:
        options = discreet(options)
        super().__init__(**defaults(options, blocking=True))
        with_lazy_cookies(self)
        keep_deadlines(self)


class DefaultAsyncHttpxClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` for `AsyncReplicate(http_client=…)`. It takes the options of `httpx.AsyncClient`."""

    def __init__(self, **options: Any) -> None:
        options = discreet(options)
        super().__init__(**defaults(options))
        with_lazy_cookies(self)
        keep_deadlines(self)


def DefaultAioHttpClient(**options: Any) -> httpx.AsyncClient:  # noqa: N802 - stands for a class that may be missing
    """Return an `httpx.AsyncClient` that sends with aiohttp, which takes less CPU for many concurrent requests.

    It is for asyncio only, and is used only on request: httpx-aiohttp distinguishes most failures less well than httpx.
    After some failures where httpx would show that nothing was sent, it is unknown whether a create has arrived. An
    error that it calls a failed connection, although the request may have gone out, is not treated as one.

    Raises RuntimeError unless the extra is installed: `pip install "replicate[aiohttp]"`.
    """
    try:
        made_by = import_module("httpx_aiohttp")
    except ImportError as error:
        raise RuntimeError('DefaultAioHttpClient needs an extra: pip install "replicate[aiohttp]"') from error

    def proxied(**how: Any) -> Any:
        return made_by.AiohttpTransport(**how)

    options = discreet(options)
    settled = defaults(options, transport=proxied)
    client: httpx.AsyncClient = with_lazy_cookies(made_by.HttpxAiohttpClient(**settled))
    return client


def defaults(
    options: dict[str, Any], *, blocking: bool = False, transport: Callable[..., Any] | None = None
) -> dict[str, Any]:
    """Return a client's arguments: options, defaults and the environment's. Raises VariableError, OptionError."""
    given = {"timeout": DEFAULT_TIMEOUT, "limits": DEFAULT_CONNECTION_LIMITS, **options}
    return ClientFactory(given, blocking=blocking, transport=transport).arguments()
