"""Iterators over the results of a prediction, in the colour of its client."""

from __future__ import annotations

from types import AsyncGeneratorType, GeneratorType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from replicate._annotations import resolve_lazily
from replicate._dual.async_names import rebind_all, rebind_error
from replicate._dual.colours import Async, C, Sync, T
from replicate._dual.counterparts import Counterpart
from replicate._dual.drive import drive
from replicate._dual.generators import closing, drive_iter, tracked
from replicate._dual.methods import dual
from replicate._http.connections.interface import TIE
from replicate._http.connections.pool import with_timeout
from replicate._http.session import Session
from replicate._jobs.fetch import cancel_job
from replicate._jobs.ownership import CancelOnExit, open_blocks
from replicate._objects.resource import session_of
from replicate.exceptions import PredictionTimeout, ReplicateError, ReplicateException, RunError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
    from typing import Self

    from replicate._dual.colours import Coloured
    from replicate._http.deadline import Deadline
    from replicate._jobs.any_job import AnyJob
    from replicate._objects.html import Bundle

Given = TypeVar("Given")
Blocking = TypeVar("Blocking", bound="Iteration[Sync, Any]")
Awaited = TypeVar("Awaited", bound="Iteration[Async, Any]")


class Iteration(Generic[C, T]):
    """An iterator over the results of a prediction, which can be closed at any time.

    Each object is an instance of a subclass with the methods of one colour, by which frameworks choose how to iterate
    it. For type checkers, this class has the methods of the colour in its annotation.

    It reads an asynchronous generator, its source, which yields a prediction and then the items, in batches of those
    that arrive together. From the moment it yields the prediction, the source owns it. Entering `with` runs the source
    to that point, and leaving `with` closes it. The source must not refer to its iterator, so that the iterator is
    finalized as soon as it is dropped.

    After a failure or an early close, reading raises the same error again: the items so far are not all.
    """

    @classmethod
    def _of_colour(cls, *, blocking: bool) -> type[Any]:
        """Return the subclass for a colour."""
        raise NotImplementedError

    if not TYPE_CHECKING:  # type checkers go by `__init__`

        def __new__(cls, owner: Session[C] | Coloured[C], *_args: Any, **_options: Any) -> Self:
            """Create an object of the subclass for the colour of the owner."""
            session = owner if isinstance(owner, Session) else session_of(owner)
            kind = cls._of_colour(blocking=session.blocking)
            return object.__new__(cls if issubclass(cls, kind) else kind)

    _home: Session[Any] | None = None
    """The session of the blocking client that made this through an `async_` method. The items are bound to it."""

    _counterpart: Counterpart | None = None

    def __init__(
        self,
        session: Session[C],
        source: AsyncGenerator[Any, None],
        prediction: AnyJob | None = None,
        deadline: Deadline | None = None,
    ) -> None:
        self._session, self._source = session, closing(source)
        self._items = tracked(session, self._source)
        self._blocking = drive_iter(self._items) if session.blocking else None
        self._prediction, self._deadline = prediction, deadline
        self._ready: Iterator[T] = iter(())
        self._begun = self._reading = self._complete = False
        self._tried = prediction is not None
        """Whether the prediction can have been started."""
        self._failure: Exception | None = None

    def _rebind(self, session: Session[Any]) -> None:
        self._home = session if session.blocking else None

    @property
    def prediction(self) -> Any:
        """The prediction, as last seen. Raises ReplicateError before it has been started."""
        own = self._own()
        if self._home is None:
            return own
        if self._counterpart is None or self._counterpart.source is not own:
            self._counterpart = Counterpart(own, self._home)
        return self._counterpart.show()

    def _own(self) -> Any:
        """Return the prediction that this acts on, bound to a session of its own colour."""
        if self._prediction is None and self._tried:
            raise self._failure or self._left()
        if self._prediction is None:
            raise ReplicateError(
                "The prediction has not been started.", hint="It is at the first event, or on entering `with`."
            )
        return self._prediction

    def _rebind_error(self, error: ReplicateException) -> None:
        """Make an error carry the prediction shown to the user, as its own may still be in use, and rebind the rest."""
        if self._home is None:
            return
        cause: BaseException | None = error
        while isinstance(cause, ReplicateException):
            if self._prediction is not None and cause.prediction is self._prediction:
                vars(cause).update(prediction=self.prediction)
            cause = cause.__cause__
        rebind_error(error, self._home)

    @property
    def started(self) -> bool:
        """Whether the prediction has been started."""
        return self._prediction is not None

    async def _begin(self) -> None:
        """Start the prediction, unless it has been started."""
        if not self._begun:
            self._prediction, self._begun = await self._step(), True

    async def _step(self) -> Any:
        """Return what the source yields next, or None at its end."""
        if self._reading:
            raise RunError(
                f"This {type(self).__name__} is being read already, by another thread or task.",
                hint="Let one of them read it and pass on what it gets.",
                prediction=self._prediction,
            )
        self._check()
        self._take_back()
        self._reading = self._tried = True
        try:
            given = next(self._blocking, None) if self._blocking else await anext(self._items, None)
        except Exception as error:
            if self._over:  # otherwise, the call was only refused, because another reader is active
                self._failure = error
            raise
        finally:
            self._reading = False
        if given is None:
            self._complete, self._failure = True, None
            return None
        if self._failure is not None:  # closed in the meantime
            if not self._begun:
                self._prediction = given
                self._failure = self._left()
            await self._close()
            raise self._failure
        return given

    def _take_back(self) -> None:
        """Take over what the user has done to the prediction shown, for example if they canceled it."""
        if self._counterpart is not None:
            self._counterpart.take_back()

    async def _more(self) -> bool:
        """Wait for the next items. Return False at their end."""
        if not self._begun:
            await self._begin()
        ready = await self._step()
        self._ready = iter(ready or ())
        return ready is not None

    @property
    def _over(self) -> bool:
        return getattr(self._items, "ag_frame", self) is None

    def _check(self) -> None:
        """Raise the error that this has ended with, unless it is complete."""
        if self._failure is None and self._over and not self._complete:  # an interrupt, cancellation, loop shutdown
            self._failure = self._left()
        if self._failure is not None:
            raise self._failure

    def _left(self) -> ReplicateException:
        if not self._tried:
            return ReplicateError("It was closed before its prediction was started.")
        if self._prediction is None:
            return RunError(
                "It was left while its prediction was being started.",
                hint="See by client.predictions.list() whether that goes on, before you start another.",
            )
        return RunError(
            f"The output of prediction {self._prediction.id} was left before its end.",
            hint="Read it to its end, or pass on what was read.",
            prediction=self._prediction,
        )

    if TYPE_CHECKING:  # at run time, each subclass has the methods of its colour

        def __iter__(self: Iteration[Sync, T]) -> Iterator[T]: ...
        def __next__(self: Iteration[Sync, T]) -> T: ...
        def __enter__(self: Blocking) -> Blocking: ...  # noqa: PYI019 - Self cannot express the colour
        def __exit__(self: Iteration[Sync, T], *_: object) -> None: ...
        def __aiter__(self: Iteration[Async, T]) -> AsyncIterator[T]: ...
        async def __anext__(self: Iteration[Async, T]) -> T: ...
        async def __aenter__(self: Awaited) -> Awaited: ...  # noqa: PYI019
        async def __aexit__(self: Iteration[Async, T], *_: object) -> None: ...
        async def aclose(self: Iteration[Async, T]) -> None:
            """Close this iterator, as `close` does."""

    def __reduce__(self) -> Any:
        raise TypeError(
            f"{type(self).__name__} cannot be pickled or copied: take its prediction, or the prediction's id; or read "
            "it to its end, and take what it gave"
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:  # noqa: ARG002 - IPython's
        from replicate._jobs.notebook import shown_so_far

        return shown_so_far(self, self._prediction, self._so_far())

    def _so_far(self) -> list[Any]:
        """Return the items so far, as a notebook shows them."""
        return []

    @dual
    async def close(self) -> None:
        """Close this iterator, as leaving `with` does. Cancels a running prediction that this iterator has started.

        If another thread or task is reading at the same time, its read soon raises an error.
        """
        await self._close()

    async def _close(self) -> None:
        unread = not (self._begun or self._reading or self._over or self._failure)
        if unread and self._prediction is not None:
            await self._begin()  # the source now owns the prediction
        self._take_back()
        self._ready = iter(())
        if self._failure is None and not self._complete:
            self._failure = self._left()
        if self._reading:  # the reader closes the source as soon as it gets anything
            if (block := open_blocks.of(self._prediction)) and (session := block.session):
                await block.end(session)
            return
        with await self._session.transport.in_use():
            await self._source.aclose()
        if not getattr(self._items, "ag_running", False):  # otherwise, its event loop is closing it
            await self._items.aclose()

    async def _rest(self, session: Session[Any]) -> list[T]:
        """Read to the end, within the time that a session has left. Its colour must be the one of this iterator.

        Raises TypeError for another colour; APITimeoutError if there is not enough time.
        """
        if session.blocking is not self._session.blocking:
            colour, read = ("an asynchronous", "await") if session.blocking else ("a blocking", "read")
            raise TypeError(f"this {type(self).__name__} belongs to {colour} client: {read} it first, and pass that on")
        from replicate._files.sources import unstarted

        if self._deadline is not None:
            self._deadline.shorten(session.remaining())
        try:
            if session.blocking:
                return [*cast("Iteration[Sync, T]", self)]
            collected = self._collected_rest()
            return await with_timeout(collected, session.remaining() + TIE, lambda _: unstarted(repr(self)))
        except PredictionTimeout as error:
            if session.remaining() > 0:
                raise
            raise unstarted(repr(self)) from error

    async def _collected_rest(self) -> list[T]:
        return [item async for item in cast("Iteration[Async, T]", self)]

    @dual
    async def cancel(self) -> None:
        """Cancel the prediction. Raises RunError."""
        prediction = self._own()
        async with CancelOnExit(prediction, cancel=False):
            await cancel_job(prediction)


class BlockingIteration(Iteration[Sync, T]):
    """The methods of a blocking client's iterators. For `isinstance`, it is a generator, as in version 1."""

    if not TYPE_CHECKING:
        __class__ = property(lambda _: GeneratorType)

        def __getattr__(self, name: str) -> Any:
            """Return the generator's state, for `inspect`."""
            if name.startswith("gi_"):
                return getattr(self._blocking, name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def send(self, value: None) -> T:
        """Return the next item. Raises TypeError for any value but None."""
        if value is not None:
            raise TypeError(f"nothing can be sent to a {type(self).__name__}")
        return next(self)

    def throw(self, error: BaseException) -> T:
        """Close this iterator, as `close` does, and raise an error."""
        self.__exit__()
        raise error

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        while True:
            for item in self._ready:
                return item
            if not drive(self._more()):
                raise StopIteration

    def __enter__(self) -> Self:
        drive(self._begin())
        return self

    def __exit__(self, *_: object) -> None:
        drive(self._close())


class AwaitedIteration(Iteration[Async, T]):
    """The methods of an asynchronous client's iterators. For `isinstance`, it is an asynchronous generator."""

    if not TYPE_CHECKING:
        __class__ = property(lambda _: AsyncGeneratorType)

        def __getattr__(self, name: str) -> Any:
            """Return the generator's state, for `inspect`."""
            if name.startswith("ag_"):
                return getattr(self._items, name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        while True:
            for item in self._ready:
                return item if self._home is None else rebind_all(item, self._home)
            if not await self._home_step(self._more):
                raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        await self._home_step(self._begin)
        return self

    async def _home_step(self, step: Callable[[], Coroutine[Any, Any, Given]]) -> Given:
        """Run a step, and rebind its errors for a blocking client that used an `async_` method."""
        try:
            return await step()
        except ReplicateException as error:
            self._rebind_error(error)
            raise

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def aclose(self) -> None:
        """Close this iterator, as `close` does."""
        await self._close()

    async def asend(self, value: None) -> T:
        """Return the next item. Raises TypeError for any value but None."""
        if value is not None:
            raise TypeError(f"nothing can be sent to an {type(self).__name__}")
        return await self.__anext__()

    async def athrow(self, error: BaseException) -> T:
        """Close this iterator, as `close` does, and raise an error."""
        await self._close()
        raise error


resolve_lazily(Iteration)
