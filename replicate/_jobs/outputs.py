"""The output of a prediction or a training as the user sees it: the API's output, with files that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from replicate.exceptions import ReplicateError
from replicate_api.types import UNSET, stored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicate._http.session import Session
    from replicate._jobs.any_job import AnyJob
    from replicate._models.schema import OutputSchema


RUN_FIELDS = (
    "id", "model", "version", "destination", "status", "input", "output", "logs", "error", "metrics", "created_at",
    "started_at", "completed_at", "urls",
)  # fmt: skip
"""The fields of predictions and trainings that are listed first, in the order of version 1."""


def raw_output(run: Any) -> Any:
    """Return the output as the API sent it."""
    return stored(run, "output")


class Made(NamedTuple):
    """The fields that files need of the prediction that made them."""

    completed_at: Any
    source: Any


class Maker:
    """A reference to the prediction that made some files, for files that it holds itself. It does not keep it alive.

    After the prediction is gone, the fields keep the values that they had when the files were made.
    """

    def __init__(self, run: Any) -> None:
        self._run, self._then = ref(run), Made(run.completed_at, run.source)

    @property
    def completed_at(self) -> Any:
        """When the prediction ended, if it is known."""
        return self._now().completed_at

    @property
    def source(self) -> Any:
        """Where the prediction was created."""
        return self._now().source

    def _now(self) -> Any:
        run = self._run()
        return self._then if run is None else run


def with_files(run: AnyJob, session: Session[Any] | None, item: Any = UNSET) -> Any:
    """Return a prediction's output, or one item of it, with each string that is a file as a FileString.

    The schema decides which strings are files if it is known by now; otherwise the URL does. An output without files is
    returned unchanged.
    """
    output, found = raw_output(run) if item is UNSET else item, list[str]()
    maker = Maker(run)

    def make(url: str) -> Any:
        """Create a file, and record that there is one."""
        from replicate._outputs.file_string import FileString

        found.append(url)
        return FileString[Any](url, session, maker)

    known = known_schema(run, session)
    made = (known.files if item is UNSET else known.file)(output, make)
    return made if found else output


def known_schema(run: AnyJob, session: Session[Any] | None) -> OutputSchema:
    """Return the schema of a prediction's output if its client remembers the model, or else an empty schema."""
    from replicate._models.descriptions import description_of
    from replicate._models.schema import BY_VALUE

    try:
        description = description_of(run, session) if session else None
    except ReplicateError:  # the environment holds an invalid base URL, which is no error here: nothing is sent
        description = None
    return BY_VALUE if description is None else description.output


def known_inputs(run: AnyJob, session: Session[Any]) -> Mapping[str, Any]:
    """Return the input properties of a prediction's model by name, or none unless its client remembers the model."""
    from replicate._models.descriptions import description_of

    description = description_of(run, session)
    return {} if description is None else description.inputs
