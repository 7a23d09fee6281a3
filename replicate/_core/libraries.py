"""The HTTP libraries whose clients send requests: httpx, and httpx2, which has the same names.

httpx2 is never imported here: a program that passes one of its objects has imported it. Only the transport meets its
requests, responses and errors; everything above sees the errors of httpx.
"""

from __future__ import annotations

import functools
import inspect
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NoReturn

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    Library = Any
    """The module httpx, or httpx2."""

OTHER = "httpx2"
SHAPE = ("build_request", "send", "is_closed")
"""What an object that stands for a client of httpx must have, beside `close` or `aclose`."""


def is_of_other(value: object, *names: str) -> bool:
    """Tell whether an object is an instance of one of these classes of httpx2."""
    other = sys.modules.get(OTHER)
    return any(isinstance(value, getattr(other, name, ())) for name in names)


def own_url(url: Any) -> Any:
    """Turn a URL of httpx2 into one of httpx; anything else stays as it is."""
    return httpx.URL(str(url)) if is_of_other(url, "URL") else url


def own_timeout(timeout: Any) -> Any:
    """Turn a timeout of httpx2 into one of httpx; anything else stays as it is."""
    return httpx.Timeout(**timeout.as_dict()) if is_of_other(timeout, "Timeout") else timeout


def is_client(client: Any, *, blocking: bool) -> bool:
    """Tell whether an object can send requests in a colour: a client of either library, or one of the same shape."""
    wanted, other = ("Client", "AsyncClient") if blocking else ("AsyncClient", "Client")
    if isinstance(client, getattr(httpx, wanted)) or is_of_other(client, wanted):
        return True
    if isinstance(client, getattr(httpx, other)) or is_of_other(client, other):
        return False
    shaped = all(hasattr(client, name) for name in (*SHAPE, "close" if blocking else "aclose"))
    return (
        shaped
        and inspect.iscoroutinefunction(client.send) is not blocking
        and not (blocking and hasattr(client, "aclose"))
    )


def library_of(*objects: object) -> Library:
    """Give httpx2 if one of these objects was made by it, or by a class below one of its own; httpx otherwise."""
    bases = {base for each in objects for base in inspect.getmro(each.__class__)}
    made_by_other = any(base.__module__.partition(".")[0] == OTHER for base in bases)
    return sys.modules.get(OTHER, httpx) if made_by_other else httpx


def library_of_options(options: Mapping[str, Any]) -> Library:
    """Give the library whose client takes these options: a transport of httpx2 needs a client of httpx2."""
    return library_of(*options.values(), *(options.get("mounts") or {}).values())


def converted(request: Mapping[str, Any], library: Library) -> Mapping[str, Any]:
    """Give the arguments of a request in the classes of a library."""
    if library is httpx:
        return request
    made = {name: value for name, value in request.items() if name not in CONVERTED}
    return made | {name: convert(request[name], library) for name, convert in CONVERTED.items() if name in request}


CONVERTED: Mapping[str, Any] = {
    "url": lambda url, library: library.URL(str(url)),
    "headers": lambda headers, library: library.Headers(headers.raw),  # which hides the token, as httpx's do
    "params": lambda params, _: params.multi_items(),
    "timeout": lambda timeout, library: library.Timeout(**httpx.Timeout(timeout).as_dict()),
}
"""What arguments become that are objects of httpx."""


def stream_of(kind: type[Any], library: Library) -> type[Any]:
    """Give a class of streams as one that a library accepts."""
    made: Any = _stream_of
    return kind if library is httpx else made(kind, library)


@functools.cache
def _stream_of(kind: type[Any], library: Library) -> type[Any]:
    return type(kind.__name__, (kind, library.SyncByteStream, library.AsyncByteStream), {})


def as_own_errors(library: Library) -> AbstractContextManager[object]:
    """Give a block in which the errors of a library become those of httpx."""
    return nullcontext() if library is httpx else AsOwnErrors(library)


class AsOwnErrors:
    """A block that raises httpx's errors in the place of httpx2's."""

    def __init__(self, library: Library) -> None:
        self._kinds = library.RequestError, library.InvalidURL

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, self._kinds):
            raise_own(error)


def raise_own(error: Exception) -> NoReturn:
    """Raise the error of httpx that has the name of this one, or of the first of its bases that httpx has too."""
    names = [kind.__name__ for kind in type(error).__mro__]
    own = next(getattr(httpx, name) for name in names if hasattr(httpx, name))
    raise own(str(error)) from error
