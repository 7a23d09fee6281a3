"""One prediction: its state, the events that led there, and who wants to hear of the next one.

A prediction is written by the thread that runs the model and read by the event loop, so every change is made under
its lock. Once it is finished nothing changes it: what a model still sends after that is dropped.
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
    """Something that a stream tells: output, logs, error or done. Its id is `<epoch in ms>:<place in the stream>`."""

    kind: str
    data: str
    id: str


def text_of(value: Any) -> str:
    """Write an output as a stream sends it: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@attrs.define(eq=False, kw_only=True)
class Prediction:
    """A prediction, live or from the store."""

    KEPT: ClassVar[tuple[str, ...]] = (
        *("id", "key", "model", "version", "deployment", "input"),
        *("origin", "status", "output", "error", "logs"),
    )
    """What the store keeps beside times and events."""

    id: str
    key: str  # what makes the address of its stream unguessable
    model: str
    version: str
    deployment: str | None = None
    input: dict[str, Any]
    origin: str  # where its creator reached the server, so that output files have addresses there
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
        """Say whether it has come to an end, good or bad."""
        return self.status in FINISHED

    @property
    def ended(self) -> bool:
        """Say whether its last event has been recorded, which is a moment after it is finished."""
        return bool(self.events) and self.events[-1].kind == "done"

    def begin(self) -> bool:
        """Note that the model has started; return False if the prediction is over already."""
        with self._lock:
            if not self.finished:
                self.status, self.started_at = "processing", self.clock.now()
                self._tell()
            return not self.finished

    def log(self, text: str) -> None:
        """Add to the logs."""
        with self._lock:
            if not self.finished:
                self.logs += text
                self._record("logs", text)

    def add_output(self, item: Any) -> bool:
        """Add an item to the output of an iterator; return False if nobody wants more."""
        with self._lock:
            if not self.finished:
                self.output = self.output or []
                self.output.append(item)
                self._record("output", text_of(item))
            return not self.finished

    def succeed(self, output: Any) -> None:
        """Finish with an output that came in one piece."""
        with self._lock:
            if not self.finished:
                self.output = output
                self._record("output", text_of(output))
                self._finish("succeeded", {})

    def exhaust(self) -> None:
        """Finish with the output that an iterator has given so far."""
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
        """Finish because somebody asked."""
        with self._lock:
            if not self.finished:
                self._finish("canceled", {"reason": "canceled"})

    def expire(self) -> None:
        """Finish because the deadline has passed: aborted if the model has not even started."""
        with self._lock:
            if not self.finished:
                self._finish("canceled" if self.started_at else "aborted", {"reason": "canceled"})

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` at every change, from whichever thread makes it, before there can be another."""
        with self._lock:
            self._listeners.append(listener)

    @contextmanager
    def listening(self, listener: Callable[[], None]) -> Generator[None]:
        """Listen until the block is left."""
        self.listen(listener)
        try:
            yield
        finally:
            with self._lock:
                self._listeners.remove(listener)

    def to_json(self, origin: str) -> dict[str, Any]:
        """Return the prediction as the API shows it; `origin` is where the asker reached the server."""
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
