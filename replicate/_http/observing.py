"""A method that is stopped when its answer has begun, and goes on when what it gives is asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from replicate.exceptions import APIConnectionError


class Started(Protocol):
    """What a request starts, which costs money."""

    def going_out(self, headers: httpx.Headers, moment: float) -> None:
        """Note that the request, with these headers, is about to go out. From now on it may have arrived."""
        ...

    def ended(self, *, arrived: bool) -> None:
        """Note whether the request may have arrived, now that it was answered or has failed."""
        ...

    def accepted(self) -> None:
        """Note that the API has answered with success, before the content is read."""
        ...

    def broken(self, error: APIConnectionError) -> Exception:
        """Make the error for an answer that broke off, and whose content somebody has read by hand."""
        ...


class ResponseCapture:
    """What a session tells of the request that a method is for, to whoever wants the whole answer.

    One that is `streaming` stops the method once, before the content of the first answer is read.
    """

    def __init__(self, *, streaming: bool) -> None:
        self.streaming: bool = streaming
        """Whether the method is yet to be stopped."""
        self.paused: bool = False
        """Whether it was stopped."""
        self.last: httpx.Response | None = None
        self.keeps: bool = True
        """Whether content that is iterated to its end is kept, for the method to go on with: no file may be that."""
        self.started: Started | None = None
        self.failure: APIConnectionError | None = None
        """Why the content cannot be read any more."""
        self._over = False

    def note(self, response: httpx.Response) -> None:
        """Keep an answer, until the method has ended: what it gives may send requests, too."""
        if not self._over:
            self.last = response

    def take(self) -> httpx.Response | None:
        """Give the last answer, and keep no others."""
        self.streaming, self._over = False, True
        last, self.last = self.last, None
        return last

    async def pause(self, response: httpx.Response, started: Started | None = None) -> None:
        """Stop the method that awaits this until what it gives is asked for. Raises what reading has failed with."""
        self.note(response)
        self.streaming, self.paused, self.started = False, True, started
        if started is not None:
            started.accepted()
        await Pause()
        if self.failure is not None:
            raise self.failure

    def broken(self, error: APIConnectionError) -> Exception:
        """Note that the content broke off, and give the error for it."""
        self.failure = error
        return error if self.started is None else self.started.broken(error)


class Pause:
    """Awaited by a coroutine that Steps runs, this stops it."""

    def __await__(self) -> Generator[Any, Any, None]:
        yield self


class Steps:
    """A coroutine that is awaited until it pauses, and again to its end.

    Whatever else it awaits is awaited by who awaits this: an event loop, or nobody in a blocking session.
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
            except BaseException as error:  # noqa: BLE001 - it is for the coroutine
                step = partial(self._coroutine.throw, error)

    async def finish(self) -> Any:
        """Await the rest, once, and give the result. Raises what the coroutine has raised."""
        if not self.done:
            await self
        elif self._error is not None:
            raise self._error
        return self._result

    def close(self) -> None:
        """Give up the rest, if it has not been awaited."""
        if not self.done:
            self.done, self._error = True, httpx.StreamClosed()
            self._coroutine.close()
