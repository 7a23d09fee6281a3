"""Ownership of the job that a call starts: a block cancels it if the call is left early, or when Python exits."""

from __future__ import annotations

import atexit
import sys
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from replicate._dual.drive import drive
from replicate._http import log
from replicate._http.config import LAST_CHANCE
from replicate._http.connections.process import ClosedError, inheritors
from replicate._http.deadline import Deadline
from replicate._http.libraries import httpx
from replicate._jobs.create_registry import create_registry
from replicate._jobs.fetch import PASSING, TERMINAL, fetch_job, tell_end
from replicate._jobs.pauses import CANCEL, CANCEL_ASIDE
from replicate._objects.resource import session_of, update_from
from replicate.exceptions import APIError, PredictionTimeout, ReplicateError, ReplicateException, RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType
    from typing import Self

    from replicate._http.session import Session
    from replicate._jobs.any_job import AnyJob
    from replicate._jobs.updates import Updates

T = TypeVar("T")
LAST_WILL = 5.0
"""Seconds that a call which is left early may take to cancel its job."""

AT_EXIT = 10.0
"""Seconds that canceling may take in total when Python exits. Ctrl-C ends it."""


class Block(Protocol):
    """A block that cancels a job when it is left early."""

    @property
    def run(self) -> Any:
        """The job to cancel, if it is known."""

    @property
    def session(self) -> Session[Any] | None:
        """The session to cancel it with; None if nothing can have been started yet."""

    async def end(self, session: Session[Any], seconds: float = ...) -> None:
        """Cancel it through a session, within so many seconds."""


class ExitRegistry:
    """The open blocks of this process that cancel a job when they are left early. All threads share it."""

    def __init__(self) -> None:
        self._blocks: set[Block] = set()
        self._registered = False
        inheritors.add(self)

    def add(self, block: Block) -> None:
        """Record that a block has begun. The first one makes `end` run at exit, before connections are closed."""
        if not self._registered:
            self._registered = True
            weakref.finalize(self, bool).atexit = False  # the first finalizer makes weakref register its own function
            atexit.register(self.end)  # the last function registered runs first: before finalizers close connections
            if util := sys.modules.get("multiprocessing.util"):  # its processes exit without atexit
                util.Finalize(None, self.end, exitpriority=0)
        self._blocks.add(block)

    def remove(self, block: Block) -> bool:
        """Record that a block has ended. False if it belongs to another process, or was ended at exit."""
        try:
            self._blocks.remove(block)
        except KeyError:
            return False
        return True

    def of(self, run: Any) -> Block | None:
        """Return the block that is to cancel a job, if there is one."""
        return next((block for block in list(self._blocks) if run is not None and block.run is run), None)

    def end(self) -> None:
        """Cancel the jobs of all blocks, one after the other."""
        blocks, self._blocks = self._blocks, set()
        with suppress(KeyboardInterrupt):
            drive(cancel_all(list(blocks), AT_EXIT))

    def forget(self) -> None:
        """After a fork, in the child: drop the blocks, which belong to the parent process."""
        self._blocks, self._registered = set(), False


async def cancel_all(blocks: list[Block], seconds: float) -> None:
    """Cancel the jobs of some blocks, within so many seconds. Uses blocking sessions: event loops are gone by then."""
    for block in blocks:
        with suppress(ReplicateError):  # the caller's own HTTP client may not be usable here
            if (own := block.session) is None:
                continue
            session = own if own.blocking else own.afresh()
            start = session.transport.now()
            await block.end(session, seconds)
            seconds -= session.transport.now() - start
            if session is not own:
                await session.transport.close()
        if seconds <= 0:
            return


open_blocks: ExitRegistry = ExitRegistry()


class Starting(Protocol):
    """A create, as the block of its call sees it."""

    session: Session[Any]
    id: str | None

    async def end(self, session: Session[Any], seconds: float = ...) -> None:
        """Cancel the job that the request started, within so many seconds."""


class CancelOnExit:
    """A block that owns the job of a call, from before the request is sent to the end of the call.

    The block may be entered again if it was left without an error: an iterator over the output continues with it.

    Cancels the job, unless it has finished or `cancel` is False, on interrupts, task cancellation, generator close and
    foreign exceptions; of our own, only on PredictionTimeout, ClosedError and errors raised by a callback of `updates`.

    Once `run` is set, turns every ReplicateException that is not about this job into a RunError that carries it, and
    also every httpx error and TimeoutError, whoever raised it. Code that repeats a call on one of these errors must not
    pay twice.
    """

    def __init__(self, run: AnyJob | None = None, *, cancel: bool, updates: Updates | None = None) -> None:
        self.run: AnyJob | None = run
        """The job that was started."""
        self.create: Starting | None = None
        """The create that starts the job, from just before its request is sent; None again if it has failed."""
        self.cancel: bool = cancel
        self._updates = updates

    async def __aenter__(self) -> Self:
        if self.cancel:
            open_blocks.add(self)
        return self

    def release(self) -> bool:
        """Cancel nothing from now on. False if this would not have canceled anything, or is of another process."""
        return open_blocks.remove(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ours = self.release()  # also False if the job was canceled at exit
        if error is None:
            return
        by_callback = self._updates is not None and error is self._updates.error
        late = isinstance(error, PredictionTimeout) and not by_callback
        early = by_callback or isinstance(error, (PredictionTimeout, ClosedError)) or self.run is None
        session = self.session
        if ours and session is not None and (early or not isinstance(error, ReplicateException)):
            await session.transport.shielded(lambda: self.end(session, late=late), LAST_WILL)
        if self.run is None:
            return
        if isinstance(error, PredictionTimeout):
            error.tell()
        about_this = isinstance(error, RunError) and (not by_callback or error.prediction is self.run)
        if isinstance(error, (ReplicateException, httpx.HTTPError, TimeoutError)) and not about_this:
            raise RunError.of(error, self.run) from error

    @property
    def session(self) -> Session[Any] | None:
        """The session of the job or its create; None if nothing can have been started."""
        if self.run is not None:
            return session_of(self.run)
        return None if self.create is None else self.create.session

    async def end(self, session: Session[Any], seconds: float = LAST_WILL, *, late: bool = False) -> None:
        """Cancel the job through a session, within so many seconds, unless it has ended or may be somebody else's."""
        run = self.run
        if run is None:
            if self.create is not None:
                await self.create.end(session, seconds)
        elif run.status not in TERMINAL and create_registry.may_cancel(run.id, late=late):
            await cancel_quietly(session, run.endpoints.cancel, run.id, into=run, seconds=min(seconds, LAST_WILL))


async def cancel_quietly(
    session: Session[Any], canceler: Any, run_id: str, into: AnyJob | None = None, seconds: float = LAST_WILL
) -> bool:
    """Cancel an abandoned job, within so many seconds. Return whether it was canceled.

    Errors are only logged, because another exception is being raised. So are all exceptions of observers.
    """
    canceled, session = False, without_interrupting_observers(session)
    try:
        payload = await cancel_with_retries(
            session, canceler, run_id, Deadline(session, max(0.1, seconds - LAST_CHANCE))
        )
        canceled = True
        if into is not None:
            update_from(into, payload)
            tell_end(into, session=session)
    except Exception as error:  # noqa: BLE001 - any failure
        log.debug("%s cannot be canceled: %s", run_id, error)
    finally:
        if canceled:
            log.info("canceled %s, for nobody waits for it any more", run_id)
        else:
            log.warning("%s could not be canceled: it may go on, and is charged for then", run_id)
    return canceled


def without_interrupting_observers(session: Session[Any]) -> Session[Any]:
    """Return a session for cleaning up, in which no exception of an observer has an effect, not even an interrupt."""
    observers = session.config.observers
    return session if observers is None else session.evolve(observers=observers.without_interrupts())


async def cancel_with_retries(
    session: Session[Any], canceler: Any, run_id: str, deadline: Deadline, pauses: tuple[float, ...] = CANCEL
) -> Any:
    """Cancel a prediction or a training, with one attempt for each pause. Raise the error of the last attempt."""
    trouble: APIError | None = None
    for pause in pauses:
        try:
            if pause := min(pause, max(0.0, deadline.remaining())):
                await session.transport.sleep(pause)
            return await fetch_job(deadline.bound(session), canceler, run_id)
        except PASSING as error:
            log.debug("canceling %s failed: %s", run_id, error)
            trouble = error
            if deadline.remaining() <= 0:
                break
        except ClosedError:
            # A client may be closed, explicitly or at loop shutdown, before the iterators that use it.
            return await in_thread(
                session, lambda spare: cancel_with_retries(spare, canceler, run_id, deadline, CANCEL_ASIDE)
            )
    raise trouble or AssertionError


async def in_thread(session: Session[Any], work: Callable[[Session[Any]], Coroutine[Any, Any, T]]) -> T:
    """Run some work in a thread, with a blocking session that has its own connections. The event loop keeps running.

    The work continues to its end even if nobody waits for it any more, so it must have a deadline.
    """

    async def whole() -> T:
        """Open the connections, run the work, and close them."""
        spare = session.afresh()
        try:
            return await work(spare)
        finally:
            await spare.transport.close()

    return await session.transport.offload(lambda: drive(whole()), stalls=True)
