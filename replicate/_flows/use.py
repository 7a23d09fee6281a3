"""Models as functions: `replicate.use("owner/model")(prompt="…")`."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from replicate._annotations import resolve_lazily
from replicate._dual.colours import Async, C, Sync, acting_through
from replicate._dual.drive import drive
from replicate._dual.methods import dual
from replicate._flows.call import Call
from replicate._flows.output_iterator import OutputIterator
from replicate._flows.run import await_result, wait_option
from replicate._http.deadline import Deadline
from replicate._http.settings import folder
from replicate._jobs.fetch import refresh
from replicate._jobs.options import SaveOptions, WatchOptions, check_flags
from replicate._jobs.output_files import Files, make_folder, save_folder
from replicate._jobs.outputs import raw_output
from replicate._jobs.ownership import CancelOnExit
from replicate._jobs.updates import Updates, check_watching
from replicate._json import is_array, is_mapping
from replicate._models import look_up
from replicate._models.descriptions import remembered
from replicate._models.reference import Reference
from replicate._wording import safe_repr

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from replicate._http.session import Session
    from replicate._models.descriptions import Description
    from replicate._objects.html import Bundle
    from replicate.resources.predictions import Prediction

P = ParamSpec("P")
T = TypeVar("T")

ARRIVING = ("cancel_after",)
"""The settings of a call that matter after its start, and so are pickled with a Run."""


class UseOptions(WatchOptions, SaveOptions, total=False):
    """Options of `use` that apply to each call."""

    timeout: float | None
    """Maximum seconds for each call."""
    cancel_on_exit: bool
    """Cancel the prediction if a call is left early. True by default."""
    validate: bool
    """Refuse inputs that the model does not have, before anything is sent. True by default."""


class Invocation(Generic[C]):
    """How a model is called: its reference, the session, and the options of each call."""

    def __init__(
        self,
        session: Session[Any],
        ref: Any,
        *,
        streaming: bool,
        timeout: float | None,
        cancel_on_exit: bool,
        validate: bool,
        colour: type[C],
        on_update: Callable[[Prediction[C]], object] | None = None,
        progress: bool = False,
        save_to: str | os.PathLike[str] | None = None,
    ) -> None:
        self._origin, self._colour = session, colour
        session = self.session
        Deadline(session, timeout)  # raises for an invalid timeout
        flags = {"streaming": streaming, "cancel_on_exit": cancel_on_exit, "validate": validate}
        check_flags(flags, *flags)
        check_watching(on_update, progress, blocking=session.blocking)
        self.reference: Reference = Reference.of(ref)
        self.streaming: bool = streaming
        self.timeout: float | None = timeout
        self.cancel_on_exit: bool = cancel_on_exit
        self.validate: bool = validate
        self._known: Description | None = None
        """The description of the model, if the client's memory does not hold it."""
        self._watched, self._save_to = (on_update, progress), folder(save_to, "save_to")

    def __getstate__(self) -> Mapping[str, Any]:
        return {**vars(self), "_known": None}

    @property
    def session(self) -> Session[C]:
        """The session of the client that made it, in its colour and with the current settings."""
        return self._origin.of_colour(self._colour)

    def updates(self) -> Updates:
        """Return the updates of one call."""
        return Updates(self.session, *self._watched)

    async def prepare(self, inputs: Mapping[str, Any]) -> Call[C]:
        """Check the inputs of a call.

        A single mapping named `input` holds all inputs, as in version 2, unless the model has an input of that name.
        """
        in_one = [*inputs] == ["input"] and is_mapping(inputs["input"])
        settings = {"stream": True} if self.streaming else {}
        told, updates = self.timeout, self.updates()
        cancel, given = self.cancel_on_exit, inputs["input"] if in_one else inputs
        call = Call(self.session, self.reference, given, settings, told, cancel_on_exit=cancel, updates=updates)
        make_folder(save_folder(self.session, self._save_to))
        call.description = self._known
        await call.describe()
        if in_one and call.description is not None and "input" in call.description.inputs:
            call = call.with_inputs(inputs)
        if self.validate:
            await call.check()
        known = call.description
        kept = known is not None and (known.remembered or remembered(self.session, self.reference) is not None)
        self._known = None if kept else known
        return call

    async def call(self, inputs: Mapping[str, Any]) -> Any:
        """Run the model and return its output."""
        call = await self.prepare(inputs)
        if self.streaming:
            async with call.block:
                return self.iterate(call, await call.start())
        with call.updates:
            async with call.block:
                prediction = await call.start(wait=wait_option(call))
                return await self.shape(call, await await_result(call, prediction))

    async def begin(self, inputs: Mapping[str, Any]) -> Run[C]:
        """Start the model."""
        call = await self.prepare(inputs)
        with call.updates:
            async with call.block:
                return Run(self, await call.start(), call)

    def iterate(self, call: Call[C], prediction: Prediction[C]) -> OutputIterator[C]:
        """Return an iterator over the output. It now owns the prediction."""
        return call.iterate(prediction, self._files(call))

    async def shape(self, call: Call[C], prediction: Prediction[C]) -> Any:
        """Return the whole output in the form for the caller: a text, or files and values."""
        output = raw_output(prediction)
        if call.output.concatenate and (output is None or isinstance(output, str)):
            return output or ""
        if call.output.concatenate and is_array(output):
            return "".join(str(piece) for piece in output if piece is not None)
        return await self._files(call).of(prediction)

    def _files(self, call: Call[C]) -> Files[C]:
        return Files(self.session, save_folder(self.session, self._save_to), schema=call.output)


class Run(Generic[C]):
    """A call that was started without waiting for its output.

    It can be pickled and continued in another process. The prediction still belongs to the process that started it: an
    unpickled Run never cancels it, even if its `output()` is left early.
    """

    def __init__(self, invocation: Invocation[C], prediction: Prediction[C], call: Call[C]) -> None:
        self._invocation, self._session = invocation, invocation.session
        self._call, self._deadline, self._updates = call, call.deadline, call.updates
        self.prediction = prediction

    @dual
    async def output(self) -> Any:
        """Wait for the output, and return it as a call of the model would. Raises RunError.

        The timeout runs from the start of the prediction.
        """
        return await self._output(self._deadline)

    async def __as_input__(self, session: Session[Any]) -> Any:
        """Wait for the output within the time that a session has left, and read it to its end."""
        if session.blocking is not self._session.blocking:
            raise TypeError("this Run belongs to a client of the other colour: pass on what its output() gives")
        own = self._deadline.remaining() <= session.remaining()
        given = await self._output(self._deadline if own else Deadline.within(session))
        return await given.__as_input__(session) if isinstance(given, OutputIterator) else given

    async def _output(self, deadline: Deadline) -> Any:
        invocation, prediction = self._invocation, self.prediction
        call = copy.copy(self._call)
        call.deadline = deadline
        call.block = CancelOnExit(prediction, cancel=invocation.cancel_on_exit, updates=call.updates)
        if invocation.streaming:
            return invocation.iterate(call, prediction)
        with call.updates:
            async with call.block:
                return await invocation.shape(call, await await_result(call, prediction))

    @dual
    async def logs(self) -> str | None:
        """Return the logs of the model so far. Raises RunError."""
        async with CancelOnExit(self.prediction, cancel=False):
            return (await refresh(self.prediction)).logs

    def __reduce__(self) -> tuple[Any, ...]:
        call, deadline = self._call, self._deadline
        known = call.description, {name: call.settings[name] for name in ARRIVING if name in call.settings}
        return arrived, (self._invocation, self.prediction, known, (deadline.seconds, deadline.began))

    def __copy__(self) -> Run[C]:
        other: Run[C] = object.__new__(type(self))
        vars(other).update(vars(self))
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Run[C]:
        other = copy.copy(self)
        other.prediction = copy.deepcopy(self.prediction, memo)
        return other

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:  # noqa: ARG002 - for IPython
        from replicate._jobs.notebook import shown

        return {**shown(self.prediction), "text/plain": repr(self)}

    @safe_repr
    def __repr__(self) -> str:
        return f"<Run of {self._invocation.reference}: {self.prediction.id} {self.prediction.status}>"


def arrived(
    invocation: Invocation[C],
    prediction: Prediction[C],
    known: tuple[Description | None, Mapping[str, Any]],
    begun: tuple[float | None, datetime],
) -> Run[C]:
    """Make the Run that a pickle describes."""
    session, (description, settings) = invocation.session, known
    here = copy.copy(invocation)
    here.cancel_on_exit = False
    call = Call(session, here.reference, None, settings, None, cancel_on_exit=False, updates=here.updates())
    call.description, call.deadline = description, Deadline.begun(session, *begun)
    return Run(here, acting_through(prediction, session), call)


class Named(Generic[C]):
    """Information about the model, for functions of both colours."""

    def __init__(self, invocation: Invocation[C]) -> None:
        self._invocation = invocation

    @property
    def _session(self) -> Session[C]:
        return self._invocation.session

    @dual
    async def openapi_schema(self) -> Mapping[str, Any] | None:
        """Return the model's schema. `components.schemas.Input` describes its inputs, and `Output` its output."""
        session, reference = self._session, self._invocation.reference
        known = await look_up.recall(session, reference)
        if known is None:
            known = await look_up.look_up(session, reference)
        return None if known is None else known.openapi_schema

    def __getstate__(self) -> Mapping[str, Any]:
        return {"_invocation": self._invocation}

    @safe_repr
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._invocation.reference}>"


class Function(Named[Sync], Generic[P, T]):
    """A model as a function: call it with the model's inputs as keywords."""

    def __call__(self, /, *args: P.args, **inputs: P.kwargs) -> T:
        """Run the model and return its output. Raises the errors of `run`."""
        return cast("T", drive(self._invocation.call(keywords(args, inputs))))

    def create(self, /, *args: P.args, **inputs: P.kwargs) -> Run[Sync]:
        """Start the model, and return a Run to get its output later. Raises the errors of `predictions.create`."""
        return drive(self._invocation.begin(keywords(args, inputs)))


class AsyncFunction(Named[Async], Generic[P, T]):
    """A model as an asynchronous function: call it with the model's inputs as keywords."""

    async def __call__(self, /, *args: P.args, **inputs: P.kwargs) -> T:
        """Run the model and return its output. Raises the errors of `run`."""
        return cast("T", await self._invocation.call(keywords(args, inputs)))

    async def create(self, /, *args: P.args, **inputs: P.kwargs) -> Run[Async]:
        """Start the model, and return a Run to get its output later. Raises the errors of `predictions.create`."""
        return await self._invocation.begin(keywords(args, inputs))


def keywords(args: tuple[Any, ...], inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the inputs. Raises TypeError for positional ones."""
    if args:
        raise TypeError(f"inputs are passed by name, as in model(prompt=...); got {len(args)} without")
    return inputs


resolve_lazily(Run)
resolve_lazily(Named)
resolve_lazily(Function)
resolve_lazily(AsyncFunction)
