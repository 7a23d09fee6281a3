"""Transports over a SOCKS proxy. A faulty proxy leads to an error of httpx, and a silent one to a timeout.

httpcore talks to a SOCKS proxy without any timeout. It then passes no timeout argument to its stream at all. Afterwards
it always passes one, which may be None. This shows whether it is still talking to the proxy.
"""

from __future__ import annotations

import functools
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from replicate._http.libraries import Library

UNSAID: Any = object()
"""Stands for a timeout that was not passed."""


@functools.cache
def over_socks(kind: type[Any], library: Library) -> type[Any]:
    """Return a subclass of a transport that turns the errors of socksio into those of its library."""

    class OverSocks(kind):  # type: ignore[misc]
        """A transport over a SOCKS proxy."""

        def __init__(self, **options: Any) -> None:
            above: Any = super()
            above.__init__(**options)
            bound(self)

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


def bound(transport: Any) -> None:
    """Make a transport's connections keep to the connect timeout while they talk to the proxy, if possible."""
    pool: Any = getattr(transport, "_pool", None)
    if hasattr(getattr(pool, "_network_backend", None), "connect_tcp"):
        blocking = hasattr(transport, "handle_request") and hasattr(pool, "handle_request")
        pool._network_backend = (Backend if blocking else AsyncBackend)(pool._network_backend)  # noqa: SLF001 - httpx has no option for it


class Around:
    """An object of httpcore's, in which a subclass replaces some methods."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Backend(Around):
    """A network backend that makes blocking connections."""

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> Stream:
        """Connect to the proxy."""
        return Stream(self._inner.connect_tcp(host, port, timeout=timeout, **options), timeout)


class AsyncBackend(Around):
    """A network backend that makes asynchronous connections."""

    async def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> AsyncStream:
        """Connect to the proxy."""
        return AsyncStream(await self._inner.connect_tcp(host, port, timeout=timeout, **options), timeout)


class Stream(Around):
    """A blocking connection to a proxy."""

    def __init__(self, inner: Any, patience: float | None) -> None:
        super().__init__(inner)
        self._patience = patience

    def read(self, max_bytes: int, timeout: float | None = UNSAID) -> Any:
        """Read for httpcore. Raises its ConnectTimeout if the proxy does not respond in time."""
        return self._kept(self._inner.read, max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = UNSAID) -> Any:
        """Write for httpcore. Raises its ConnectTimeout if the proxy does not respond in time."""
        return self._kept(self._inner.write, buffer, timeout)

    def _kept(self, work: Callable[[Any, float | None], Any], what: Any, timeout: float | None) -> Any:
        if timeout is not UNSAID:
            return work(what, timeout)
        try:
            return work(what, self._patience)
        except Exception as error:
            with suppress(Exception):
                self._inner.close()  # which httpcore does not do here
            if (late := as_late(error)) is None:
                raise
            raise late from error


class AsyncStream(Around):
    """An asynchronous connection to a proxy."""

    def __init__(self, inner: Any, patience: float | None) -> None:
        super().__init__(inner)
        self._patience = patience

    async def read(self, max_bytes: int, timeout: float | None = UNSAID) -> Any:
        """Read for httpcore. Raises its ConnectTimeout if the proxy does not respond in time."""
        return await self._kept(self._inner.read, max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = UNSAID) -> Any:
        """Write for httpcore. Raises its ConnectTimeout if the proxy does not respond in time."""
        return await self._kept(self._inner.write, buffer, timeout)

    async def _kept(self, work: Callable[[Any, float | None], Awaitable[Any]], what: Any, timeout: float | None) -> Any:
        if timeout is not UNSAID:
            return await work(what, timeout)
        try:
            return await work(what, self._patience)
        except Exception as error:
            with suppress(Exception):
                await self._inner.aclose()  # which httpcore does not do here
            if (late := as_late(error)) is None:
                raise
            raise late from error


def as_late(error: Exception) -> Exception | None:
    """Return the ConnectTimeout of httpcore or httpcore2 for its read or write timeout; None for other errors."""
    if type(error).__name__ not in ("ReadTimeout", "WriteTimeout"):
        return None
    kind: type[Exception] = import_module(type(error).__module__.partition(".")[0]).ConnectTimeout
    return kind("The SOCKS proxy did not answer in time")
