"""Streams of events: what `client.stream` and `prediction.stream` give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._dual.colours import Async, C, Sync
from replicate._http.sse import ServerSentEvent
from replicate._jobs.iterators import AwaitedIteration, BlockingIteration, Iteration
from replicate._json import elements
from replicate._models.schema import is_url

if TYPE_CHECKING:
    from collections.abc import Generator

    from replicate._http.session import Session


class EventStream(Iteration[C, ServerSentEvent]):
    """The events of a prediction as they happen: for `for`, or `async for` of an asynchronous client.

    It is a SyncEventStream or an AsyncEventStream, by its client.
    One that starts a prediction starts it at the first event, or on entering `with`, or when it is awaited; from then
    on there is `prediction`. It cancels the prediction when it is left before the end: closed, dropped, interrupted.
    `with` sees to that at once and for certain. Iteration raises RunError: after `done`, StreamError if the prediction
    fails.
    """

    @classmethod
    def _of_colour(cls, *, blocking: bool) -> type[Any]:
        return SyncEventStream if blocking else AsyncEventStream

    if TYPE_CHECKING:  # at run time, AsyncEventStream has it

        def __await__(self: EventStream[Async]) -> Generator[Any, Any, EventStream[Async]]: ...

    async def __as_input__(self, session: Session[Any]) -> Any:
        """Read to the end, and give the output of the prediction: as one text if it came as pieces of one."""
        await self._rest(session)
        output = await self._own().__as_input__(session)
        pieces = elements(output)
        text = pieces and all(isinstance(piece, str) and not is_url(piece) for piece in pieces)
        return "".join(pieces) if text else output

    def __repr__(self) -> str:
        of = "not started" if self._prediction is None else f"of prediction {self._prediction.id}"
        return f"<EventStream {of}>"


class SyncEventStream(BlockingIteration[ServerSentEvent], EventStream[Sync]):
    """An EventStream of a blocking client."""


class AsyncEventStream(AwaitedIteration[ServerSentEvent], EventStream[Async]):
    """An EventStream of an asynchronous client."""

    def __await__(self) -> Generator[Any, Any, EventStream[Async]]:
        """Start the prediction, and give the stream itself."""
        yield from self._home_step(self._begin).__await__()
        return self
