"""Remembering a bounded number of things: the least recently used is forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(OrderedDict[K, V]):
    """At most so many items, ordered by when they were last set or recalled. Threads and tasks may share it."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most: int = most

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        with suppress(KeyError):  # of this and what follows, another thread may have just forgotten the item
            self.move_to_end(key)
        while len(self) > self.most:
            with suppress(KeyError):
                self.popitem(last=False)

    def recall(self, key: K) -> V | None:
        """Give what is remembered by a key, and keep it for longer; None if there is nothing."""
        with suppress(KeyError):
            self.move_to_end(key)
        return self.get(key)
