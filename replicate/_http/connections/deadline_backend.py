"""Connections that keep to the deadline of an exchange, that is, of a request and its response.

httpcore passes a timeout of a request on to each connect, read and write. A peer that always sends a little in time is
thus waited for forever. Here, the timeout is a `Limit`, a number that knows its exchange. httpcore passes it on as it
is. Our streams ask it how much time is left, and other streams take it as the number.

These streams also know when httpcore talks to a SOCKS proxy: only then, it passes no timeout at all.
"""

from __future__ import annotations

import socket
import ssl
import sys
import time
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from replicate._http.connections.in_time import LateError, in_time
from replicate._http.connections.interface import ALWAYS
from replicate._http.options import whole_of
from replicate._http.secrecy.frames import interruption
from replicate._recent import Recent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

UNSAID: Any = object()
"""Stands for a timeout that was not passed."""
CONNECT, READ, WRITE = "ConnectTimeout", "ReadTimeout", "WriteTimeout"
PIECE = 16 * 1024
"""Bytes that are written at a time through TLS inside TLS, of which httpcore limits each part."""
TIME_UP = "The time was up."
SHORTEST = 0.001
"""Minimum seconds for a read, as a timeout of 0 has another meaning."""

SILENT = "The SOCKS proxy did not answer in time"

found_before: Recent[tuple[str, int], list[str]] = Recent(100)
"""The addresses of names that were looked up, for a time when no thread can be started to look them up again."""


class Exchange:
    """The time for a request and its response: so many seconds for both, and `whole` seconds for the response.

    `whole` counts from the end of the request. If it is None, the response may take as long as parts of it arrive.
    """

    def __init__(self, seconds: float = ALWAYS, whole: float | None = None) -> None:
        self.end: float = time.monotonic() + seconds
        self.whole: float | None = whole
        self.limited: bool = seconds < ALWAYS or whole is not None
        """Whether there is any limit."""
        self._body: Any = None
        self._complete = ALWAYS

    @classmethod
    def within(cls, seconds: float, timeout: float | httpx.Timeout | None) -> Exchange:
        """Return the time for a request with a timeout, and its response."""
        whole = whole_of(timeout)
        return UNLIMITED if seconds == ALWAYS and whole is None else cls(seconds, whole)

    def limit(self, request: Any) -> None:
        """Make the timeouts of a request of httpx keep to this exchange."""
        self._body = request.stream
        timeouts: dict[str, float | None] = request.extensions.setdefault("timeout", {})
        for name in ("connect", "read", "write"):
            seconds = timeouts.get(name)
            if seconds is None and self.end < ALWAYS:
                seconds = self.end - time.monotonic()
            if seconds is not None:
                timeouts[name] = self._limit(seconds)

    def limit_reading(self, timeouts: dict[str, float | None]) -> None:
        """Make the read timeout of a request at most the time that is left, for streams that are not ours."""
        read = timeouts.get("read")
        timeouts["read"] = self._limit(max(SHORTEST, self.left() if read is None else min(read, self.left())))

    def answered(self, *, stream: bool) -> None:
        """Note that the head of the response has arrived. Parts of a `stream` may arrive at any time."""
        if stream:
            self.whole = None

    def tunneled(self) -> None:
        """Note that a proxy has opened a tunnel, in which the request is yet to be sent."""
        self._complete = ALWAYS

    def left_to_send(self) -> float:
        """Return the seconds until the deadline."""
        return self.end - time.monotonic()

    def left(self) -> float:
        """Return the seconds until the response must be complete. The request counts as sent when this is called."""
        now = time.monotonic()
        if self.whole is None or is_sent_in_part(self._body):
            return self.end - now
        if self._complete == ALWAYS:
            self._complete = now + self.whole
        return min(self.end, self._complete) - now

    def _limit(self, seconds: float) -> Limit:
        limit = Limit(seconds)
        limit.exchange = self
        return limit


UNLIMITED = Exchange()


class Limit(float):
    """A timeout in seconds that also keeps to an exchange."""

    __slots__ = ("exchange",)
    exchange: Exchange


def is_sent_in_part(body: Any) -> bool:
    """Return whether a long body is still being sent. HTTP/2 also reads while it sends."""
    return bool(getattr(body, "is_left", False) or getattr(body, "is_unread", False))


def keep_deadlines(client: Any) -> Any:
    """Make the connections of a client of httpx keep to exchanges, if httpcore makes them. Return the client."""
    for transport in (getattr(client, "_transport", None), *getattr(client, "_mounts", {}).values()):
        pool: Any = getattr(transport, "_pool", None)
        backend = getattr(pool, "_network_backend", None)
        core = core_of(pool)
        if core is None or not hasattr(backend, "connect_tcp") or isinstance(backend, Around):
            continue
        kind = Backend if hasattr(pool, "handle_request") else AsyncBackend
        pool._network_backend = kind(backend, core)  # noqa: SLF001 - httpx has no option for it
    return client


def core_of(pool: Any) -> Any:
    """Return the module that a connection pool is from, httpcore or httpcore2, or None."""
    names = [kind.__module__.partition(".")[0] for kind in type(pool).__mro__]
    return next((sys.modules.get(name) for name in names if name.startswith("httpcore")), None)


class Around:
    """An object of httpcore's, in which a subclass replaces some methods. `core` is the module with its errors."""

    def __init__(self, inner: Any, core: Any) -> None:
        self._inner, self._core = inner, core

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def late(self, kind: str, text: str = TIME_UP) -> Exception:
        """Return an error of httpcore's for a time that is up."""
        error: Exception = getattr(self._core, kind)(text)
        return error

    def left(self, timeout: float | None, kind: str) -> float | None:
        """Return the seconds that a step may take, None for no limit. Raises an error of a kind if there are none."""
        if not isinstance(timeout, Limit):
            return timeout
        left = timeout.exchange.left() if kind is READ else timeout.exchange.left_to_send()
        if left <= 0:
            raise self.late(kind)
        return min(float(timeout), left)


class Backend(Around):
    """A network backend that makes blocking connections."""

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> Stream:
        """Connect for httpcore. The timeout is for all addresses of the host together, and for looking them up."""
        seconds = self.left(timeout, CONNECT)
        if seconds is None or not self._connects_as_python_does():
            end = None if seconds is None else time.monotonic() + seconds
            return Stream(self._inner.connect_tcp(host, port, timeout=seconds, **options), self._core, end)
        end, outer = time.monotonic() + seconds, sys.exception()
        addresses = self._look_up(host, port, seconds)
        failed = self.late(CONNECT)
        for at, address in enumerate(addresses):
            if (left := end - time.monotonic()) <= 0:
                break
            try:  # a dead address does not use up the time of the others
                share = left / (len(addresses) - at)
                return Stream(self._inner.connect_tcp(address, port, timeout=share, **options), self._core, end)
            except (self._core.ConnectError, self._core.ConnectTimeout) as error:
                failed = error
                if interruption(error, outer):  # a signal handler's exception looks like a timeout
                    break
        try:
            raise failed
        finally:
            del failed, outer  # their tracebacks contain this frame

    def connect_unix_socket(self, path: str, timeout: float | None = None, **options: Any) -> Stream:
        """Connect to a socket in the file system, for httpcore."""
        left = self.left(timeout, CONNECT)
        return Stream(self._inner.connect_unix_socket(path, timeout=left, **options), self._core)

    def _connects_as_python_does(self) -> bool:
        """Return whether names are looked up here. Other backends, and patches of `socket`, may do it elsewhere."""
        ours = type(self._inner) is getattr(self._core, "SyncBackend", None)
        return ours and getattr(socket.create_connection, "__module__", "") == "socket"

    def _look_up(self, host: str, port: int, seconds: float) -> list[str]:
        """Return the addresses of a host, within so many seconds. Raises ConnectError, ConnectTimeout."""
        if is_address(host):
            return [host]
        try:
            known = found_before.recall((host, port))
            addresses = in_time(lambda: look_up(host, port), seconds, None if known is None else lambda: known)
        except LateError:
            raise self.late(CONNECT) from None
        except OSError as error:
            raise self._core.ConnectError(str(error)) from error
        found_before[host, port] = addresses
        return addresses


def is_address(host: str) -> bool:
    """Return whether a host is an address, and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a name. Blocks. Raises OSError."""
    found: list[Any] = [address for *_, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)]
    return [f"{address[0]}%{address[3]}" if address[3:] and address[3] else str(address[0]) for address in found]


class AsyncBackend(Around):
    """A network backend that makes asynchronous connections."""

    async def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> AsyncStream:
        """Connect for httpcore. The timeout is for all addresses of the host together, and for looking them up."""
        seconds = self.left(timeout, CONNECT)
        end = None if seconds is None else time.monotonic() + seconds
        return AsyncStream(await self._inner.connect_tcp(host, port, timeout=seconds, **options), self._core, end)

    async def connect_unix_socket(self, path: str, timeout: float | None = None, **options: Any) -> AsyncStream:
        """Connect to a socket in the file system, for httpcore."""
        left = self.left(timeout, CONNECT)
        return AsyncStream(await self._inner.connect_unix_socket(path, timeout=left, **options), self._core)


class Connection(Around):
    """A connection. `end` is the time by which a SOCKS proxy must have connected; None for no limit."""

    def __init__(self, inner: Any, core: Any, end: float | None = None) -> None:
        super().__init__(inner, core)
        self._end = end
        self.get_extra_info: Callable[[str], Any] = inner.get_extra_info  # httpcore calls it before each request

    def _patience(self) -> float | None:
        """Return the seconds that a SOCKS proxy has left to connect. Raises ConnectTimeout if there are none."""
        left = None if self._end is None else self._end - time.monotonic()
        if left is not None and left <= 0:
            raise self.late(CONNECT, SILENT)
        return left

    def _is_late(self, error: Exception) -> bool:
        return isinstance(error, (self._core.ReadTimeout, self._core.WriteTimeout))


class Stream(Connection):
    """A blocking connection."""

    def read(self, max_bytes: int, timeout: float | None = UNSAID) -> Any:
        """Read for httpcore. Raises its ReadTimeout, or its ConnectTimeout if a SOCKS proxy is late."""
        if timeout is UNSAID:
            return self._connecting(self._inner.read, max_bytes)
        return self._inner.read(max_bytes, self.left(timeout, READ))

    def write(self, buffer: bytes, timeout: float | None = UNSAID) -> Any:
        """Write for httpcore. Raises its WriteTimeout, or its ConnectTimeout if a SOCKS proxy is late."""
        if timeout is UNSAID:
            return self._connecting(self._inner.write, buffer)
        if isinstance(timeout, Limit):
            return self._write(buffer, timeout)
        return self._inner.write(buffer, timeout)

    def start_tls(self, ssl_context: Any, server_hostname: Any = None, timeout: float | None = None) -> Stream:
        """Begin TLS for httpcore. Raises its ConnectTimeout."""
        try:
            left = self.left(timeout, CONNECT)
        except BaseException:
            self._inner.close()
            raise
        made = Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._core)
        if isinstance(timeout, Limit):
            timeout.exchange.tunneled()
        return made

    def _write(self, buffer: bytes, timeout: Limit) -> None:
        """Write, and look at the time whenever the peer has taken something."""
        to: socket.socket | None = self._inner.get_extra_info("socket")
        unsent = memoryview(buffer)
        while unsent:
            seconds = self.left(timeout, WRITE)
            if to is None or isinstance(self._inner.get_extra_info("ssl_object"), ssl.SSLObject):
                self._inner.write(bytes(unsent[:PIECE]), seconds)
                unsent = unsent[PIECE:]
            else:
                unsent = unsent[self._send(to, unsent, seconds) :]

    def _send(self, to: socket.socket, content: memoryview, seconds: float | None) -> int:
        outer = sys.exception()
        try:
            to.settimeout(seconds)
            return to.send(content)
        except OSError as error:
            if interruption(error, outer):  # raised by a signal handler, and no fault of the connection
                raise
            kind = WRITE if isinstance(error, TimeoutError) else "WriteError"
            raise getattr(self._core, kind)(str(error)) from error
        finally:
            del outer

    def _connecting(self, work: Callable[[Any, float | None], Any], what: Any) -> Any:
        try:
            return work(what, self._patience())
        except Exception as error:
            with suppress(Exception):
                self._inner.close()  # which httpcore does not do here
            if not self._is_late(error):
                raise
            raise self.late(CONNECT, SILENT) from error


class AsyncStream(Connection):
    """An asynchronous connection."""

    async def read(self, max_bytes: int, timeout: float | None = UNSAID) -> Any:
        """Read for httpcore. Raises its ReadTimeout, or its ConnectTimeout if a SOCKS proxy is late."""
        if timeout is UNSAID:
            return await self._connecting(self._inner.read, max_bytes)
        return await self._inner.read(max_bytes, self.left(timeout, READ))

    async def write(self, buffer: bytes, timeout: float | None = UNSAID) -> Any:
        """Write for httpcore. Raises its WriteTimeout, or its ConnectTimeout if a SOCKS proxy is late."""
        if timeout is UNSAID:
            return await self._connecting(self._inner.write, buffer)
        return await self._inner.write(buffer, self.left(timeout, WRITE))

    async def start_tls(
        self, ssl_context: Any, server_hostname: Any = None, timeout: float | None = None
    ) -> AsyncStream:
        """Begin TLS for httpcore. Raises its ConnectTimeout."""
        try:
            left = self.left(timeout, CONNECT)
        except BaseException:
            await self._inner.aclose()
            raise
        made = AsyncStream(await self._inner.start_tls(ssl_context, server_hostname, left), self._core)
        if isinstance(timeout, Limit):
            timeout.exchange.tunneled()
        return made

    async def _connecting(self, work: Callable[[Any, float | None], Awaitable[Any]], what: Any) -> Any:
        try:
            return await work(what, self._patience())
        except Exception as error:
            with suppress(Exception):
                await self._inner.aclose()  # which httpcore does not do here
            if not self._is_late(error):
                raise
            raise self.late(CONNECT, SILENT) from error
