"""Predictions: runs of a model. Creating, reading, waiting for and canceling them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from replicate._dual.colours import Async, C, Sync, over
from replicate._dual.generators import nested
from replicate._dual.methods import also_async, dual, dual_iter
from replicate._http.deadline import Deadline
from replicate._http.options import ListOptions, check_parameters
from replicate._inputs.aliases import PREDICTION, PredictionName, PredictionWords, identified, owned, version_text
from replicate._jobs import updates as watching
from replicate._jobs.options import PredictionOptions
from replicate._jobs.outputs import RUN_FIELDS, raw, with_files
from replicate._jobs.updates import Timings, Updates, timings
from replicate._jobs.wait import TERMINAL, Watch, check_success, halt, look, settle
from replicate._jobs.wait import owned as owning
from replicate._models.reference import Reference
from replicate._objects.page import Cursor, Page, dual_page, fetch
from replicate._objects.resource import Namespace, Resource, session_of
from replicate_api import models
from replicate_api.api.deployments import deployments_predictions_create
from replicate_api.api.models import models_predictions_create
from replicate_api.api.predictions import predictions_cancel, predictions_create, predictions_get, predictions_list
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from datetime import datetime

    from typing_extensions import Unpack

    from replicate._http.session import Session
    from replicate._jobs.streams import EventStream
    from replicate._objects.html import Bundle


class Prediction(Resource[C], models.Prediction):
    """A run of a model, as last seen: `reload` looks again, `wait` looks until it has finished."""

    first: ClassVar[tuple[str, ...]] = RUN_FIELDS
    reader: ClassVar[Any] = predictions_get
    canceler: ClassVar[Any] = predictions_cancel

    Progress: TypeAlias = watching.Progress

    @property
    def output(self) -> Any:
        """What the model returned, or has so far. A string of it that is a file has the methods of a file as well."""
        output, session = raw(self), self._bound
        known = vars(self).get("_output")
        if known is None or known[0] is not output or known[1] is not session:
            known = vars(self)["_output"] = output, session, with_files(self, session)
        return known[2]

    @output.setter
    def output(self, output: Any) -> None:
        """Replace it."""
        vars(self)["output"] = output

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:  # noqa: ARG002 - asked so
        from replicate._jobs.notebook import shown

        return shown(self)

    def __getstate__(self) -> Mapping[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_output"}

    @property
    def progress(self) -> watching.Progress | None:
        """How far it is, if its logs show a progress bar."""
        return self.Progress.parse(self.logs or "")

    @property
    def finished(self) -> bool:
        """Whether it has ended: succeeded, failed, canceled or aborted."""
        return self.status in TERMINAL

    @property
    def timings(self) -> Timings:
        """The seconds it was queued, it ran, and both: so far, if it has not finished."""
        return timings(self)

    async def __as_input__(self, session: Session[Any]) -> Any:
        """Wait for its output by a session of whatever colour, for as long as that has, and give it."""
        if not self.finished:
            run = over(self, session_of(self).of_colour(Sync if session.blocking else Async))
            try:
                await settle(run, Deadline.within(session))
            finally:
                self.__dict__ = {**run.__dict__, "_bound": self._bound}
        check_success(self)
        return self.output

    @dual
    async def wait(
        self,
        timeout: float | None = None,
        *,
        on_update: Callable[[Prediction[C]], object] | None = None,
        progress: bool = False,
    ) -> Prediction[C]:
        """Wait until this prediction has finished, for at most so many seconds, and give it.

        Whether it succeeded is in `status`. `on_update` is called with it as it is, and whenever it has changed; with
        an asynchronous client it may be a coroutine function. `progress=True` shows how far it is. Raises
        PredictionTimeout, APIError.
        """
        with Updates(self._session, on_update, progress) as updates:
            return await settle(self, Deadline(self._session, timeout), updates)

    @dual
    async def reload(self) -> Prediction[C]:
        """Load this prediction from the server, in place (`predictions.get`). Raises APIError."""
        return await look(self)

    @dual
    async def cancel(self) -> Prediction[C]:
        """Stop this prediction, in place (`predictions.cancel`). One that has finished stays as it is."""
        return await halt(self)

    @also_async
    def stream(self, use_file_output: bool | None = None) -> EventStream[C]:  # noqa: FBT001 - as in version 1
        """Give the events of this prediction from its beginning to its end; leaving them early does not cancel it.

        Where it offers none, its output comes as such. An output event of a file holds a FileOutput, or its URL with
        `use_file_output=False`. Raises StreamError if it fails, or cannot be followed.
        """
        from replicate._jobs.follow import streamed
        from replicate._jobs.output_files import Files
        from replicate._jobs.streams import EventStream
        from replicate._models.schema import OutputSchema

        files = Files(self._session, use_file_output=use_file_output)
        watch = Watch(self, Deadline(self._session, None))
        source = streamed(watch, OutputSchema(None), files, cancel=False)
        return EventStream(self._session, source, self, watch.deadline)

    @dual_iter
    async def follow_logs(self) -> AsyncGenerator[str, None]:
        """Yield the lines of this prediction's logs from the first to the last as they come, each once.

        Leaving it early does not cancel it. Raises APIError.
        """
        from replicate._jobs.follow import lines

        async with nested(lines(self)) as source:
            async for line in source:
                yield line

    @dual_iter
    async def output_iterator(self) -> AsyncGenerator[Any, None]:
        """Yield the items of this prediction's output as they come, those that are there too, each once.

        Raises ModelError after the last one if it fails; leaving it early does not cancel it.
        """
        from replicate._jobs.follow import items
        from replicate._models.schema import OutputSchema

        async with nested(items(Watch(self, Deadline(self._session, None)), OutputSchema(None))) as source:
            async for item in source:
                yield with_files(self, self._bound, item)
        check_success(self)


# ---- the operations


def target(version: Any, model: Any, deployment: Any) -> tuple[Any, tuple[str, ...], Any]:
    """Give the endpoint that starts a prediction, its path, and what the body names and which model takes the input.

    Raises TypeError, ValueError.
    """
    named = {"version": version, "model": model, "deployment": deployment}
    match [(kind, ref) for kind, ref in named.items() if ref is not UNSET and ref is not None]:
        case [("model", ref)]:
            path = owned(ref)
            return models_predictions_create, path, {"reference": Reference.of(path)}
        case [("deployment", ref)]:
            return deployments_predictions_create, owned(ref, "deployment"), {}
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


async def predicted(session: Session[Any], *, input: Mapping[str, Any], version: Any = None, model: Any = None) -> Any:
    """Start a prediction, wait for its end and give its output. Raises ModelError."""
    from replicate._jobs.create import create

    endpoint, path, members = target(version, model, None)
    payload = await create(session, endpoint, *path, input=input, options={}, **members)
    prediction: Prediction[Any] = Prediction[Any].bind(payload, session)
    async with owning(prediction, cancel=True):
        check_success(await settle(prediction, Deadline(session, None)))
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
        from replicate._jobs.create import create  # it and all that it needs would double what a `get` loads

        endpoint, path, members = target(version, model, deployment)
        payload = await create(self._session, endpoint, *path, input=input, options=options, **members)
        return Prediction[C].bind(payload, self._session)

    @dual
    async def get(self, prediction: str | Prediction[Any] = UNSET, **options: Unpack[PredictionName]) -> Prediction[C]:
        """Get a prediction by its id. Maps to `predictions.get`. Raises NotFoundError, APIError."""
        prediction_id, rest = identified(PREDICTION, prediction, options)
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
        prediction_id, rest = identified(PREDICTION, prediction, options)
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
        prediction_id, _ = identified(PREDICTION, prediction, words)
        with Updates(self._session, on_update, progress) as updates:
            unseen = models.Prediction.from_dict({"id": prediction_id, "status": "starting"})
            run = Prediction[C].bind(unseen, self._session)
            return await settle(run, deadline, updates, seen=False)
