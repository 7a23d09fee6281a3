"""Connection errors that are also instances of httpx's class of their cause, for programs that catch those.

They are static, so that they can be pickled. What ends a call after its start, a RunError, is never one of these: a
loop that makes a call again on httpx's errors must not pay twice.
"""

from __future__ import annotations

import httpx

from replicate.exceptions import APIConnectionError, APITimeoutError

# mypy, of all these classes: httpx's `request` is a property that raises where there is none, and ours is None.


class ConnectTimeout(APITimeoutError, httpx.ConnectTimeout):  # type: ignore[misc]
    """No connection was made in time."""


class ReadTimeout(APITimeoutError, httpx.ReadTimeout):  # type: ignore[misc]
    """The answer did not come in time."""


class WriteTimeout(APITimeoutError, httpx.WriteTimeout):  # type: ignore[misc]
    """The request could not be sent in time."""


class PoolTimeout(APITimeoutError, httpx.PoolTimeout):  # type: ignore[misc]
    """No connection became free in time."""


class TimeoutException(APITimeoutError, httpx.TimeoutException):  # type: ignore[misc]
    """Something did not happen in time."""


class ConnectError(APIConnectionError, httpx.ConnectError):  # type: ignore[misc]
    """No connection could be made."""


class ReadError(APIConnectionError, httpx.ReadError):  # type: ignore[misc]
    """The connection broke while the answer was read."""


class WriteError(APIConnectionError, httpx.WriteError):  # type: ignore[misc]
    """The connection broke while the request was sent."""


class CloseError(APIConnectionError, httpx.CloseError):  # type: ignore[misc]
    """The connection could not be closed."""


class NetworkError(APIConnectionError, httpx.NetworkError):  # type: ignore[misc]
    """The network failed."""


class LocalProtocolError(APIConnectionError, httpx.LocalProtocolError):  # type: ignore[misc]
    """The request is not what HTTP can carry."""


class RemoteProtocolError(APIConnectionError, httpx.RemoteProtocolError):  # type: ignore[misc]
    """The answer is not HTTP, or was cut off."""


class ProtocolError(APIConnectionError, httpx.ProtocolError):  # type: ignore[misc]
    """HTTP was violated."""


class ProxyError(APIConnectionError, httpx.ProxyError):  # type: ignore[misc]
    """The proxy did not connect."""


class UnsupportedProtocol(APIConnectionError, httpx.UnsupportedProtocol):  # type: ignore[misc]
    """The URL is not one of HTTP."""


class TransportError(APIConnectionError, httpx.TransportError):  # type: ignore[misc]
    """Something else went wrong on the way."""


class DecodingError(APIConnectionError, httpx.DecodingError):  # type: ignore[misc]
    """The answer's encoding is malformed."""


class TooManyRedirects(APIConnectionError, httpx.TooManyRedirects):  # type: ignore[misc]
    """The redirects do not end."""


class RequestError(APIConnectionError, httpx.RequestError):  # type: ignore[misc]
    """The request failed in another way."""


PAIRS: dict[type[Exception], type[APIConnectionError]] = {
    httpx.ConnectTimeout: ConnectTimeout,
    httpx.ReadTimeout: ReadTimeout,
    httpx.WriteTimeout: WriteTimeout,
    httpx.PoolTimeout: PoolTimeout,
    httpx.TimeoutException: TimeoutException,
    httpx.ConnectError: ConnectError,
    httpx.ReadError: ReadError,
    httpx.WriteError: WriteError,
    httpx.CloseError: CloseError,
    httpx.NetworkError: NetworkError,
    httpx.LocalProtocolError: LocalProtocolError,
    httpx.RemoteProtocolError: RemoteProtocolError,
    httpx.ProtocolError: ProtocolError,
    httpx.ProxyError: ProxyError,
    httpx.UnsupportedProtocol: UnsupportedProtocol,
    httpx.TransportError: TransportError,
    httpx.DecodingError: DecodingError,
    httpx.TooManyRedirects: TooManyRedirects,
    httpx.RequestError: RequestError,
    TimeoutError: APITimeoutError,
    ConnectionError: APIConnectionError,
}


for _kind in PAIRS.values():
    _kind.__module__ = APIConnectionError.__module__  # which gives them, too: tracebacks name what programs can import


def paired(cause: Exception) -> type[APIConnectionError]:
    """Give the class for what was raised: that of the nearest of its classes."""
    return next(PAIRS[kind] for kind in type(cause).__mro__ if kind in PAIRS)
