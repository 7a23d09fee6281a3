"""Pauses a method when its response has begun, and resumes it when its result is requested."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from replicate.exceptions import APIConnectionError


class Started(Protocol):
    """A run that a request starts, and that costs money."""

    def going_out(self, headers: httpx.Headers, moment: float) -> None:
        """Note that the request, with these headers, is about to be sent. From now on it may have arrived."""
        ...

    def ended(self, *, arrived: bool) -> None:
        """Note whether the request may have arrived, after its response or its failure."""
        ...

    def accepted(self) -> None:
        """Note a success response of the API, before its content is read."""
        ...

    def broken(self, error: APIConnectionError) -> Exception:
        """Return the error for a response that broke off while the caller was reading its content."""
        ...


class ResponseCapture:
    """Captures the response to a method's main request, for a caller who wants the whole response.

    If `streaming`, it pauses the method once, before the content of the first response is read.
    """

    def __init__(self, *, streaming: bool) -> None:
        self.streaming: bool = streaming
        """Whether the method has yet to be paused."""
        self.paused: bool = False
        """Whether the method was paused."""
        self.last: httpx.Response | None = None
        self.keeps: bool = True
        """Whether content that the caller iterates to its end is kept for the method. Files are never kept."""
        self.started: Started | None = None
        self.failure: APIConnectionError | None = None
        """Why the content can no longer be read."""
        self._over = False

    def note(self, response: httpx.Response) -> None:
        """Keep a response, unless the method has ended: its result may send requests, too."""
        if not self._over:
            self.last = response

    def take(self) -> httpx.Response | None:
        """Return the last response, and keep no later ones."""
        self.streaming, self._over = False, True
        last, self.last = self.last, None
        return last

    async def pause(self, response: httpx.Response, started: Started | None = None) -> None:
        """Pause the calling method until its result is requested. Raises the error that broke off the content."""
        self.note(response)
        self.streaming, self.paused, self.started = False, True, started
        if started is not None:
            started.accepted()
        await Pause()
        if self.failure is not None:
            raise self.failure

    def broken(self, error: APIConnectionError) -> Exception:
        """Note that the content broke off, and return the error for that."""
        self.failure = error
        return error if self.started is None else self.started.broken(error)


class Pause:
    """An awaitable that pauses a coroutine run by Steps."""

    def __await__(self) -> Generator[Any, Any, None]:
        yield self


class Steps:
    """A coroutine that is awaited until it pauses, and later to its end.

    Everything else that it awaits is passed on to the event loop. In a blocking session, it awaits nothing else.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine
        self.done: bool = False
        self._result: Any = None
        self._error: Exception | None = None

    def __await__(self) -> Generator[Any, Any, None]:
        step: Callable[[], Any] = partial(self._coroutine.send, None)
        while True:
            try:
                wanted = step()
            except StopIteration as finished:
                self.done, self._result = True, finished.value
                return
            except Exception as error:
                self.done, self._error = True, error
                raise
            if isinstance(wanted, Pause):
                return
            try:
                step = partial(self._coroutine.send, (yield wanted))
            except BaseException as error:  # noqa: BLE001 - passed on to the coroutine
                step = partial(self._coroutine.throw, error)

    async def finish(self) -> Any:
        """Await the rest, once, and return the result. Raises the coroutine's error."""
        if not self.done:
            await self
        elif self._error is not None:
            raise self._error
        return self._result

    def close(self) -> None:
        """Abandon the rest, if it has not been awaited."""
        if not self.done:
            self.done, self._error = True, httpx.StreamClosed()
            self._coroutine.close()
