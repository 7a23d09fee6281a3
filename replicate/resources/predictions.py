"""Predictions: runs of a model, and their events. Creating, reading, waiting for and canceling them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from replicate._dual.colours import Async, C, Sync, acting_through
from replicate._dual.generators import closing
from replicate._dual.methods import also_async, dual, dual_iter
from replicate._http.deadline import Deadline
from replicate._http.options import ListOptions, check_parameters
from replicate._http.sse import ServerSentEvent
from replicate._inputs.aliases import PREDICTION, PredictionName, PredictionWords, owner_and_name, pop_id, version_text
from replicate._jobs.any_job import Endpoints
from replicate._jobs.iterators import AwaitedIteration, BlockingIteration, Iteration
from replicate._jobs.job import Job
from replicate._jobs.options import PredictionOptions
from replicate._jobs.outputs import raw_output, with_files
from replicate._jobs.ownership import CancelOnExit
from replicate._jobs.updates import Updates
from replicate._jobs.wait import Watch, check_success, wait_until_done
from replicate._json import elements
from replicate._models.reference import Reference
from replicate._objects.page import Cursor, Page, dual_page, fetch
from replicate._objects.resource import Namespace, Resource, session_of
from replicate_api import models
from replicate_api.api.deployments import deployments_predictions_create
from replicate_api.api.models import models_predictions_create
from replicate_api.api.predictions import predictions_cancel, predictions_create, predictions_get, predictions_list
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping
    from datetime import datetime

    from typing_extensions import Unpack

    from replicate._http.session import Session
    from replicate._inputs.aliases import PredictionName, PredictionWords


class Prediction(Resource[C], models.Prediction, Job[C, "Prediction[C]"]):
    """A run of a model, as last seen: `reload` looks again, `wait` looks until it has finished."""

    endpoints: ClassVar[Endpoints] = Endpoints("prediction", predictions_list, predictions_get, predictions_cancel)

    @property
    def output(self) -> Any:
        """What the model returned, or has so far. A string of it that is a file has the methods of a file as well."""
        output, session = raw_output(self), self._bound
        known = vars(self).get("_output")
        if known is None or known[0] is not output or known[1] is not session:
            known = vars(self)["_output"] = output, session, with_files(self, session)
        return known[2]

    @output.setter
    def output(self, output: Any) -> None:
        """Replace it."""
        vars(self)["output"] = output

    async def __as_input__(self, session: Session[Any]) -> Any:
        """Wait for its output by a session of whatever colour, for as long as that has, and give it."""
        if not self.finished:
            run = acting_through(self, session_of(self).of_colour(Sync if session.blocking else Async))
            try:
                await wait_until_done(run, Deadline.within(session))
            finally:
                self.__dict__ = {**run.__dict__, "_bound": self._bound}
        check_success(self)
        return self.output

    @also_async
    def stream(self, use_file_output: bool | None = None) -> EventStream[C]:  # noqa: FBT001 - as in version 1
        """Give the events of this prediction from its beginning to its end; leaving them early does not cancel it.

        Where it offers none, its output comes as such. An output event of a file holds a FileOutput, or its URL with
        `use_file_output=False`. Raises StreamError if it fails, or cannot be followed.
        """
        from replicate._jobs.follow import stream_events
        from replicate._jobs.output_files import Files
        from replicate._models.schema import OutputSchema

        files = Files(self._session, use_file_output=use_file_output)
        watch = Watch(self, Deadline(self._session, None))
        source = stream_events(watch, OutputSchema(None), files)
        return EventStream(self._session, source, self, watch.deadline)

    @dual_iter
    async def follow_logs(self) -> AsyncGenerator[str, None]:
        """Yield the lines of this prediction's logs from the first to the last as they come, each once.

        Leaving it early does not cancel it. Raises APIError.
        """
        from replicate._jobs.follow import lines

        async with closing(lines(self)) as source:
            async for line in source:
                yield line

    @dual_iter
    async def output_iterator(self) -> AsyncGenerator[Any, None]:
        """Yield the items of this prediction's output as they come, those that are there too, each once.

        Raises ModelError after the last one if it fails; leaving it early does not cancel it.
        """
        from replicate._jobs.follow import items
        from replicate._models.schema import OutputSchema

        async with closing(items(Watch(self, Deadline(self._session, None)), OutputSchema(None))) as source:
            async for item in source:
                yield with_files(self, self._bound, item)
        check_success(self)


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

    if TYPE_CHECKING:  # the prediction is of this class; at run time, AsyncEventStream has the other

        @property
        def prediction(self) -> Prediction[C]:
            """The prediction, as last seen. Raises ReplicateError before it has been started."""
            ...

        def __await__(self: EventStream[Async]) -> Generator[Any, Any, EventStream[Async]]: ...

    async def __as_input__(self, session: Session[Any]) -> Any:
        """Read to the end, and give the output of the prediction: as one text if it came as pieces of one."""
        from replicate._models.schema import is_url

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


# ---- the operations


def target(version: Any, model: Any, deployment: Any) -> tuple[Any, tuple[str, ...], Any]:
    """Give the endpoint that starts a prediction, its path, and what the body names and which model takes the input.

    Raises TypeError, ValueError.
    """
    named = {"version": version, "model": model, "deployment": deployment}
    match [(kind, ref) for kind, ref in named.items() if ref is not UNSET and ref is not None]:
        case [("model", ref)]:
            path = owner_and_name(ref)
            return models_predictions_create, path, {"reference": Reference.of(path)}
        case [("deployment", ref)]:
            return deployments_predictions_create, owner_and_name(ref, "deployment"), {}
        case [(_, ref)]:
            text = version_text(ref)
            return predictions_create, (), {"version": text, "reference": named_by(text)}
        case _:
            raise TypeError(
                "a prediction is of exactly one of version= (an id, 'owner/name' or 'owner/name:id'), "
                "model='owner/name' and deployment='owner/name'"
            )


def named_by(version: str) -> Reference | None:
    """Give the model that the text of a version names, if it is one that names a model."""
    try:
        return Reference.of(version)
    except ValueError:
        return None


async def start_prediction(session: Session[C], endpoint: Any, *path: str, **how: Any) -> Prediction[C]:
    """Start a prediction at an endpoint, and give it: it goes on by itself. Raises what `Predictions.create` raises."""
    from replicate._jobs.create import create  # it and all that it needs would double what a `get` loads

    async with CancelOnExit(cancel=True) as block:
        created = await create(session, endpoint, *path, kind=Prediction, block=block, **how)
        return Prediction[C].bind(created.payload, session)


async def predicted(session: Session[Any], *, input: Mapping[str, Any], version: Any = None, model: Any = None) -> Any:
    """Start a prediction, wait for its end and give its output. Raises ModelError."""
    from replicate._jobs.create import create

    endpoint, path, members = target(version, model, None)
    members |= {"kind": Prediction, "input": input, "options": {}}
    async with CancelOnExit(cancel=True) as block:
        created = await create(session, endpoint, *path, block=block, **members)
        block.run = prediction = Prediction[Any].bind(created.payload, session)
        check_success(await wait_until_done(prediction, Deadline(session, None)))
    return prediction.output


class Predictions(Namespace[C]):
    """`client.predictions`: https://replicate.com/docs/reference/http#predictions."""

    @dual
    async def create(
        self,
        version: Any = UNSET,
        input: Mapping[str, Any] | None = None,
        *,
        model: Any = UNSET,
        deployment: Any = UNSET,
        **options: Unpack[PredictionOptions],
    ) -> Prediction[C]:
        """Start a prediction with a version, or an official model, or a deployment: exactly one of them.

        `version` is an id, "owner/name:id", an object, or an official model's "owner/name"; `model` and `deployment`
        are "owner/name", a tuple of both or an object. `input` maps the model's input names to values; files in it are
        sent along. Gives the prediction as it is after `wait` seconds, or at once: usually "starting". Maps to
        `predictions.create`, `models.predictions.create` or `deployments.predictions.create`. Raises
        AmbiguousCreateError where it is not known whether the prediction was started. Whatever else it raises tells
        that nothing was: APIStatusError, APIConnectionError; InputError for an input that cannot be sent, TypeError or
        ValueError for other options.
        """
        endpoint, path, members = target(version, model, deployment)
        return await start_prediction(self._session, endpoint, *path, input=input, options=options, **members)

    @dual
    async def get(self, prediction: str | Prediction[Any] = UNSET, **options: Unpack[PredictionName]) -> Prediction[C]:
        """Get a prediction by its id. Maps to `predictions.get`. Raises NotFoundError, APIError."""
        prediction_id, rest = pop_id(PREDICTION, prediction, options)
        found = await self._session.given(rest).call(predictions_get, prediction_id)
        return Prediction[C].bind(found, self._session)

    @dual_page
    async def list(
        self,
        cursor: Cursor = UNSET,
        *,
        created_after: datetime | str = UNSET,
        created_before: datetime | str = UNSET,
        source: Literal["web"] = UNSET,
        **options: Unpack[ListOptions],
    ) -> Page[C, Prediction[C]]:
        """List the account's predictions, newest first, without their outputs' files. Maps to `predictions.list`.

        `created_after` and `created_before` are moments: a datetime (a naive one is in local time), or ISO 8601 text,
        which is sent as it is. `source="web"` gives those of the web site only. Raises TypeError, ValueError, APIError.
        """
        chosen: Any = {"created_after": created_after, "created_before": created_before, "source": source}
        check_parameters(chosen)
        return await fetch(self._session, Prediction[C].bind, predictions_list, cursor, options, **chosen)

    @dual
    async def cancel(
        self, prediction: str | Prediction[Any] = UNSET, **options: Unpack[PredictionName]
    ) -> Prediction[C]:
        """Stop a prediction. One that has finished stays as it is. Maps to `predictions.cancel`. Raises APIError."""
        prediction_id, rest = pop_id(PREDICTION, prediction, options)
        stopped = await self._session.given(rest).call(predictions_cancel, prediction_id)
        return Prediction[C].bind(stopped, self._session)

    @dual
    async def wait(
        self,
        prediction: str | Prediction[Any] = UNSET,
        *,
        timeout: float | None = None,
        on_update: Callable[[Prediction[C]], object] | None = None,
        progress: bool = False,
        **words: Unpack[PredictionWords],
    ) -> Prediction[C]:
        """Wait until a prediction, given itself or by its id, has finished, for at most so many seconds.

        Whether it succeeded is in `status`. `on_update` and `progress` are as for `Prediction.wait`. Raises
        PredictionTimeout, which carries the prediction; APIError.
        """
        deadline = Deadline(self._session, timeout)
        prediction_id, _ = pop_id(PREDICTION, prediction, words)
        with Updates(self._session, on_update, progress) as updates:
            unseen = models.Prediction.from_dict({"id": prediction_id, "status": "starting"})
            run = Prediction[C].bind(unseen, self._session)
            return await wait_until_done(run, deadline, updates, seen=False)
