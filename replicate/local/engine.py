"""Runs functions as models: one thread for each running prediction, and a queue for those that wait.

A generator can be stopped between two items, and a coroutine where it awaits. Python cannot stop a plain function: its
prediction is canceled at once, but the function keeps its thread until it returns, and its result is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
import time
import traceback
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import attrs

from replicate.local.arguments import convert_all
from replicate.local.download import Downloads
from replicate.local.outputs import published
from replicate.local.printing import captured

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from replicate.local.files import Files
    from replicate.local.prediction import Prediction
    from replicate.local.schema import Signature
Finish = Callable[[], None]


@attrs.frozen
class Job:
    """A run, the function that it calls, and arguments for the function besides the input."""

    run: Prediction
    signature: Signature
    more: dict[str, Any]


class ModelError(Exception):
    """An exception from a model, with the text for the prediction's error and the traceback for its logs."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error) or type(error).__name__)
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
        lines = [*traceback.format_list(frames), *traceback.format_exception_only(error)]
        self.traceback: str = "".join(["Traceback (most recent call last):\n", *lines])


class Engine:
    """The threads that run models: at most `limit`, started on demand, and reused."""

    def __init__(self, files: Files, limit: int) -> None:
        self._files, self._limit = files, limit
        self._waiting: deque[Job] = deque()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False
        self._changed = threading.Condition()

    def submit(self, run: Prediction, signature: Signature, more: dict[str, Any] | None = None) -> None:
        """Run a prediction or training as soon as a thread is free."""
        with self._changed:
            self._waiting.append(Job(run, signature, more or {}))
            if len(self._waiting) > self._idle and len(self._threads) < self._limit:
                thread = threading.Thread(target=self._work, name="replicate-local-model", daemon=True)
                self._threads.append(thread)
                thread.start()
            else:
                self._changed.notify()

    def close(self, timeout: float) -> None:
        """Wait for the threads to end, for a limited time: a function that blocks cannot be stopped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        while job := self._next():
            try:
                if job.run.begin():
                    _Run(job, self._files).perform()
            finally:
                job.run.fail("The local server could not run this.")  # if nothing else finished it

    def _next(self) -> Job | None:
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._waiting or self._closed)
            self._idle -= 1
            return self._waiting.popleft() if self._waiting else None


class _Run:
    """One call of a function."""

    def __init__(self, job: Job, files: Files) -> None:
        self._job, self._prediction, self._files = job, job.run, files

    def perform(self) -> None:
        """Call the function and store the result in the prediction."""
        prediction = self._prediction
        try:
            with Downloads(self._files) as downloads, captured(prediction.log), _failures_of_the_model():
                finish = self._call(downloads)
        except ModelError as failure:
            prediction.log(failure.traceback)
            prediction.fail(str(failure))
        else:
            finish()

    def _call(self, downloads: Downloads) -> Finish:
        """Call the function and read its output; return a function that finishes the run once the logs are complete."""
        signature, given = self._job.signature, {**self._job.more, **self._prediction.input}
        result = signature.function(**convert_all(given, signature.annotations, downloads.fetch))
        if inspect.isawaitable(result) or isinstance(result, AsyncIterator):
            try:
                return asyncio.run(self._await(result))
            except asyncio.CancelledError:
                return self._prediction.cancel
        if _is_iterator(result):
            return self._drain(result)
        return partial(self._prediction.succeed, self._publish(result))

    def _drain(self, items: Iterator[Any]) -> Finish:
        for item in items:
            if not self._prediction.add_output(self._publish(item)):
                getattr(items, "close", lambda: None)()
                break
        return self._prediction.exhaust

    async def _await(self, result: Any) -> Finish:
        task, loop = asyncio.ensure_future(self._consume(result)), asyncio.get_running_loop()

        def stop() -> None:
            if self._prediction.status in {"canceled", "aborted"}:
                loop.call_soon_threadsafe(task.cancel)

        with self._prediction.listening(stop):
            stop()  # it may have been canceled before the listener was added
            return await task

    async def _consume(self, result: Any) -> Finish:
        if not isinstance(result, AsyncIterator):
            return partial(self._prediction.succeed, self._publish(await result))
        items = cast("AsyncGenerator[Any]", result)
        async with contextlib.aclosing(items) if hasattr(items, "aclose") else contextlib.nullcontext():
            async for item in items:
                if not self._prediction.add_output(self._publish(item)):
                    break
        return self._prediction.exhaust

    def _publish(self, value: Any) -> Any:
        return published(value, lambda file: self._files.deliver(file, self._prediction.origin))


def _is_iterator(value: Any) -> TypeGuard[Iterator[Any]]:
    return isinstance(value, Iterator)


@contextlib.contextmanager
def _failures_of_the_model() -> Generator[None]:
    try:
        yield
    except (Exception, SystemExit) as error:
        raise ModelError(error) from error
