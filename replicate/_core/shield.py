"""Finishing what must be finished in a task that is being canceled. Part of the transport: it awaits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Callable, Coroutine


async def shielded(work: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
    """Do some work to its end, for so many seconds at most, though the task is being canceled.

    On asyncio it is a task of its own, for there a task may be canceled again at any moment.
    """
    import asyncio

    from anyio import CancelScope, move_on_after

    try:
        asyncio.get_running_loop()
    except RuntimeError:  # it is trio's
        with move_on_after(seconds, shield=True):
            await work()
    else:
        with CancelScope(shield=True):
            await finished(asyncio.ensure_future(work()), seconds)


async def finished(task: Task[None], seconds: float) -> None:
    """Wait for a task, for so many seconds at most. A cancellation that comes meanwhile is heeded afterwards."""
    import asyncio

    canceled: asyncio.CancelledError | None = None
    timer = asyncio.get_running_loop().call_later(seconds, task.cancel)
    try:
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError as error:  # noqa: PERF203 - it may come several times
                canceled = error
    finally:
        timer.cancel()
    if canceled is not None:
        raise canceled
    if not task.cancelled():
        task.result()
