"""Iterators over outputs that arrive item by item."""

from __future__ import annotations

from types import GenericAlias
from typing import TYPE_CHECKING, Any

from replicate._annotations import resolve_lazily
from replicate._dual.colours import Async, C, Sync, acting_through
from replicate._dual.generators import closing
from replicate._jobs.follow import items
from replicate._jobs.iterators import AwaitedIteration, BlockingIteration, Iteration
from replicate._jobs.wait import Watch, check_success
from replicate._objects.resource import session_of
from replicate._wording import safe_repr

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from replicate._http.deadline import Deadline
    from replicate._http.session import Session
    from replicate._jobs.output_files import Files
    from replicate._jobs.ownership import CancelOnExit
    from replicate._jobs.updates import Updates
    from replicate._models.schema import OutputSchema
    from replicate.resources.predictions import Prediction


class OutputIterator(Iteration[C, Any]):
    """Yields the items of a prediction's output as the model makes them. An asynchronous client needs `async for`.

    It is a SyncOutputIterator or an AsyncOutputIterator, depending on the client. Each item is yielded once. Iteration
    raises RunError: ModelError, after the last item, if the model fails. `str(output)` is the text of all items.
    `await output` returns all items, joined if they are pieces of a text. `prediction` is the prediction.

    Leaving it before the end cancels the prediction: closing it, an interrupt, or dropping it half-read. An iterator
    that was never read cancels nothing when it is dropped, but cancels when it is closed or its `with` block is left.
    """

    def __init__(
        self,
        prediction: Prediction[C],
        schema: OutputSchema,
        files: Files[C],
        deadline: Deadline,
        *,
        block: CancelOnExit,
        updates: Updates | None = None,
    ) -> None:
        self._collected: list[Any] = []
        self._schema = schema
        source = collect(Watch(prediction, deadline, updates, block), schema, files, self._collected)
        super().__init__(session_of(prediction), source, prediction, deadline)

    @classmethod
    def _of_colour(cls, *, blocking: bool) -> type[Any]:
        return SyncOutputIterator if blocking else AsyncOutputIterator

    if TYPE_CHECKING:  # for the types; at run time, only AsyncOutputIterator has `__await__`

        @property
        def prediction(self) -> Prediction[C]:
            """The prediction, as last seen."""
            ...

        def __await__(self: OutputIterator[Async]) -> Generator[Any, None, Any]: ...

    async def __as_input__(self, session: Session[Any]) -> Any:
        """Read to the end, and return the output from the beginning. Raises RunError if it is incomplete."""
        await self._rest(session)
        return self._whole()

    def __reduce__(self) -> Any:
        """Pickle the items, if all have arrived."""
        if not self._complete:
            return super().__reduce__()
        return ended, (self._session, self.prediction, self._schema, self._collected)

    def _whole(self) -> Any:
        return self._text() if self._schema.concatenate else self._collected

    def _text(self) -> str:
        return "".join(map(str, self._collected))

    def _so_far(self) -> list[Any]:
        return [self._text()] if self._schema.concatenate else self._collected

    @safe_repr
    def __repr__(self) -> str:
        return f"<OutputIterator of prediction {self.prediction.id}, {len(self._collected)} items so far>"


class SyncOutputIterator(BlockingIteration[Any], OutputIterator[Sync]):
    """An OutputIterator of a blocking client."""

    def __str__(self) -> str:
        """Read to the end, and return the text of all items."""
        if "_collected" not in vars(self):
            return repr(self)  # its constructor raised
        for _ in self:
            pass
        return self._text()

    @classmethod
    def __class_getitem__(cls, items: Any) -> Any:
        """Accept the class of the items, as version 2 did: `SyncOutputIterator[str]`."""
        return GenericAlias(cls, items)

    if not TYPE_CHECKING:  # type checkers must report indexing

        def __getitem__(self, index: object) -> Any:
            """Raise TypeError, which says what to write instead. In version 1, the output was a list."""
            raise TypeError(f"this output comes item by item, and is no list: take list(output)[{index!r}]")


class AsyncOutputIterator(AwaitedIteration[Any], OutputIterator[Async]):
    """An OutputIterator of an asynchronous client. It has no `__getitem__`, which would make `for` accept it."""

    @classmethod
    def __class_getitem__(cls, items: Any) -> Any:
        """Accept the class of the items, as version 2 did: `AsyncOutputIterator[str]`."""
        return GenericAlias(cls, items)

    def __await__(self) -> Generator[Any, None, Any]:
        return self._all().__await__()

    async def _all(self) -> Any:
        async for _ in self:
            pass
        return self._whole()

    def __str__(self) -> str:
        """Return the text of all items if all have arrived, else the repr."""
        return self._text() if getattr(self, "_complete", False) else repr(self)


def ended(
    session: Session[C], prediction: Prediction[C], schema: OutputSchema, collected: list[Any]
) -> OutputIterator[C]:
    """Make the iterator that a pickle describes. It has been read to its end."""
    self: Any = object.__new__(SyncOutputIterator if session.blocking else AsyncOutputIterator)
    Iteration.__init__(self, session, nothing(), acting_through(prediction, session))
    self.__dict__.update(_collected=collected, _schema=schema, _begun=True, _complete=True)
    return self  # type: ignore[no-any-return]


async def nothing() -> AsyncGenerator[Any, None]:
    """Yield nothing."""
    return
    yield  # makes it a generator


async def collect(
    watch: Watch, schema: OutputSchema, files: Files[Any], collected: list[Any]
) -> AsyncGenerator[Any, None]:
    """Yield the watched prediction, then the items of its output, each as a list of one. Raises RunError."""
    prediction: Any = watch.run
    with watch.updates:
        async with watch.block:
            yield prediction
            async with closing(items(watch, schema)) as source:
                async for item in source:
                    made = files.item(item)
                    await files.save(prediction)
                    collected.append(made)
                    yield [made]
            check_success(prediction, watch.deadline)
            files.check(prediction, collected)


resolve_lazily(SyncOutputIterator)
resolve_lazily(AsyncOutputIterator)
