"""The interface of jobs, for code that works on predictions and trainings alike."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Protocol

from replicate._dual.colours import Coloured


class Endpoints(NamedTuple):
    """The operations on one kind of job, and its differences from the other kind."""

    noun: str
    """What errors and logs call it."""
    list: Any
    get: Any
    cancel: Any
    listed_by_time: bool = True
    """Whether the list can be limited to the jobs created after a moment."""
    described: bool = True
    """Whether the schema of the model describes the input."""


class AnyJob(Coloured[Any], Protocol):
    """A prediction or a training, as last seen."""

    endpoints: ClassVar[Endpoints]

    id: Any
    model: Any
    version: Any
    status: Any
    input: Any
    output: Any
    logs: Any
    error: Any
    urls: Any
    created_at: Any
    started_at: Any
    completed_at: Any

    @property
    def finished(self) -> bool:
        """Whether it has ended."""
        ...

    @property
    def progress(self) -> Any:
        """How far it is."""
        ...

    @property
    def timings(self) -> Any:
        """The seconds it took."""
        ...
