"""What predictions and trainings have in common: jobs, which are started, watched and canceled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar, cast

from replicate._dual.colours import C
from replicate._dual.methods import dual
from replicate._http.deadline import Deadline
from replicate._jobs import updates as watching
from replicate._jobs.fetch import TERMINAL, cancel_job, refresh
from replicate._jobs.outputs import RUN_FIELDS
from replicate._jobs.updates import Timings, Updates, timings
from replicate._jobs.wait import wait_until_done
from replicate._objects.resource import Bound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import typing_extensions

    from replicate._jobs.any_job import Endpoints
    from replicate._objects.html import Bundle

    ThisJob = typing_extensions.TypeVar("ThisJob", bound="Job", default=Any)
else:
    ThisJob = TypeVar("ThisJob")


class Job(Bound[C], Generic[C, ThisJob]):
    """A prediction or a training, as last seen: `reload` looks again, `wait` looks until it has finished.

    A kind of job names itself as the second type, comes after its generated model among the bases, and tells its
    `endpoints`.
    """

    endpoints: ClassVar[Endpoints]
    first: ClassVar[tuple[str, ...]] = RUN_FIELDS

    Progress: TypeAlias = watching.Progress

    # The generated model of each kind, which comes first, declares these more closely.
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
        """Whether it has ended: succeeded, failed, canceled or aborted."""
        return self.status in TERMINAL

    @property
    def progress(self) -> watching.Progress | None:
        """How far it is, if its logs show a progress bar."""
        return self.Progress.parse(self.logs or "")

    @property
    def timings(self) -> Timings:
        """The seconds it was queued, it ran, and both: so far, if it has not finished."""
        return timings(self)

    @dual
    async def wait(
        self,
        timeout: float | None = None,
        *,
        on_update: Callable[[ThisJob], object] | None = None,
        progress: bool = False,
    ) -> ThisJob:
        """Wait until this prediction or training has finished, for at most so many seconds, and give it.

        Whether it succeeded is in `status`. `on_update` is called with it as it is, and whenever it has changed; with
        an asynchronous client it may be a coroutine function. `progress=True` shows how far it is. Raises
        PredictionTimeout, APIError.
        """
        with Updates(self._session, on_update, progress) as updates:
            return await wait_until_done(cast("ThisJob", self), Deadline(self._session, timeout), updates)

    @dual
    async def reload(self) -> ThisJob:
        """Load this prediction (`predictions.get`) or training (`trainings.get`) anew, in place. Raises APIError."""
        return await refresh(cast("ThisJob", self))

    @dual
    async def cancel(self) -> ThisJob:
        """Stop this prediction (`predictions.cancel`) or training (`trainings.cancel`), in place.

        One that has finished stays as it is. Raises APIError.
        """
        return await cancel_job(cast("ThisJob", self))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:  # noqa: ARG002 - asked so
        from replicate._jobs.notebook import shown

        return shown(self)

    def __getstate__(self) -> Mapping[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_output"}
