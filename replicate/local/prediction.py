"""One prediction: its state, its events so far, and the listeners for further events.

The thread that runs the model writes a prediction, and the event loop reads it, so every change holds its lock. Once
it is finished, nothing changes it: later output of the model is dropped.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from replicate.local.clock import Clock, stamp
from replicate.local.validation import is_array

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from datetime import datetime

FINISHED = frozenset({"succeeded", "failed", "canceled", "aborted"})


@attrs.frozen
class Event:
    """An event of a stream: output, logs, error or done. Its id is `<epoch in ms>:<place in the stream>`."""

    kind: str
    data: str
    id: str


def text_of(value: Any) -> str:
    """Return an output as a stream sends it: a string unchanged, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@attrs.define(eq=False, kw_only=True)
class Prediction:
    """A prediction, live or from the store."""

    KEPT: ClassVar[tuple[str, ...]] = (
        *("id", "key", "model", "version", "deployment", "input"),
        *("origin", "status", "output", "error", "logs"),
    )
    """The fields that the store keeps besides times and events."""

    id: str
    key: str  # the unguessable part of the URL of its stream
    model: str
    version: str
    deployment: str | None = None
    input: dict[str, Any]
    origin: str  # scheme and host of the create request, for the URLs of output files
    created_at: datetime
    status: str = "starting"
    output: Any = None
    error: str | None = None
    logs: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    deadline: datetime | None = None
    events: list[Event] = attrs.field(factory=list[Event])
    clock: Clock = attrs.field(factory=Clock, repr=False)
    on_finish: Callable[[Prediction], None] = attrs.field(default=lambda _prediction: None, repr=False)
    _lock: threading.RLock = attrs.field(factory=threading.RLock, init=False, repr=False)
    _listeners: list[Callable[[], None]] = attrs.field(factory=list["Callable[[], None]"], init=False, repr=False)

    @property
    def finished(self) -> bool:
        """Return whether the status is final."""
        return self.status in FINISHED

    @property
    def ended(self) -> bool:
        """Return whether its last event has been recorded, a moment after it is finished."""
        return bool(self.events) and self.events[-1].kind == "done"

    def begin(self) -> bool:
        """Record that the model has started; return False if the prediction is already finished."""
        with self._lock:
            if not self.finished:
                self.status, self.started_at = "processing", self.clock.now()
                self._tell()
            return not self.finished

    def log(self, text: str) -> None:
        """Append text to the logs."""
        with self._lock:
            if not self.finished:
                self.logs += text
                self._record("logs", text)

    def add_output(self, item: Any) -> bool:
        """Append an item to the output of an iterator; return False if the prediction is already finished."""
        with self._lock:
            if not self.finished:
                self.output = self.output or []
                self.output.append(item)
                self._record("output", text_of(item))
            return not self.finished

    def succeed(self, output: Any) -> None:
        """Finish with a single output."""
        with self._lock:
            if not self.finished:
                self.output = output
                self._record("output", text_of(output))
                self._finish("succeeded", {})

    def exhaust(self) -> None:
        """Finish with the items that an iterator has yielded so far."""
        with self._lock:
            if not self.finished:
                self.output = self.output or []
                self._finish("succeeded", {})

    def fail(self, error: str) -> None:
        """Finish with an error."""
        with self._lock:
            if not self.finished:
                self.error = error
                self._record("error", json.dumps({"detail": error}, ensure_ascii=False))
                self._finish("failed", {"reason": "error"})

    def cancel(self) -> None:
        """Finish as canceled."""
        with self._lock:
            if not self.finished:
                self._finish("canceled", {"reason": "canceled"})

    def expire(self) -> None:
        """Finish because the deadline has passed: aborted if the model has not even started."""
        with self._lock:
            if not self.finished:
                self._finish("canceled" if self.started_at else "aborted", {"reason": "canceled"})

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` at every change, in the thread that makes it, before the next change."""
        with self._lock:
            self._listeners.append(listener)

    @contextmanager
    def listening(self, listener: Callable[[], None]) -> Generator[None]:
        """Call `listener` at every change during the `with` block."""
        self.listen(listener)
        try:
            yield
        finally:
            with self._lock:
                self._listeners.remove(listener)

    def to_json(self, origin: str) -> dict[str, Any]:
        """Return the prediction as the API shows it; `origin` is the scheme and host of the request."""
        with self._lock:
            url = f"{origin}/v1/predictions/{self.id}"
            moments = {"started_at": self.started_at, "completed_at": self.completed_at, "deadline": self.deadline}
            return {
                "id": self.id,
                "model": self.model,
                "version": self.version,
                **({"deployment": self.deployment} if self.deployment else {}),
                "input": self.input,
                "logs": self.logs,
                "output": self.output.copy() if is_array(self.output) else self.output,
                "data_removed": False,
                "error": self.error,
                "source": "api",
                "status": self.status,
                "created_at": stamp(self.created_at),
                **{name: stamp(moment) for name, moment in moments.items() if moment},
                **({"metrics": self.metrics} if self.metrics else {}),
                "urls": {
                    "cancel": f"{url}/cancel",
                    "get": url,
                    "stream": f"{origin}/v1/streams/{self.key}",
                    "web": f"{origin}/p/{self.id}",
                },
            }

    @property
    def metrics(self) -> dict[str, float]:
        """Return how long a finished prediction took, in seconds."""
        if not self.completed_at:
            return {}
        total = (self.completed_at - self.created_at).total_seconds()
        if not self.started_at:
            return {"total_time": total}
        return {"predict_time": (self.completed_at - self.started_at).total_seconds(), "total_time": total}

    def _finish(self, status: str, reason: dict[str, str]) -> None:
        self.status, self.completed_at = status, self.clock.now()
        self._note("done", json.dumps(reason))
        self.on_finish(self)
        self._tell()

    def _record(self, kind: str, data: str) -> None:
        self._note(kind, data)
        self._tell()

    def _note(self, kind: str, data: str) -> None:
        milliseconds = int(self.clock.now().timestamp() * 1000)
        self.events.append(Event(kind, data, f"{milliseconds}:{len(self.events)}"))

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
