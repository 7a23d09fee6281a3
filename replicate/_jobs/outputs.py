"""The output of a prediction or a training as its user sees it: what came, with files that can be read."""

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
"""The fields of predictions and trainings in the order of version 1, which come before all others."""


def raw_output(run: Any) -> Any:
    """Give the output as it came."""
    return stored(run, "output")


class Made(NamedTuple):
    """What files are to know of the prediction that made them."""

    completed_at: Any
    source: Any


class Maker:
    """The prediction that made some files, for files that it holds itself: they must not keep it alive.

    When it is gone, this tells what was known of it when the files were made.
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
    """Give the output of a prediction, or an item of it, with those of its strings that are files as FileStrings.

    What is a file its schema tells, if that is known by now; if not, the URL does. An output without files is itself.
    """
    output, found = raw_output(run) if item is UNSET else item, list[str]()
    maker = Maker(run)

    def make(url: str) -> Any:
        """Make a file, and note that there is one."""
        from replicate._outputs.file_string import FileString

        found.append(url)
        return FileString[Any](url, session, maker)

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
