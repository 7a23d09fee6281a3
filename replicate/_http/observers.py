"""A client's observers, which are notified of its requests and predictions. Their errors never end a call."""

from __future__ import annotations

from collections import OrderedDict
from copy import copy
from types import CoroutineType
from typing import TYPE_CHECKING, Any

import httpx

from replicate._errors import brief
from replicate._http import log
from replicate._http.error_responses import excerpt, strike, strike_head, without_token
from replicate._http.libraries import library_of
from replicate._http.secrecy.hiding import authorization, state_of
from replicate._json import is_iterable, is_mapping
from replicate._observer import Observer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

METHODS = ("started", "sending", "received", "failed", "finished")
REMEMBERED = 10_000
"""The number of ended predictions that are remembered, so that each end is reported once."""


class Observers:
    """The observers that a client and all its copies share."""

    def __init__(self, each: tuple[object, ...]) -> None:
        self.each: tuple[object, ...] = each
        self._finished = OrderedDict[str, object]()
        self._reported: set[tuple[int, str]] = set()
        self._ignored: type[BaseException] = Exception

    def without_interrupts(self) -> Observers:
        """Return the same observers, for cleaning up: an interrupt that one of them raises is ignored, too."""
        other = copy(self)
        other._ignored = BaseException  # noqa: SLF001 - of this class
        return other

    def wants(self, method: str) -> bool:
        """Return whether any observer implements a method."""
        inherited = getattr(Observer, method)
        return any(getattr(type(each), method, None) is not inherited and hasattr(each, method) for each in self.each)

    def started(self, run: Any) -> None:
        """Report that a run was started."""
        self._finished.pop(run.id, None)
        self._tell("started", lambda: (run,))

    def finished(self, run: Any) -> None:
        """Report that a run has ended, once."""
        mark = object()
        if self._finished.setdefault(run.id, mark) is not mark:
            return
        if len(self._finished) > REMEMBERED:
            self._finished.popitem(last=False)
        self._tell("finished", lambda: (run,))

    def sending(self, arguments: Mapping[str, Any], attempt: int) -> httpx.Request | None:
        """Report a request, given as httpx's arguments. Return the request that was shown, or None."""
        shown: list[httpx.Request] = []

        def values() -> tuple[httpx.Request, int]:
            shown.append(shown_request(arguments))
            return shown[0], attempt

        self._tell("sending", values)
        return shown[0] if shown else None

    def received(self, response: httpx.Response, request: httpx.Request | None, seconds: float) -> None:
        """Report the response to a request that was shown."""
        self._tell("received", lambda: (shown_response(response, request), seconds))

    def failed(self, error: Exception, retry_in: float | None) -> None:
        """Report an error."""
        self._tell("failed", lambda: (error, retry_in))

    def _tell(self, method: str, values: Callable[[], tuple[Any, ...]]) -> None:
        """Call a method of each observer. Its errors are logged, once per observer and method."""
        told: tuple[Any, ...] | None = None
        for each in self.each:
            try:
                call = getattr(each, method, None)
                if call is not None:
                    told = values() if told is None else told
                    refuse_coroutine(call(*told))
            except self._ignored as error:
                self._report(each, method, error)

    def _report(self, observer: object, method: str, error: BaseException) -> None:
        if (id(observer), method) in self._reported:
            return
        self._reported.add((id(observer), method))
        name = f"{type(observer).__name__}.{method}"
        log.warning("the observer %s raised %s, which is ignored, and not logged again", name, Shown(error))


class Shown:
    """An error as one line of the log. It is made into text late, so that the log handles errors in that."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __str__(self) -> str:
        return excerpt(f"{type(self._error).__name__}: {brief(self._error)}")


def refuse_coroutine(value: object) -> None:
    """Raise TypeError if an observer's method has returned a coroutine."""
    if isinstance(value, CoroutineType):
        value.close()
        raise TypeError("an observer's methods are plain functions, and not awaited")


def observers(given: Any) -> Observers | None:
    """Check the observers passed to a client, and return them; None if there are none. Raises TypeError."""
    if given is None:
        return None
    if isinstance(given, (str, bytes)) or is_mapping(given) or not is_iterable(given):
        raise TypeError(f"observers must be a list of objects, not {type(given).__name__}")
    each: tuple[object, ...] = (*given,)
    for one in each:
        if not any(hasattr(one, method) for method in METHODS):
            raise TypeError(f"an observer needs one of the methods {', '.join(METHODS)}; {type(one).__name__} has none")
    return Observers(each) if each else None


def shown_request(arguments: Mapping[str, Any]) -> httpx.Request:
    """Return a request to show. The token is masked, wherever it is. It has its body, unless that holds files."""
    secret = authorization(arguments["headers"])
    url = httpx.URL(without_token(str(arguments["url"]), secret))
    headers = [
        (name, without_token(value.decode("latin-1"), secret).encode("latin-1"))
        for name, value in arguments["headers"].raw
        if name.lower() != b"host"
    ]
    host = (b"Host", url.netloc)  # otherwise httpx decodes the host, which may be invalid
    content = arguments.get("content")
    if isinstance(content, bytes):
        content = without_token(content.decode("latin-1"), secret).encode("latin-1")
    return httpx.Request(arguments["method"], url, headers=[host, *headers], content=content)


def shown_response(response: httpx.Response, request: httpx.Request | None) -> httpx.Response:
    """Return a copy of a response to show, which cannot affect the call. An echo of the token is masked.

    A streamed response is shown without its content.
    """
    shown: Any = object.__new__(type(response))
    state = state_of(shown)
    state.update(state_of(response))
    state.update(headers=response.headers.copy(), extensions={**response.extensions})
    (strike if "_content" in state else strike_head)(shown)
    state.update(stream=library_of(response).ByteStream(b""), is_stream_consumed=True, is_closed=True)
    if request is not None:
        state["_request"] = request
    made: httpx.Response = shown
    return made
