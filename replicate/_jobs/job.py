"""The base class of predictions and trainings: jobs that are started, polled and canceled."""

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
    """A prediction or a training, as last seen. `reload` fetches it again; `wait` polls until it has finished.

    A subclass passes itself as the second type argument, lists its generated model before this class among its bases,
    and sets `endpoints`.
    """

    endpoints: ClassVar[Endpoints]
    first: ClassVar[tuple[str, ...]] = RUN_FIELDS

    Progress: TypeAlias = watching.Progress

    # The generated model, which precedes this class in the bases, declares these more precisely.
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
        """Whether the job has ended: succeeded, failed, canceled or aborted."""
        return self.status in TERMINAL

    @property
    def progress(self) -> watching.Progress | None:
        """The progress of the job, if its logs show a progress bar."""
        return self.Progress.parse(self.logs or "")

    @property
    def timings(self) -> Timings:
        """The seconds that the job was queued, was running, and both together; up to now if it has not finished."""
        return timings(self)

    @dual
    async def wait(
        self,
        timeout: float | None = None,
        *,
        on_update: Callable[[ThisJob], object] | None = None,
        progress: bool = False,
    ) -> ThisJob:
        """Wait until this prediction or training has finished, for at most `timeout` seconds, and return it.

        `status` says whether it succeeded. `on_update` is called with it once at first and after every change; with an
        asynchronous client it may be a coroutine function. `progress=True` shows a progress bar. Raises
        PredictionTimeout, APIError.
        """
        with Updates(self._session, on_update, progress) as updates:
            return await wait_until_done(cast("ThisJob", self), Deadline(self._session, timeout), updates)

    @dual
    async def reload(self) -> ThisJob:
        """Fetch this prediction or training again, and update it in place. Raises APIError.

        Maps to `predictions.get` or `trainings.get`.
        """
        return await refresh(cast("ThisJob", self))

    @dual
    async def cancel(self) -> ThisJob:
        """Cancel this prediction or training, and update it in place. Raises APIError.

        A finished one is not changed. Maps to `predictions.cancel` or `trainings.cancel`.
        """
        return await cancel_job(cast("ThisJob", self))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:  # noqa: ARG002 - IPython's
        from replicate._jobs.notebook import shown

        return shown(self)

    def __getstate__(self) -> Mapping[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_output"}
