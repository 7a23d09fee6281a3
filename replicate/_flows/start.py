"""Finding out what a reference names, and starting a prediction with it in as few requests as that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from replicate._core.dual import C
from replicate._data.inputs import encode
from replicate._data.outputs import FileOutput
from replicate._data.schema import OutputSchema
from replicate.exceptions import APIConnectionError, APIResponseValidationError, InternalServerError, NotFoundError
from replicate.resources.creation import check, create
from replicate.resources.predictions import Prediction
from replicate_api.api.models import models_get, models_predictions_create, models_versions_get
from replicate_api.api.predictions import predictions_create

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    if known is None:
        known = await inquire(session, reference)
        if known.openapi_schema is not None:
            session.memory[reference] = known
    return known


async def inquire(session: Session[Any], reference: Reference) -> Description:
    """Ask the API what a reference names."""
    identifier, version = reference
    if identifier is None:
        return Description(version=version)
    try:
        if version is not None:
            return await inquire_version(session, identifier, version)
        model = await session.call(models_get, identifier.owner, identifier.name)
    except (InternalServerError, APIConnectionError, APIResponseValidationError):
        return Description(version=version, versionless=version is None)
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
    session: Session[C], reference: Reference, input: Mapping[str, Any] | None, options: Mapping[str, Any]
) -> Prediction[C]:
    """Start a prediction: of an official model by its name, of any other by a version of it.

    Which kind a model is, the API tells at the first attempt: 404 where a version is needed. That is remembered.
    """
    check(input, options)
    description = await describe(session, reference)
    input = await encode(session, input or {}, options.get("file_encoding_strategy"))  # noqa: A001 - once, for both tries
    if description.versionless and reference.model:
        owner, name = reference.model.owner, reference.model.name
        try:
            payload = await create(session, models_predictions_create, owner, name, input=input, options=options)
            return Prediction[C].bind(payload, session)
        except NotFoundError:
            if description.version is None:
                raise
            description = session.memory[reference] = evolve(description, versionless=False)
    payload = await create(session, predictions_create, version=description.version, input=input, options=options)
    return Prediction[C].bind(payload, session)


def file_maker(session: Session[C], *, use_file_output: bool = True) -> Callable[[str], Any]:
    """Give what turns the URL of an output file into what the caller gets."""

    def make(url: str) -> FileOutput[C]:
        return FileOutput(url, session)

    return make if use_file_output else str
