"""Showing how far a prediction or a training is, on the screen or in a notebook."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replicate.resources.predictions import Prediction
    from replicate.resources.trainings import Training


def display() -> Bar | Lines:
    """Give a bar of tqdm, which knows terminals and notebooks, if that is installed; plain lines if not."""
    try:
        return Bar(import_module("tqdm.auto").tqdm)
    except ImportError:
        return Lines()


class Lines:
    """A line on stderr for each new status or percentage."""

    def __init__(self) -> None:
        self._last = ""

    def show(self, run: Prediction[Any] | Training[Any]) -> None:
        """Write a line, if it is another one than the last."""
        at = run.progress
        line = f"{run.id}: {run.status}" + (f" {at.percentage:.0%}" if at else "")
        if line != self._last:
            self._last = line
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    def close(self) -> None:
        """Leave the lines as they are."""


class Bar:
    """A bar with a percentage, as its logs show it, and the status."""

    def __init__(self, tqdm: Any) -> None:
        self._kind: Any = type("Bar", (tqdm,), {"monitor_interval": 0})  # tqdm's monitor is a thread that would stay
        self._bar: Any = None

    def show(self, run: Prediction[Any] | Training[Any]) -> None:
        """Draw it; it stays when the run has finished."""
        told = f"{run.id}: {run.status}"
        if self._bar is None:
            shape = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}"
            self._bar = self._kind(desc=told, total=100, bar_format=shape, file=sys.stderr)
        at = run.progress
        if run.status == "succeeded":
            self._bar.n = 100
        elif at:
            self._bar.n = round(at.percentage * 100)
        self._bar.set_description_str(told, refresh=False)
        self._bar.refresh()

    def close(self) -> None:
        """End it, and leave it as it is."""
        if self._bar is not None:
            self._bar.close()
