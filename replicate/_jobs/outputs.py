"""The output of a prediction or a training as its user sees it: what came, with files that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._json import members
from replicate.exceptions import ReplicateError
from replicate_api.types import UNSET, stored

if TYPE_CHECKING:
    from replicate._http.session import Session
    from replicate._jobs.any_job import AnyJob
    from replicate._models.schema import OutputSchema


RUN_FIELDS = (
    "id", "model", "version", "destination", "status", "input", "output", "logs", "error", "metrics", "created_at",
    "started_at", "completed_at", "urls",
)  # fmt: skip
"""The fields of predictions and trainings in the order of version 1, which come before all others."""


def raw(run: Any) -> Any:
    """Give the output as it came."""
    return stored(run, "output")


def with_files(run: AnyJob, session: Session[Any] | None, item: Any = UNSET) -> Any:
    """Give the output of a prediction, or an item of it, with those of its strings that are files as FileStrings.

    What is a file its schema tells, if that is known by now; if not, the URL does. An output without files is itself.
    """
    from replicate._outputs.file_string import FileString

    output, found = raw(run) if item is UNSET else item, list[str]()

    def make(url: str) -> Any:
        """Make a file, and note that there is one."""
        found.append(url)
        return FileString[Any](url, session, run)

    known = known_schema(run, session)
    made = (known.files if item is UNSET else known.file)(output, make)
    return made if found else output


def known_schema(run: AnyJob, session: Session[Any] | None) -> OutputSchema:
    """Give the schema of a prediction's output, if its client remembers its model, or else one that says nothing."""
    from replicate._models.descriptions import description_of
    from replicate._models.schema import BY_VALUE

    try:
        description = description_of(run, session) if session else None
    except ReplicateError:  # the environment names no address: nobody is to be asked here
        description = None
    return BY_VALUE if description is None else description.output


def known_defaults(run: AnyJob, session: Session[Any]) -> dict[str, Any]:
    """Give the defaults of a prediction's input, if its client remembers its model."""
    from replicate._models.descriptions import description_of

    description = description_of(run, session)
    if description is None:
        return {}
    return {name: each["default"] for name, each in description.inputs.items() if "default" in members(each)}
