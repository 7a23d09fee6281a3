"""Finding out what a reference names, and starting a prediction with it in as few requests as that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from replicate._core.dual import C
from replicate._data.outputs import FileOutput
from replicate._data.schema import OutputSchema
from replicate.exceptions import APIConnectionError, APIResponseValidationError, InternalServerError, NotFoundError
from replicate.resources.creation import post
from replicate.resources.predictions import Prediction
from replicate_api.api.models import models_get, models_predictions_create, models_versions_get
from replicate_api.api.predictions import predictions_create

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from replicate._core.polling import Deadline
    from replicate._core.session import Session
    from replicate._data.reference import ModelVersionIdentifier, Reference


@frozen
class Description:
    """What is known of what a reference names."""

    openapi_schema: Mapping[str, Any] | None = None
    version: str | None = None
    """The version to run, or to fall back on."""
    versionless: bool = False
    """The model is run without naming a version, as official ones are; or it is not known to need one."""
    default_example: Any = None

    @property
    def output(self) -> OutputSchema:
        return OutputSchema(self.openapi_schema)


async def describe(session: Session[Any], reference: Reference) -> Description:
    """Find out what is needed to run a reference, once for each reference in a client's life.

    An answer that does not come is not fatal, for a model runs without being described; one that says that there is no
    such model is: NotFoundError.
    """
    known: Description | None = session.memory.get(reference)
    if known is not None:
        return known
    model, version = reference
    if model is None:
        return Description(version=version)
    try:
        found = await (inquire(session, model) if version is None else inquire_version(session, model, version))
    except (InternalServerError, APIConnectionError, APIResponseValidationError):
        if session.remaining() <= 0:
            raise
        return Description(version=version, versionless=version is None)
    if found.version or found.openapi_schema:  # a model without a version may get one
        session.memory[reference] = found
    return found


async def inquire(session: Session[Any], identifier: ModelVersionIdentifier) -> Description:
    """Ask the API about a model."""
    try:
        model = await session.call(models_get, identifier.owner, identifier.name)
    except NotFoundError as error:
        error.hint = f"There is no model {identifier}, or this token's account may not see it: check the name."
        raise
    latest = model.latest_version
    return Description(
        openapi_schema=latest.openapi_schema if latest else None,
        version=latest.id if latest else None,
        versionless=model.is_official is not False or latest is None,
        default_example=model.default_example,
    )


async def inquire_version(session: Session[Any], identifier: ModelVersionIdentifier, version: str) -> Description:
    """Ask the API about a version. That it is not found is not fatal: it may run though its schema is hidden."""
    try:
        found = await session.call(models_versions_get, identifier.owner, identifier.name, version)
    except NotFoundError:
        return Description(version=version)
    return Description(openapi_schema=found.openapi_schema, version=version)


async def start(
    session: Session[C],
    reference: Reference,
    description: Description,
    input: Mapping[str, Any],
    options: Mapping[str, Any],
    deadline: Deadline,
) -> Prediction[C]:
    """Start a prediction, with an input that is ready: of an official model by its name, of any other by a version.

    Which kind a model is, the API tells at the first attempt: 404 where a version is needed. That is remembered.
    """
    bound = deadline.bound(session)
    if description.versionless and reference.model:
        owner, name, _ = reference.model
        try:
            payload = await post(bound, models_predictions_create, owner, name, input=input, options=options)
            return Prediction[C].bind(payload, session)
        except NotFoundError as error:
            if description.version is None:
                error.hint = f"There is no official model {reference}: run any other by a version of it."
                raise
            description = session.memory[reference] = evolve(description, versionless=False)
    payload = await post(bound, predictions_create, version=description.version, input=input, options=options)
    return Prediction[C].bind(payload, session)


def file_maker(session: Session[C], *, use_file_output: bool = True) -> Callable[[str], Any]:
    """Give what turns the URL of an output file into what the caller gets."""

    def make(url: str) -> FileOutput[C]:
        return FileOutput(url, session)

    return make if use_file_output else str
