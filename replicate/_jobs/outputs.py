"""The output of a job as users see it: with files that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

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
"""The fields that come first, in version 1's order."""


def raw_output(run: Any) -> Any:
    """Return the output as it came."""
    return stored(run, "output")


class Made(NamedTuple):
    """What a file knows of the prediction that made it."""

    completed_at: Any
    source: Any


class Maker:
    """A weak reference to the prediction that made some files, which must not keep it alive.

    When the prediction is gone, this has what was known of it when the files were made.
    """

    def __init__(self, run: Any) -> None:
        self._run, self._then = ref(run), Made(run.completed_at, run.source)

    @property
    def completed_at(self) -> Any:
        """When it ended, as far as is known."""
        return self._now().completed_at

    @property
    def source(self) -> Any:
        """Where it was made."""
        return self._now().source

    def _now(self) -> Any:
        run = self._run()
        return self._then if run is None else run


def with_files(run: AnyJob, session: Session[Any] | None, item: Any = UNSET) -> Any:
    """Return the output of a prediction, or an item of it, with file strings as FileStrings.

    The model's schema says which strings are files; if it is unknown, the URL decides. Without files, this returns the
    output itself.
    """
    output, found = raw_output(run) if item is UNSET else item, list[str]()
    maker = Maker(run)

    def make(url: str) -> Any:
        """Create a file, and note that there is one."""
        from replicate._outputs.file_string import FileString

        found.append(url)
        return FileString[Any](url, session, maker)

    known = known_schema(run, session)
    made = (known.files if item is UNSET else known.file)(output, make)
    return made if found else output


def known_schema(run: AnyJob, session: Session[Any] | None) -> OutputSchema:
    """Return the schema of a prediction's output; an empty one if its client does not remember the model."""
    from replicate._models.descriptions import description_of
    from replicate._models.schema import BY_VALUE

    try:
        description = description_of(run, session) if session else None
    except ReplicateError:  # the environment's base URL is invalid: this is not the place to raise
        description = None
    return BY_VALUE if description is None else description.output


def known_defaults(run: AnyJob, session: Session[Any]) -> dict[str, Any]:
    """Return the defaults of a prediction's inputs, if its client remembers the model."""
    from replicate._models.descriptions import description_of

    description = description_of(run, session)
    if description is None:
        return {}
    return {name: each["default"] for name, each in description.inputs.items() if "default" in members(each)}
