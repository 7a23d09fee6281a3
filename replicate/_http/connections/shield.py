"""Finishing what must be finished in a task that is being canceled. Part of the transport: it awaits."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def run_in_thread(work: Callable[[], object], seconds: float) -> None:
    """Do some work in a thread of its own, and wait for it no longer than so many seconds, whatever it waits for."""
    from threading import Thread

    thread = Thread(target=work, name="replicate in time", daemon=True)
    with suppress(RuntimeError):  # Python is ending, and starts none any more
        thread.start()
        thread.join(seconds)


async def shielded(work: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
    """Do some work to its end, for so many seconds at most, though the task is being canceled."""
    import asyncio

    from anyio import CancelScope, move_on_after

    try:
        asyncio.get_running_loop()
    except RuntimeError:  # it is trio's
        with move_on_after(seconds, shield=True):
            await work()
    else:
        with CancelScope(shield=True):
            await run_to_end(work, asyncio.get_running_loop().time() + seconds)


async def run_to_end(work: Callable[[], Coroutine[Any, Any, None]], end: float) -> None:
    """Do some work in a task of its own, until it is done or the time has come.

    When this is canceled, that is heeded afterwards. When the work is, as all tasks are where a loop ends, it is begun
    anew.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    canceled: asyncio.CancelledError | None = None
    task = asyncio.ensure_future(work())
    timer = loop.call_at(end, lambda: task.cancel())  # noqa: PLW0108 - whichever it is by then
    try:
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError as error:
                canceled = error
            if task.done() and task.cancelled() and loop.time() < end:
                task = asyncio.ensure_future(work())
    finally:
        timer.cancel()
    if canceled is not None:
        raise canceled
    if not task.cancelled():
        task.result()
