"""Time that passes only while somebody waits, for a server and the one client process that it serves.

A model takes so many seconds of that time. If a client sleeps, they pass at once. If the server holds its answer, they
pass until the end of the hold or of the model, whichever comes first. So a job of a minute takes no real time, and is
the same for all clients. In their processes only `time.sleep` and `time.monotonic` are replaced.
"""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from replicate.local import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from replicate.local import Server

PRELUDE = """
import os, socket, threading, time
line = socket.create_connection(("127.0.0.1", int(os.environ["CLOCK"]))).makefile("rw")
turn = threading.Lock()
def tell(what):
    with turn:
        print(what, file=line, flush=True)
        return float(line.readline())
time.sleep, time.monotonic = tell, lambda: tell(0)
"""
"""The beginning of a client's program. `tell("returned")` marks the end of a call."""
LONGEST_HOLD = 60
"""Seconds. A timer beyond this does not hold an answer."""
EXACT = 1e-4
"""Seconds. Times that are closer together count as equal."""


class WaitedClock(ManualClock):
    """The time of the server, and a model that runs in it: its calls take the seconds in `jobs`, one after another."""

    server: Server

    def __init__(self, jobs: Sequence[float]) -> None:
        super().__init__()
        self._origin, self._jobs = self.now(), iter(jobs)
        self._end = 0.0
        self._running, self._over, self._moving = threading.Event(), threading.Event(), threading.Lock()
        self.returns: list[tuple[int, float]] = []
        """For each call: how many requests had arrived at its return, and how long after the model's end that was."""

    def model(self, text: str) -> str:
        """Say it louder, after a while."""
        self._over.clear()
        self._end = self.elapsed() + next(self._jobs)
        self._running.set()
        self._over.wait()
        return text.upper()

    def elapsed(self) -> float:
        """Return the seconds that have passed."""
        return (self.now() - self._origin).total_seconds()

    def after(self, seconds: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Set a timer. Time passes while an answer is held."""
        cancel = super().after(seconds, callback)
        if seconds <= LONGEST_HOLD:
            threading.Thread(target=self._hold, args=(seconds,), daemon=True).start()
        return cancel

    def release(self) -> None:
        """End a model that nobody waits for."""
        self._over.set()

    def _hold(self, seconds: float) -> None:
        self._running.wait()
        self.let_pass(min(seconds, max(0.0, self._end - self.elapsed())))

    def let_pass(self, seconds: float) -> None:
        """Move time forward, and end a model that is due by then before anything else happens."""
        with self._moving:
            if not self._finished():
                self._running.wait()  # until the model begins
            self.advance(seconds)
            if self._running.is_set() and self.elapsed() > self._end - EXACT:
                self._running.clear()
                self._over.set()
                while not self._finished():
                    threading.Event().wait(0.001)

    def _finished(self) -> bool:
        return all(prediction.finished for prediction in self.server.predictions)

    def _told(self, what: str) -> float:
        if what == "returned":
            self.returns.append((len(self.server.requests), max(0.0, self.elapsed() - self._end)))
        elif seconds := float(what):
            self.let_pass(seconds)
        return self.elapsed()

    @contextmanager
    def reachable(self) -> Generator[str]:
        """Let a client's process read this clock and wait for it; return the port."""
        told = self._told

        class Line(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    self.wfile.write(f"{told(line.decode().strip())!r}\n".encode())

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Line) as listener:
            threading.Thread(target=listener.serve_forever, daemon=True).start()
            yield str(listener.server_address[1])
            listener.shutdown()
