"""Connection errors that are also instances of their cause's httpx class, for programs that catch httpx's errors.

The classes are static, so that the errors can be pickled. A RunError, which ends a call after its start, is never one
of them: a program that repeats a call on httpx's errors must not pay twice.
"""

from __future__ import annotations

import httpx

from replicate.exceptions import APIConnectionError, APITimeoutError

# mypy rejects these classes: httpx's `request` is a property that raises without a request, and ours is None then.


class ConnectTimeout(APITimeoutError, httpx.ConnectTimeout):  # type: ignore[misc]
    """No connection was made in time."""


class ReadTimeout(APITimeoutError, httpx.ReadTimeout):  # type: ignore[misc]
    """The response did not arrive in time."""


class WriteTimeout(APITimeoutError, httpx.WriteTimeout):  # type: ignore[misc]
    """The request could not be sent in time."""


class PoolTimeout(APITimeoutError, httpx.PoolTimeout):  # type: ignore[misc]
    """No connection became free in time."""


class TimeoutException(APITimeoutError, httpx.TimeoutException):  # type: ignore[misc]
    """Something did not happen in time."""


class ConnectError(APIConnectionError, httpx.ConnectError):  # type: ignore[misc]
    """No connection could be made."""


class ReadError(APIConnectionError, httpx.ReadError):  # type: ignore[misc]
    """The connection broke while the response was read."""


class WriteError(APIConnectionError, httpx.WriteError):  # type: ignore[misc]
    """The connection broke while the request was sent."""


class CloseError(APIConnectionError, httpx.CloseError):  # type: ignore[misc]
    """The connection could not be closed."""


class NetworkError(APIConnectionError, httpx.NetworkError):  # type: ignore[misc]
    """The network failed."""


class LocalProtocolError(APIConnectionError, httpx.LocalProtocolError):  # type: ignore[misc]
    """The request is not valid HTTP."""


class RemoteProtocolError(APIConnectionError, httpx.RemoteProtocolError):  # type: ignore[misc]
    """The response is not HTTP, or was cut off."""


class ProtocolError(APIConnectionError, httpx.ProtocolError):  # type: ignore[misc]
    """HTTP was violated."""


class ProxyError(APIConnectionError, httpx.ProxyError):  # type: ignore[misc]
    """The proxy did not connect."""


class UnsupportedProtocol(APIConnectionError, httpx.UnsupportedProtocol):  # type: ignore[misc]
    """The scheme of the URL is not http or https."""


class TransportError(APIConnectionError, httpx.TransportError):  # type: ignore[misc]
    """Something else went wrong on the way."""


class DecodingError(APIConnectionError, httpx.DecodingError):  # type: ignore[misc]
    """The response's content encoding is malformed."""


class TooManyRedirects(APIConnectionError, httpx.TooManyRedirects):  # type: ignore[misc]
    """There were too many redirects."""


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
    _kind.__module__ = APIConnectionError.__module__  # it exports them too, so that tracebacks show importable names


def paired(cause: Exception) -> type[APIConnectionError]:
    """Return our class for an exception: that of the nearest class in its MRO."""
    return next(PAIRS[kind] for kind in type(cause).__mro__ if kind in PAIRS)
