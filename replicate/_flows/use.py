"""Models as functions: `replicate.use("owner/model")(prompt="…")`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from replicate._core.dual import Async, C, Sync, drive, dual
from replicate._core.plain import is_mapping
from replicate._core.polling import Deadline
from replicate._core.settings import folder
from replicate._data.reference import Reference
from replicate._flows.output import OutputIterator
from replicate._flows.run import result
from replicate._flows.start import Call, describe
from replicate.resources.outputs import raw
from replicate.resources.saving import Files, SaveOptions, make_ready, saving
from replicate.resources.terms import check_flags
from replicate.resources.waiting import Watch, check_success, look, owned, settle
from replicate.resources.watching import Updates, WatchOptions, check_watching

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from replicate._core.markup import Bundle
    from replicate._core.session import Session
    from replicate._data.schema import OutputSchema
    from replicate.resources.predictions import Prediction

P = ParamSpec("P")
T = TypeVar("T")


class UseOptions(WatchOptions, SaveOptions, total=False):
    """What `use` also takes, for each call."""

    timeout: float | None
    cancel_on_exit: bool


class Invocation(Generic[C]):
    """How a model is called: which, by whom, and what of its output is wanted."""

    def __init__(
        self,
        session: Session[Any],
        ref: Any,
        *,
        streaming: bool,
        timeout: float | None,
        cancel_on_exit: bool,
        colour: type[C],
        on_update: Callable[[Prediction[C]], object] | None = None,
        progress: bool = False,
        save_to: str | os.PathLike[str] | None = None,
    ) -> None:
        self._origin, self._colour = session, colour
        session = self.session
        Deadline(session, timeout)  # raises for a timeout that is none
        check_flags({"streaming": streaming, "cancel_on_exit": cancel_on_exit}, "streaming", "cancel_on_exit")
        check_watching(on_update, progress, blocking=session.blocking)
        self.reference: Reference = Reference.of(ref)
        self.streaming: bool = streaming
        self.timeout: float | None = timeout
        self.cancel_on_exit: bool = cancel_on_exit
        self._watched, self._save_to = (on_update, progress), folder(save_to, "save_to")

    @property
    def session(self) -> Session[C]:
        """The session of the client that it was made of, in its colour, with the settings of now."""
        return self._origin.of_colour(self._colour)

    def prepare(self, inputs: Mapping[str, Any]) -> Call[C]:
        """Check the inputs of a call. They may all be in one, `input`, as in version 2: no model takes a mapping."""
        if [*inputs] == ["input"] and is_mapping(inputs["input"]):
            inputs = inputs["input"]
        settings = {"stream": True} if self.streaming else {}
        told, updates = self.timeout, Updates(self.session, *self._watched)
        cancel = self.cancel_on_exit
        call = Call(self.session, self.reference, inputs, settings, told, cancel_on_exit=cancel, updates=updates)
        make_ready(saving(self.session, self._save_to))
        return call

    async def call(self, inputs: Mapping[str, Any]) -> Any:
        """Run the model and give its output."""
        call = self.prepare(inputs)
        prediction = await (call.start() if self.streaming else result(call))
        async with owned(prediction, cancel=self.cancel_on_exit):
            return await self.shape(prediction, (await call.describe()).output, call.deadline, call.updates)

    async def begin(self, inputs: Mapping[str, Any]) -> Run[C]:
        """Start the model."""
        call = self.prepare(inputs)
        with call.updates:
            return Run(self, await call.start(), call)

    async def shape(self, prediction: Prediction[C], schema: OutputSchema, deadline: Deadline, updates: Updates) -> Any:
        """Give a prediction's output as the caller wants it: an iterator, a text, or files and values."""
        files = Files(self.session, saving(self.session, self._save_to))
        if self.streaming:
            return OutputIterator(prediction, schema, files, deadline, cancel=self.cancel_on_exit, updates=updates)
        if schema.concatenate:
            return "".join(str(piece) for piece in raw(prediction) or () if piece is not None)
        return await files.of(prediction, schema)


class Run(Generic[C]):
    """A call that has been started and not waited for."""

    def __init__(self, invocation: Invocation[C], prediction: Prediction[C], call: Call[C]) -> None:
        self._invocation, self._session = invocation, invocation.session
        self._deadline, self._updates = call.deadline, call.updates
        self.prediction = prediction

    @dual
    async def output(self) -> Any:
        """Wait for the output and give it, as calling the model would have. Raises ModelError, PredictionTimeout.

        The timeout began with the start.
        """
        return await self._output(self._deadline)

    async def __as_input__(self, session: Session[Any]) -> Any:
        """Wait for the output, for as long as a session has, and read it to its end."""
        if session.blocking is not self._session.blocking:
            raise TypeError("this Run belongs to a client of the other colour: pass on what its output() gives")
        own = self._deadline.remaining() <= session.remaining()
        given = await self._output(self._deadline if own else Deadline.within(session))
        return await given.__as_input__(session) if isinstance(given, OutputIterator) else given

    async def _output(self, deadline: Deadline) -> Any:
        updates, streaming = self._updates, self._invocation.streaming
        async with owned(self.prediction, cancel=self._invocation.cancel_on_exit, updates=updates):
            schema = (await describe(deadline.bound(self._session), self._invocation.reference)).output
            if not streaming:
                with updates:
                    if deadline.remaining() <= 0 and not self.prediction.finished:
                        await Watch(self.prediction, deadline, updates).look()  # it may have been in time
                    await settle(self.prediction, deadline, updates)
                check_success(self.prediction, deadline)
            return await self._invocation.shape(self.prediction, schema, deadline, updates)

    @dual
    async def logs(self) -> str | None:
        """Give what the model has printed so far. Raises APIError."""
        return (await look(self.prediction)).logs

    def __reduce__(self) -> str:
        raise TypeError("Run cannot be pickled or copied: take its prediction, or the prediction's id")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:  # noqa: ARG002 - asked so
        from replicate.resources.showing import shown

        return {**shown(self.prediction), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Run of {self._invocation.reference}: {self.prediction.id} {self.prediction.status}>"


class Named(Generic[C]):
    """What functions of both colours tell about their model."""

    def __init__(self, invocation: Invocation[C]) -> None:
        self._invocation = invocation

    @property
    def _session(self) -> Session[C]:
        return self._invocation.session

    @dual
    async def openapi_schema(self) -> Mapping[str, Any] | None:
        """Give the model's schema: what it takes under `components.schemas.Input`, what it gives under `Output`."""
        return (await describe(self._session, self._invocation.reference)).openapi_schema

    def __reduce__(self) -> str:
        raise TypeError(f"{type(self).__name__} cannot be pickled or copied: make another by use(), of the same name")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._invocation.reference}>"


class Function(Named[Sync], Generic[P, T]):
    """A model as a function: call it with the model's inputs as keywords."""

    def __call__(self, *args: P.args, **inputs: P.kwargs) -> T:
        """Run the model and give its output. Raises ModelError if it fails, PredictionTimeout, APIError."""
        return cast("T", drive(self._invocation.call(keywords(args, inputs))))

    def create(self, *args: P.args, **inputs: P.kwargs) -> Run[Sync]:
        """Start the model, and give a Run to ask for its output later."""
        return drive(self._invocation.begin(keywords(args, inputs)))


class AsyncFunction(Named[Async], Generic[P, T]):
    """A model as an asynchronous function: call it with the model's inputs as keywords."""

    async def __call__(self, *args: P.args, **inputs: P.kwargs) -> T:
        """Run the model and give its output. Raises ModelError if it fails, PredictionTimeout, APIError."""
        return cast("T", await self._invocation.call(keywords(args, inputs)))

    async def create(self, *args: P.args, **inputs: P.kwargs) -> Run[Async]:
        """Start the model, and give a Run to ask for its output later."""
        return await self._invocation.begin(keywords(args, inputs))


def keywords(args: tuple[Any, ...], inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Refuse inputs without names."""
    if args:
        raise TypeError(f"inputs are passed by name, as in model(prompt=...); got {len(args)} without")
    return inputs
