"""The interface of a job, which is a prediction or a training, for code that works with both kinds."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Protocol

from replicate._dual.colours import Coloured


class Endpoints(NamedTuple):
    """The API operations on one kind of job, and how that kind differs from the other."""

    noun: str
    """The name of such a job in error messages and logs."""
    list: Any
    get: Any
    cancel: Any
    listed_by_time: bool = True
    """Whether the list endpoint can filter by creation time."""
    described: bool = True
    """Whether the schema of the model describes the job's input."""


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
        """Whether the job has ended."""
        ...

    @property
    def progress(self) -> Any:
        """How far the job has progressed."""
        ...

    @property
    def timings(self) -> Any:
        """How many seconds the job was queued and running."""
        ...
