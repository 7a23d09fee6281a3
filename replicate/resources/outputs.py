"""The output of a prediction or a training as its user sees it: what came, with files that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._core.plain import members
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from replicate._core.session import Session
    from replicate._data.schema import OutputSchema
    from replicate.resources.predictions import Prediction
    from replicate.resources.trainings import Training


def raw(run: Prediction[Any] | Training[Any]) -> Any:
    """Give the output as it came."""
    return vars(run).get("output")


def with_files(run: Prediction[Any], session: Session[Any] | None, item: Any = UNSET) -> Any:
    """Give the output of a prediction, or an item of it, with those of its strings that are files as FileStrings.

    What is a file its schema tells, if that is known by now; if not, the URL does. An output without files is itself.
    """
    from replicate._data.file_string import FileString
    from replicate._data.schema import OutputSchema

    output, found = raw(run) if item is UNSET else item, list[str]()

    def make(url: str) -> Any:
        """Make a file, and note that there is one."""
        found.append(url)
        return FileString[Any](url, session, run)

    known = known_schema(run, session) if session else OutputSchema(None)
    replace = known.files if item is UNSET else known.file
    made = replace(output, make, session.is_api if session else no_api)
    return made if found else output


def no_api(_url: str) -> bool:
    """Say of a URL that it is not the API's: of which API, is not known."""
    return False


def known_schema(run: Prediction[Any], session: Session[Any]) -> OutputSchema:
    """Give the schema of a prediction's output, if flows remember its model, or else one that says nothing."""
    from replicate._data.schema import OutputSchema

    description = remembered(run, session)
    return OutputSchema(None) if description is None else description.output


def known_defaults(run: Prediction[Any], session: Session[Any]) -> dict[str, Any]:
    """Give the defaults of a prediction's input, if flows remember its model."""
    description = remembered(run, session)
    if description is None:
        return {}
    properties = members(description.input.get("properties"))
    return {name: each["default"] for name, each in properties.items() if "default" in members(each)}


def remembered(run: Prediction[Any], session: Session[Any]) -> Any:
    """Give the description of a prediction's model, if flows remember it.

    Of a model that is remembered by its name, that is the description of one version only, unless it is an official
    one.
    """
    from replicate._data.reference import ModelVersionIdentifier, Reference

    version = str(run.version)
    owner, _, name = str(run.model or "").partition("/")
    model = ModelVersionIdentifier(owner, name)
    for reference in (Reference(model._replace(version=version), version), Reference(model, None)):
        description: Any = session.memory.get(reference)
        if description is not None and version in (description.version, "hidden"):
            return description
    return None
