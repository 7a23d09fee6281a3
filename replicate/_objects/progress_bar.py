"""Showing how far something is, on the screen or in a notebook."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from replicate._http import log
from replicate._wording import harmless

LONGEST = 200
"""Characters that are shown of what is told."""


class Display:
    """A bar of tqdm, which knows terminals and notebooks, if that is installed; plain lines if not.

    One that fails, for nobody reads stderr or there is none, is dropped: what it tells of goes on. Nothing raises, save
    an interrupt.
    """

    def __init__(self) -> None:
        self._shown: Bar | Lines | None
        try:
            self._shown = Bar(import_module("tqdm.auto").tqdm)
        except Exception:  # noqa: BLE001 - it is not installed, or not in order
            self._shown = Lines()

    def draw(self, told: str, fraction: float | None, *, whole: bool = False) -> None:
        """Show what is told, and how far it is; `whole` is all of it."""
        try:
            if self._shown:
                self._shown.draw(one_line(told), share(fraction), whole=whole)
        except Exception as error:  # noqa: BLE001 - whatever it is
            self.drop(error)

    def close(self) -> None:
        """End what is shown, and leave it as it is. What is drawn later begins anew."""
        try:
            if self._shown:
                self._shown.close()
        except Exception as error:  # noqa: BLE001 - as above
            self.drop(error)

    def drop(self, error: Exception) -> None:
        """Show nothing any more."""
        self._shown = None
        log.debug("the progress cannot be shown: %r", error)


def one_line(told: str) -> str:
    """Make a text fit for a line of a terminal."""
    cut = told[: LONGEST + 1]
    return harmless(cut[:LONGEST] + "…" if len(cut) > LONGEST else cut).replace("\n", " ").replace("\t", " ")


def share(fraction: float | None) -> float | None:
    """Give a fraction from 0 to 1; None for what is none."""
    return None if fraction is None or fraction != fraction else min(max(fraction, 0.0), 1.0)  # noqa: PLR0124 - NaN


class Lines:
    """A line on stderr for whatever is new."""

    def __init__(self) -> None:
        self._last = ""

    def draw(self, told: str, fraction: float | None, *, whole: bool = False) -> None:  # noqa: ARG002 - as a bar has it
        """Write a line, if it is another one than the last."""
        line = told if fraction is None else f"{told} {fraction:.0%}"
        if line != self._last:
            self._last = line
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    def close(self) -> None:
        """Leave the lines as they are."""


class Bar:
    """A bar with a percentage, and what it is of."""

    def __init__(self, tqdm: Any) -> None:
        def refresh(bar: Any, **_: Any) -> Any:
            """Draw a bar. If that fails, unlike tqdm's own, let go of the lock of all bars, and do not try again."""
            try:
                with bar.get_lock():  # which a thread may take again
                    return tqdm.refresh(bar, nolock=True)
            except Exception:
                bar.disable = True
                raise

        # tqdm's monitor is a thread that would stay.
        self._kind: Any = type("Bar", (tqdm,), {"monitor_interval": 0, "refresh": refresh})
        self._bar: Any = None

    def draw(self, told: str, fraction: float | None, *, whole: bool = False) -> None:
        """Draw it, full if this is the `whole`; it stays at the end."""
        if self._bar is None:
            shape = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}"
            self._bar = self._kind(desc=told, total=100, bar_format=shape, file=sys.stderr)
        if whole:
            self._bar.n = 100
        elif fraction:
            self._bar.n = round(fraction * 100)
        self._bar.set_description_str(told, refresh=False)
        self._bar.refresh()

    def close(self) -> None:
        """End it, and leave it as it is."""
        if self._bar is not None:
            bar, self._bar = self._bar, None
            bar.close()
