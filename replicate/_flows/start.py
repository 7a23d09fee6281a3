"""Finding out what a reference names, and starting a prediction with it in as few requests as that takes."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Generic

from attrs import evolve, frozen

from replicate._core.dual import C
from replicate._core.plain import members
from replicate._core.polling import Deadline
from replicate._data.inputs import Inputs
from replicate._data.reference import Reference
from replicate._data.schema import InputSchema, OutputSchema
from replicate.exceptions import InternalServerError, NotFoundError, UnprocessableEntityError
from replicate.resources.creation import PREDICTION_OPTIONS, post, uploading
from replicate.resources.predictions import Prediction
from replicate.resources.terms import check
from replicate.resources.waiting import owned
from replicate.resources.watching import WATCH_OPTIONS, Updates
from replicate_api.api.models import models_get, models_predictions_create, models_versions_get
from replicate_api.api.predictions import predictions_create

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from replicate._core.session import Session
    from replicate._data.reference import ModelVersionIdentifier

NOT_INPUTS = (
    *PREDICTION_OPTIONS,
    "input",
    "use_file_output",
    "streaming",
    "use_async",
    "cancel_on_exit",
    "save_to",
    *WATCH_OPTIONS,
)


@frozen
class Description:
    """What is known of what a reference names."""

    openapi_schema: Mapping[str, Any] | None = None
    version: str | None = None
    """The version to run, or to fall back on."""
    versionless: bool = False
    """The model is run without naming a version, as official ones are; or it is not known to need one."""

    @property
    def output(self) -> OutputSchema:
        return OutputSchema(self.openapi_schema)

    @property
    def input(self) -> Mapping[str, Any]:
        """The schema of the input, where it is known."""
        return members(members(members(members(self.openapi_schema).get("components")).get("schemas")).get("Input"))


async def describe(session: Session[Any], reference: Reference) -> Description:
    """Find out what is needed to run a reference, once for each reference in a client's life.

    That the API is in trouble is not fatal, for a model runs without being described. That there is no such model is,
    and that the API cannot be reached, or something else answers in its place: what follows would cost more.
    """
    known: Description | None = session.memory.get(reference)
    if known is not None:
        return known
    model, version = reference
    if model is None:
        return Description(version=version)
    try:
        found = await (inquire(session, model) if version is None else inquire_version(session, model, version))
    except InternalServerError:
        return Description(version=version, versionless=version is None)
    if found.version or found.openapi_schema:  # a model without a version may get one
        session.memory[reference] = found
    return found


async def inquire(session: Session[Any], identifier: ModelVersionIdentifier) -> Description:
    """Ask the API about a model."""
    try:
        model = await look_up(session, models_get, identifier.owner, identifier.name)
    except NotFoundError as error:
        error.hint = f"There is no model {identifier}, or this token's account may not see it: check the name."
        raise
    latest = model.latest_version
    return Description(
        openapi_schema=latest.openapi_schema if latest else None,
        version=latest.id if latest else None,
        versionless=model.is_official is not False or latest is None,
    )


async def inquire_version(session: Session[Any], identifier: ModelVersionIdentifier, version: str) -> Description:
    """Ask the API about a version. That it is not found is not fatal: it may run though its schema is hidden."""
    try:
        found = await look_up(session, models_versions_get, identifier.owner, identifier.name, version)
    except NotFoundError:
        return Description(version=version)
    return Description(openapi_schema=found.openapi_schema, version=version)


async def look_up(session: Session[Any], endpoint: Any, *path: str) -> Any:
    """Get what an endpoint gives. An answer that is none is asked for anew."""
    return await session.look_up(endpoint.build_request(*path), lambda response: session.parse(endpoint, response))


class Call(Generic[C]):
    """One run of a model: by whom, of which, with what, by when, and whether it is canceled if nobody waits for it.

    Making one raises TypeError or ValueError for whatever cannot be sent; nothing has been sent by then.
    """

    def __init__(
        self,
        session: Session[C],
        ref: Any,
        input: Mapping[str, Any] | None,
        settings: Mapping[str, Any],
        timeout: float | None,
        *,
        cancel_on_exit: bool = True,
        updates: Updates | None = None,
    ) -> None:
        check(input, settings, PREDICTION_OPTIONS)
        self.session: Session[C] = session
        self.reference: Reference = Reference.of(ref)
        self.settings: Mapping[str, Any] = settings
        self.deadline: Deadline = Deadline(session, timeout)
        self.cancel_on_exit: bool = cancel_on_exit
        self.updates: Updates = updates or Updates(session)
        self._inputs = Inputs(input or {}, settings.get("file_encoding_strategy"), blocking=session.blocking)
        self._input: Mapping[str, Any] | None = None
        """The input with the addresses of its files, once these have been uploaded."""
        self._names = [*(input or {})]
        self._description: Description | None = None

    @property
    def _bound(self) -> Session[C]:
        return self.deadline.bound(self.session)

    async def describe(self) -> Description:
        """Find out what is run, before anything is uploaded or started for it."""
        if self._description is None:
            self._description = await describe(self._bound, self.reference)
        return self._description

    async def start(self, **changes: Any) -> Prediction[C]:
        """Start a prediction, and tell of it."""
        prediction = await self._begin(changes)
        async with owned(prediction, cancel=self.cancel_on_exit, updates=self.updates):
            try:
                await self.updates.tell(prediction)
            except BaseException:
                self.updates.close()
                raise
        return prediction

    async def _begin(self, changes: Mapping[str, Any]) -> Prediction[C]:
        """Start a prediction: of an official model by its name, of any other by a version.

        What is remembered of a model may be out of date. Where the API refuses what was asked for by it, the model is
        looked up again, and run once more if there is news.
        """
        remembered = self.reference in self.session.memory
        description = await self.describe()
        options = {**self.settings, **changes}
        try:
            return await self._start(description, options)
        except (NotFoundError, UnknownInputError, UnprocessableEntityError):
            if not remembered:
                raise
            self.session.memory.pop(self.reference, None)
            self._description = self._input = None
            if await self.describe() == description:
                raise
        return await self._start(await self.describe(), options)

    async def _start(self, description: Description, options: Mapping[str, Any]) -> Prediction[C]:
        """Start a prediction; which kind a model is, the API tells at the first attempt, and that is remembered."""
        session, reference = self._bound, self.reference
        check_names(self._names, description, reference)
        if self._input is None:
            schema = InputSchema.of(description.openapi_schema)
            self._input = await self._inputs.sent(uploading(session, options), schema)
        told: Any = {"input": self._input, "options": options, "cancel_on_exit": self.cancel_on_exit}
        if description.versionless and reference.model:
            owner, name, _ = reference.model
            try:
                payload = await post(session, models_predictions_create, owner, name, **told)
                return Prediction[C].bind(payload, self.session)
            except NotFoundError as error:
                if description.version is None:
                    error.hint = f"There is no official model {reference}: run any other by a version of it."
                    raise
                self._description = session.memory[reference] = evolve(description, versionless=False)
        payload = await post(session, predictions_create, version=description.version, **told)
        return Prediction[C].bind(payload, self.session)


class UnknownInputError(TypeError):
    """An input that the model does not have."""


def check_names(names: Iterable[str], description: Description, reference: Reference) -> None:
    """Raise UnknownInputError for an input that the model does not have: the API would leave it out without a word."""
    schema = description.input
    known = members(schema.get("properties"))
    if not known or schema.get("additionalProperties"):
        return
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(sorted(known))}."
            if name in NOT_INPUTS:
                hint = f"{name}= is an option of run() and use() themselves. The model has {', '.join(sorted(known))}."
            raise UnknownInputError(f"{reference} has no input {name!r}; {hint}")
