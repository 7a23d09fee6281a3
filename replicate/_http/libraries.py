"""The HTTP libraries whose clients send requests: httpx, and httpx2, which has the same names.

httpx2 is never imported here: a program that passes one of its objects has imported it. Only the transport handles its
requests, responses and errors; all other code sees httpx's errors.
"""

from __future__ import annotations

import functools
import inspect
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import httpx as httpx  # noqa: PLC0414 - folders above import it from here

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    Library = Any
    """The module httpx or httpx2."""

OTHER = "httpx2"
SHAPE = ("build_request", "send", "is_closed")
"""Attributes that an object needs to replace an httpx client. An asynchronous one also has `aclose`."""


def is_of_other(value: object, *names: str) -> bool:
    """Return whether an object is an instance of one of these httpx2 classes."""
    other = sys.modules.get(OTHER)
    return any(isinstance(value, getattr(other, name, ())) for name in names)


def own_url(url: Any) -> Any:
    """Convert a URL of httpx2 to httpx; return anything else unchanged."""
    return httpx.URL(str(url)) if is_of_other(url, "URL") else url


def own_timeout(timeout: Any) -> Any:
    """Convert a timeout of httpx2 to httpx; return anything else unchanged."""
    return httpx.Timeout(**timeout.as_dict()) if is_of_other(timeout, "Timeout") else timeout


def is_client(client: Any, *, blocking: bool) -> bool:
    """Return whether an object can send requests in a colour: a client of either library, or a similar object."""
    wanted, other = ("Client", "AsyncClient") if blocking else ("AsyncClient", "Client")
    if isinstance(client, getattr(httpx, wanted)) or is_of_other(client, wanted):
        return True
    if isinstance(client, getattr(httpx, other)) or is_of_other(client, other):
        return False
    if not all(hasattr(client, name) for name in SHAPE) or hasattr(client, "aclose") is blocking:
        return False
    return inspect.iscoroutinefunction(client.send) is not blocking


def library_of(*objects: object) -> Library:
    """Return httpx2 if one of the objects is an instance of its classes or their subclasses, else httpx."""
    bases = {base for each in objects for base in inspect.getmro(each.__class__)}
    made_by_other = any(base.__module__.partition(".")[0] == OTHER for base in bases)
    return sys.modules.get(OTHER, httpx) if made_by_other else httpx


def library_of_options(options: Mapping[str, Any]) -> Library:
    """Return the library whose client accepts these options: a transport of httpx2 needs a client of httpx2."""
    mounts: Mapping[str, object] = options.get("mounts") or {}
    return library_of(*options.values(), *mounts.values())


def answers_itself(options: Mapping[str, Any]) -> bool:
    """Return whether options of httpx clients contain a transport of the caller's."""
    return not options.keys().isdisjoint(("transport", "mounts"))


def converted(request: Mapping[str, Any], library: Library) -> Mapping[str, Any]:
    """Return the arguments of a request in the classes of a library."""
    if library is httpx:
        return request
    made = {**request, "url": library.URL(str(request["url"]))}
    if "headers" in request:
        made["headers"] = library.Headers(request["headers"].raw)
    if "params" in request:
        made["params"] = request["params"].multi_items()
    if "timeout" in request:
        made["timeout"] = library.Timeout(**httpx.Timeout(request["timeout"]).as_dict())
    return made


def stream_of(kind: type[Any], library: Library) -> type[Any]:
    """Return a variant of a stream class that a library accepts."""
    made: Any = _stream_of
    return kind if library is httpx else made(kind, library)


@functools.cache
def _stream_of(kind: type[Any], library: Library) -> type[Any]:
    return type(kind.__name__, (kind, library.SyncByteStream, library.AsyncByteStream), {})


def as_own_errors(library: Library) -> AbstractContextManager[object]:
    """Return a context manager that turns a library's errors into those of httpx."""
    return nullcontext() if library is httpx else AsOwnErrors(library)


class AsOwnErrors:
    """A context manager that raises httpx's errors in place of httpx2's."""

    def __init__(self, library: Library) -> None:
        self._kinds = library.RequestError, library.InvalidURL
        self._status: type[Any] = library.HTTPStatusError

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, self._status):
            raised: Any = error
            raise httpx.HTTPStatusError(str(raised), request=raised.request, response=raised.response) from error
        if isinstance(error, self._kinds):
            raise own_error(error)(str(error)) from error


def own_error(error: BaseException | None) -> type[Exception]:
    """Return httpx's class for an error: the one with the name of its class, or of the first base that httpx has."""
    names = (kind.__name__ for kind in type(error).__mro__)
    found: type[Exception] = next(getattr(httpx, name) for name in names if hasattr(httpx, name))
    return found
