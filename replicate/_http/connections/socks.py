"""Transports over a SOCKS proxy. A faulty proxy leads to an error of httpx."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

    from replicate._http.libraries import Library


@functools.cache
def over_socks(kind: type[Any], library: Library) -> type[Any]:
    """Return a subclass of a transport that turns the errors of socksio into those of its library."""

    class OverSocks(kind):  # type: ignore[misc]
        """A transport over a SOCKS proxy."""

        def handle_request(self, request: Any) -> Any:
            above: Any = super()
            with as_proxy_errors(library):
                return above.handle_request(request)

        async def handle_async_request(self, request: Any) -> Any:
            above: Any = super()
            with as_proxy_errors(library):
                return await above.handle_async_request(request)

    return OverSocks


@contextmanager
def as_proxy_errors(library: Library) -> Generator[None]:
    """Turn errors of socksio within this block into those of a library."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "socksio" and not isinstance(error, OverflowError):
            raise
        raise library.ProxyError("What answers at the proxy's address does not speak SOCKS5") from error
