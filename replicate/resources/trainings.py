"""Trainings, which make new versions of models from data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from replicate._annotations import resolve_lazily
from replicate._dual.colours import C
from replicate._dual.methods import dual
from replicate._http.deadline import Deadline
from replicate._http.options import ListOptions
from replicate._inputs.aliases import (
    MODEL,
    TRAINING,
    TrainingName,
    TrainingWords,
    drop_unset,
    identifier,
    model_and_version,
    model_text,
    pop_alias,
    pop_id,
    pop_owner_and_name,
)
from replicate._jobs.any_job import Endpoints
from replicate._jobs.create import create
from replicate._jobs.fetch import tell_end
from replicate._jobs.job import Job
from replicate._jobs.options import TrainingOptions, WebhookOptions
from replicate._jobs.ownership import CancelOnExit
from replicate._jobs.updates import Updates
from replicate._jobs.wait import wait_until_done
from replicate._json import is_mapping
from replicate._objects.page import Cursor, Page, dual_page, fetch
from replicate._objects.resource import Namespace, Resource
from replicate_api import models
from replicate_api.api.trainings import trainings_cancel, trainings_create, trainings_get, trainings_list
from replicate_api.types import UNSET, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from typing_extensions import Unpack

    from replicate._http.session import Session
    from replicate._inputs.aliases import TrainingName, TrainingWords

BY_POSITION = ("version", "destination", *WebhookOptions.__annotations__)
"""The positional arguments of `create` besides the input, which is recognized by its type."""


class TrainingOutput(models.TrainingOutput):
    """The output of a training, as a dictionary: the new `version`, and the URL of its `weights`.

    Copies share the session; pickles leave it out.
    """

    _bound: Session[Any] | None = None

    @classmethod
    def bind(cls, output: Mapping[str, Any], session: Session[Any] | None) -> Self:
        """Make an output with the session that downloads its files."""
        self = cls.from_dict(output)
        self._bound = session
        return self

    @property
    def weights(self) -> Any:  # type: ignore[override]  # as in the response
        """The URL of the weights, if there are any. It also has the methods of a file."""
        from replicate._models.schema import is_url
        from replicate._outputs.file_string import FileString

        url = dict(self).get("weights")
        return FileString(url, self._bound) if isinstance(url, str) and is_url(url) else url

    def __getstate__(self) -> Mapping[str, Any]:
        return {}

    def __copy__(self) -> Self:
        return self.bind(self, self._bound)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        from copy import deepcopy

        return self.bind(deepcopy(dict(self), memo), self._bound)


class Training(Resource[C], models.Training, Job[C, "Training[C]"]):
    """A training, as last seen. `reload` gets its current state; `wait` polls until it has finished."""

    _nested: ClassVar[Mapping[str, Callable[[Any, Any], Any]]] = {"output": TrainingOutput.bind}
    endpoints: ClassVar[Endpoints] = Endpoints(
        "training", trainings_list, trainings_get, trainings_cancel, listed_by_time=False, described=False
    )

    @property
    def destination(self) -> str | None:  # type: ignore[override]  # read-only, as it may be derived
        """The model that gets the new version, as "owner/name". If the response leaves it out, the output names it."""
        named: str | None = stored(self, "destination")
        made = getattr(self.output, "version", None)
        return named or (made.partition(":")[0] if isinstance(made, str) else None)

    @property
    def set_fields(self) -> dict[str, Any]:
        """The declared fields that are set, and the `destination` if it can be derived."""
        named = {"destination": self.destination} if self.destination else {}
        return {**super().set_fields, **named}

    def __getitem__(self, name: str) -> Any:
        return self.destination if name == "destination" else super().__getitem__(name)


class Trainings(Namespace[C]):
    """`client.trainings`: https://replicate.com/docs/reference/http#trainings."""

    @dual
    async def create(self, *positional: Any, **options: Unpack[TrainingOptions]) -> Training[C]:
        """Train a model: `create("owner/name:id", {"input_images": …}, "me/destination")`.

        The version to train is "owner/name:id", or `model=` ("owner/name", or `model_owner=` and `model_name=`) with
        `version=`. `input` maps the training's input names to values; files in it are uploaded. `destination` is the
        model that gets the new version: "owner/name", a tuple of both or an object. Positional arguments can be:
        version, input, destination; version, destination, input; model, version, input. Maps to `trainings.create`.
        Raises AmbiguousCreateError if it is unknown whether the training was started. Every other error means that
        nothing was started: APIStatusError, APIConnectionError; InputError for an input that cannot be sent; TypeError
        or ValueError for other invalid arguments.
        """
        path, ready, destination, rest = arguments(positional, options)
        async with CancelOnExit(cancel=True) as block:
            created = await create(
                self._session,
                trainings_create,
                *path,
                kind=Training,
                input=ready,
                options=rest,
                block=block,
                destination=destination,
            )
            return Training.bind(created.payload, self._session)

    @dual
    async def get(self, training: str | Training[Any] = UNSET, **options: Unpack[TrainingName]) -> Training[C]:
        """Get a training by its id. Maps to `trainings.get`. Raises NotFoundError, APIError."""
        training_id, rest = pop_id(TRAINING, training, options)
        return Training.bind(await self._session.given(rest).call(trainings_get, training_id), self._session)

    @dual_page
    async def list(self, cursor: Cursor = UNSET, **options: Unpack[ListOptions]) -> Page[C, Training[C]]:
        """List the account's trainings, newest first. Maps to `trainings.list`. Raises APIError."""
        return await fetch(self._session, Training[C].bind, trainings_list, cursor, options)

    @dual
    async def cancel(self, training: str | Training[Any] = UNSET, **options: Unpack[TrainingName]) -> Training[C]:
        """Cancel a training. A finished one stays unchanged. Maps to `trainings.cancel`. Raises APIError."""
        training_id, rest = pop_id(TRAINING, training, options)
        stopped = await self._session.given(rest).call(trainings_cancel, training_id)
        tell_end(canceled := Training.bind(stopped, self._session))
        return canceled

    @dual
    async def wait(
        self,
        training: str | Training[Any] = UNSET,
        *,
        timeout: float | None = None,
        on_update: Callable[[Training[C]], object] | None = None,
        progress: bool = False,
        **words: Unpack[TrainingWords],
    ) -> Training[C]:
        """Wait until a training has finished, for at most `timeout` seconds. `training` is an object or an id.

        `status` says whether it succeeded. `on_update` and `progress` are as for `Prediction.wait`. Raises
        PredictionTimeout, which has the training as `prediction`; APIError.
        """
        deadline = Deadline(self._session, timeout)
        training_id, _ = pop_id(TRAINING, training, words)
        with Updates(self._session, on_update, progress) as updates:
            unseen = models.Training.from_dict({"id": training_id, "status": "starting"})
            run = Training.bind(unseen, self._session)
            return await wait_until_done(run, deadline, updates, seen=False)


def arguments(
    positional: tuple[Any, ...], options: Mapping[str, Any]
) -> tuple[tuple[str, str, str], Mapping[str, Any], str, Any]:
    """Return the path parameters, input and destination of a training, and the other options.

    Raises TypeError or ValueError for missing, surplus or invalid arguments.
    """
    rest = drop_unset(options)
    found = next((value for value in positional if is_mapping(value)), UNSET)
    given = pop_alias(("input",), found, rest)
    if given is UNSET or given is None:
        kinds = ", ".join(type(value).__name__ for value in positional)
        none = f", and nothing does that was passed by position: {kinds}" if kinds else ""
        raise TypeError(f"input is missing: it must map the training's input names to values{none}")
    values = [value for value in positional if value is not found]
    names = BY_POSITION if values and model_and_version(values[0])[1] else ("model", *BY_POSITION)
    if len(values) > len(names):
        raise TypeError(f"trainings.create takes by position an input, and at most {', '.join(names)}")
    for name, value in zip(names, values, strict=False):
        rest[name] = pop_alias((name,), value, rest)
    wanted = pop_alias(("version", "version_id"), UNSET, rest)
    if wanted == "":
        identifier("version_id", wanted)  # raises
    model, version = (UNSET, None) if wanted is UNSET else model_and_version(wanted)
    if version is None:
        raise TypeError("version is missing: name what to train as 'owner/name:id'")
    owner, name, rest = pop_owner_and_name(MODEL, rest, model)
    destination = model_text(rest.pop("destination", None), "destination")
    return (owner, name, version), given, destination, rest


resolve_lazily(TrainingOutput)
