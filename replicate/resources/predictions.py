"""Predictions, which are runs of a model, and their events: create, get, list, wait, cancel."""

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
from replicate._jobs.fetch import tell_end
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
from replicate._wording import safe_repr
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
    """A run of a model, as last seen. `reload` gets its current state; `wait` polls until it has finished."""

    endpoints: ClassVar[Endpoints] = Endpoints("prediction", predictions_list, predictions_get, predictions_cancel)

    @property
    def output(self) -> Any:
        """What the model returned, or has returned so far. A string that is a file also has the methods of a file."""
        output, session = raw_output(self), self._bound
        known = vars(self).get("_output")
        if known is None or known[0] is not output or known[1] is not session:
            known = vars(self)["_output"] = output, session, with_files(self, session)
        return known[2]

    @output.setter
    def output(self, output: Any) -> None:
        """Replace the output."""
        vars(self)["output"] = output

    async def __as_input__(self, session: Session[Any]) -> Any:
        """Wait for the output within the time that a session of either colour has left, and return it."""
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
        """Return the events of this prediction from its beginning to its end. Leaving them early does not cancel it.

        If it offers no events, its output is turned into events. An output event of a file holds a FileOutput, or the
        URL with `use_file_output=False`. Iteration raises StreamError if the prediction fails or cannot be followed.
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
        """Yield the lines of this prediction's logs as they arrive, from the first to the last, each once.

        Leaving the iterator early does not cancel the prediction. Raises APIError.
        """
        from replicate._jobs.follow import lines

        async with closing(lines(self)) as source:
            async for line in source:
                yield line

    @dual_iter
    async def output_iterator(self) -> AsyncGenerator[Any, None]:
        """Yield the items of this prediction's output, each once: those that are there, then others as they arrive.

        Raises ModelError after the last item if the prediction fails. Leaving the iterator early does not cancel it.
        """
        from replicate._jobs.follow import items
        from replicate._models.schema import OutputSchema

        async with closing(items(Watch(self, Deadline(self._session, None)), OutputSchema(None))) as source:
            async for item in source:
                yield with_files(self, self._bound, item)
        check_success(self)


class EventStream(Iteration[C, ServerSentEvent]):
    """Yields the events of a prediction as they happen. An asynchronous client needs `async for`.

    It is a SyncEventStream or an AsyncEventStream, depending on the client. A stream that starts a prediction does so
    at the first event, on entering `with`, or when it is awaited; from then on it has a `prediction`. Leaving such a
    stream before the end cancels the prediction: closing it, dropping it, or an interrupt. Only `with` guarantees that
    this happens at once. Iteration raises RunError: StreamError, after the event `done`, if the prediction fails.
    """

    @classmethod
    def _of_colour(cls, *, blocking: bool) -> type[Any]:
        return SyncEventStream if blocking else AsyncEventStream

    if TYPE_CHECKING:  # for the types; at run time, only AsyncEventStream has `__await__`

        @property
        def prediction(self) -> Prediction[C]:
            """The prediction, as last seen. Raises ReplicateError before it has been started."""
            ...

        def __await__(self: EventStream[Async]) -> Generator[Any, Any, EventStream[Async]]: ...

    async def __as_input__(self, session: Session[Any]) -> Any:
        """Read to the end, and return the output of the prediction, joined if it consists of pieces of text."""
        from replicate._models.schema import is_url

        await self._rest(session)
        output = await self._own().__as_input__(session)
        pieces = elements(output)
        text = pieces and all(isinstance(piece, str) and not is_url(piece) for piece in pieces)
        return "".join(pieces) if text else output

    @safe_repr
    def __repr__(self) -> str:
        of = "not started" if self._prediction is None else f"of prediction {self._prediction.id}"
        return f"<EventStream {of}>"


class SyncEventStream(BlockingIteration[ServerSentEvent], EventStream[Sync]):
    """An EventStream of a blocking client."""


class AsyncEventStream(AwaitedIteration[ServerSentEvent], EventStream[Async]):
    """An EventStream of an asynchronous client."""

    def __await__(self) -> Generator[Any, Any, EventStream[Async]]:
        """Start the prediction, and return the stream itself."""
        yield from self._home_step(self._begin).__await__()
        return self


# ---- the operations


def target(version: Any, model: Any, deployment: Any) -> tuple[Any, tuple[str, ...], Any]:
    """Return the endpoint that starts a prediction, its path parameters, and the version and reference for `create`.

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
    """Return the reference that the text of a version is, or None if it is none."""
    try:
        return Reference.of(version)
    except ValueError:
        return None


async def start_prediction(session: Session[C], endpoint: Any, *path: str, **how: Any) -> Prediction[C]:
    """Start a prediction at an endpoint, and return it without waiting. Raises the errors of `Predictions.create`."""
    from replicate._jobs.create import create  # its imports would double what a `get` loads

    async with CancelOnExit(cancel=True) as block:
        created = await create(session, endpoint, *path, kind=Prediction, block=block, **how)
        return Prediction.bind(created.payload, session)


async def predicted(session: Session[Any], *, input: Mapping[str, Any], version: Any = None, model: Any = None) -> Any:
    """Start a prediction, wait for its end and return its output. Raises ModelError."""
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
        """Start a prediction with a version, an official model or a deployment: exactly one of them.

        `version` is an id, "owner/name:id", an object, or an official model's "owner/name"; `model` and `deployment`
        are "owner/name", a tuple of both or an object. `input` maps the model's input names to values; files in it are
        uploaded. Returns the prediction as it is after `wait` seconds, or at once, when it is usually "starting".
        Maps to `predictions.create`, `models.predictions.create` or `deployments.predictions.create`. Raises
        AmbiguousCreateError if it is unknown whether the prediction was started. Every other error means that nothing
        was started: APIStatusError, APIConnectionError; InputError for an input that cannot be sent; TypeError or
        ValueError for other invalid arguments.
        """
        endpoint, path, members = target(version, model, deployment)
        return await start_prediction(self._session, endpoint, *path, input=input, options=options, **members)

    @dual
    async def get(self, prediction: str | Prediction[Any] = UNSET, **options: Unpack[PredictionName]) -> Prediction[C]:
        """Get a prediction by its id. Maps to `predictions.get`. Raises NotFoundError, APIError."""
        prediction_id, rest = pop_id(PREDICTION, prediction, options)
        found = await self._session.given(rest).call(predictions_get, prediction_id)
        return Prediction.bind(found, self._session)

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

        `created_after` and `created_before` are datetimes (naive ones are in local time) or ISO 8601 texts, which are
        sent unchanged. `source="web"` lists only predictions made on the website. Raises TypeError, ValueError,
        APIError.
        """
        chosen: Any = {"created_after": created_after, "created_before": created_before, "source": source}
        check_parameters(chosen)
        return await fetch(self._session, Prediction[C].bind, predictions_list, cursor, options, **chosen)

    @dual
    async def cancel(
        self, prediction: str | Prediction[Any] = UNSET, **options: Unpack[PredictionName]
    ) -> Prediction[C]:
        """Cancel a prediction. A finished one stays unchanged. Maps to `predictions.cancel`. Raises APIError."""
        prediction_id, rest = pop_id(PREDICTION, prediction, options)
        stopped = await self._session.given(rest).call(predictions_cancel, prediction_id)
        tell_end(canceled := Prediction.bind(stopped, self._session))
        return canceled

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
        """Wait until a prediction has finished, for at most `timeout` seconds. `prediction` is an object or an id.

        `status` says whether it succeeded. `on_update` and `progress` are as for `Prediction.wait`. Raises
        PredictionTimeout, which has the `prediction`; APIError.
        """
        deadline = Deadline(self._session, timeout)
        prediction_id, _ = pop_id(PREDICTION, prediction, words)
        with Updates(self._session, on_update, progress) as updates:
            unseen = models.Prediction.from_dict({"id": prediction_id, "status": "starting"})
            run = Prediction.bind(unseen, self._session)
            return await wait_until_done(run, deadline, updates, seen=False)
