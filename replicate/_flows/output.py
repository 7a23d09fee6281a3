"""The result of a model that gives it item by item."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Generic

from replicate._core.dual import Async, C, Sync, drive, drive_iter, dual
from replicate._core.resource import session_of
from replicate.resources.following import items
from replicate.resources.waiting import check_success, halt

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator

    from replicate._core.polling import Deadline
    from replicate._data.schema import OutputSchema
    from replicate.resources.predictions import Prediction


class OutputIterator(Generic[C]):
    """The items of a prediction's output as the model makes them: for `for`, or `async for` of an asynchronous client.

    Each comes once. When the model fails, iteration raises ModelError after the last one. `str(output)` is the text of
    all items; `await output` gives them all, joined if they are pieces of a text. `prediction` is the prediction.
    """

    def __init__(
        self, prediction: Prediction[C], schema: OutputSchema, make: Callable[[str], Any], deadline: Deadline
    ) -> None:
        self.prediction: Prediction[C] = prediction
        self._schema = schema
        self._session = session_of(prediction)
        self._collected: list[Any] = []
        self._complete = False
        self._source = self._items(make, deadline)
        self._blocking = drive_iter(self._source) if self._session.blocking else None

    async def _items(self, make: Callable[[str], Any], deadline: Deadline) -> AsyncGenerator[Any, None]:
        async with aclosing(items(self.prediction, self._schema, deadline)) as source:
            async for item in source:
                made = self._schema.file(item, make, self._session.is_api)
                self._collected.append(made)
                yield made
        self._complete = True
        check_success(self.prediction)

    def __iter__(self: OutputIterator[Sync]) -> Iterator[Any]:
        return self

    def __next__(self: OutputIterator[Sync]) -> Any:
        if self._blocking is None:
            raise TypeError("this output belongs to an asynchronous client: iterate it with `async for`")
        return next(self._blocking)

    def __aiter__(self: OutputIterator[Async]) -> AsyncIterator[Any]:
        return self

    async def __anext__(self: OutputIterator[Async]) -> Any:
        return await self._source.__anext__()

    def __await__(self: OutputIterator[Async]) -> Generator[Any, None, Any]:
        return self._all().__await__()

    async def _all(self) -> Any:
        async for _ in self._source:
            pass
        return "".join(map(str, self._collected)) if self._schema.concatenate else self._collected

    def __str__(self) -> str:
        """Give the text of all items; an asynchronous client's is a text when it has finished."""
        if self._blocking is not None:
            drive(self._all())
        elif not self._complete:
            return repr(self)
        return "".join(map(str, self._collected))

    def __repr__(self) -> str:
        return f"<OutputIterator of prediction {self.prediction.id}, {len(self._collected)} items so far>"

    @dual
    async def cancel(self) -> None:
        """Stop the prediction."""
        await halt(self.prediction)

    def __enter__(self: OutputIterator[Sync]) -> OutputIterator[Sync]:
        return self

    def __exit__(self, *_: object) -> None:
        if self._blocking is not None:
            self._blocking.close()

    async def __aenter__(self: OutputIterator[Async]) -> OutputIterator[Async]:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._source.aclose()
