"""A dictionary of limited size, which drops the least recently used items."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(OrderedDict[K, V]):
    """A dictionary of at most `most` items, in the order of their last use. Threads and tasks may share it."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most: int = most

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        with suppress(KeyError):  # here and below, another thread may have just removed the item
            self.move_to_end(key)
        while len(self) > self.most:
            with suppress(KeyError):
                self.popitem(last=False)

    def recall(self, key: K) -> V | None:
        """Return the value of a key and mark it as used; None if there is none."""
        with suppress(KeyError):
            self.move_to_end(key)
        return self.get(key)
