"""Progress displays, in a terminal or in a notebook."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from replicate._http import log
from replicate._wording import one_line

LONGEST = 200
"""Maximum characters of the text."""
SPACES = "\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
BLANKS = str.maketrans(dict.fromkeys(f"\n\t{SPACES}", " "))


class Display:
    """A tqdm bar, which supports terminals and notebooks, if tqdm is installed; otherwise plain lines.

    A display that fails, for example without a stderr or a reader of it, is dropped, and the work continues. Nothing
    raises, except an interrupt.
    """

    def __init__(self) -> None:
        self._shown: Bar | Lines | None
        try:
            self._shown = Bar(import_module("tqdm.auto").tqdm)
        except Exception:  # noqa: BLE001 - not installed, or broken
            self._shown = Lines()

    def draw(self, told: str, fraction: float | None, *, whole: bool = False) -> None:
        """Show a text and the fraction that is done. With `whole`, everything is done."""
        try:
            if self._shown:
                self._shown.draw(label(told), share(fraction), whole=whole)
        except Exception as error:  # noqa: BLE001 - any failure
            self.drop(error)

    def close(self) -> None:
        """End the display and leave it visible. The next `draw` starts a new one."""
        try:
            if self._shown:
                self._shown.close()
        except Exception as error:  # noqa: BLE001 - as above
            self.drop(error)

    def drop(self, error: Exception) -> None:
        """Stop displaying."""
        self._shown = None
        log.debug("the progress cannot be shown: %r", error)


def label(told: str) -> str:
    """Make a text safe to display in one line of a terminal."""
    line = one_line(told[: LONGEST + 1].translate(BLANKS))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def share(fraction: float | None) -> float | None:
    """Limit a fraction to the range from 0 to 1. Returns None for None and NaN."""
    return None if fraction is None or fraction != fraction else min(max(fraction, 0.0), 1.0)  # noqa: PLR0124 - NaN


class Lines:
    """Lines on stderr, one for each change."""

    def __init__(self) -> None:
        self._last = ""

    def draw(self, told: str, fraction: float | None, *, whole: bool = False) -> None:  # noqa: ARG002 - as in Bar
        """Write a line, unless it is the same as the last."""
        line = told if fraction is None else f"{told} {fraction:.0%}"
        if line != self._last:
            self._last = line
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    def close(self) -> None:
        """Do nothing, as lines stay."""


class Bar:
    """A bar with a percentage and a text."""

    def __init__(self, tqdm: Any) -> None:
        def refresh(bar: Any, **_: Any) -> Any:
            """Draw a bar. If that fails, release the lock of all bars, which tqdm would keep, and do not try again."""
            try:
                with bar.get_lock():  # a reentrant lock
                    return tqdm.refresh(bar, nolock=True)
            except Exception:
                bar.disable = True
                raise

        # Turn off tqdm's monitor, a thread that would keep running.
        self._kind: Any = type("Bar", (tqdm,), {"monitor_interval": 0, "refresh": refresh})
        self._bar: Any = None

    def draw(self, told: str, fraction: float | None, *, whole: bool = False) -> None:
        """Draw the bar, full if `whole`. It stays visible at the end."""
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
        """End the bar and leave it visible."""
        if self._bar is not None:
            bar, self._bar = self._bar, None
            bar.close()
