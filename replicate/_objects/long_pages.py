"""The items of a very long page: kept as JSON text, and parsed one by one when they are read.

A parsed item takes four to fifteen times the memory of its text. Real pages have up to 100 items. They are parsed at
once, which is faster.
"""

from __future__ import annotations

import json
import re
from array import array
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from replicate_api.types import may_be_deep

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = 2**20
"""Bytes of a page from which on it may be very long."""
MANY = 1000
"""Number of items from which on it is."""
WHITE = re.compile(r"[ \t\n\r]*")
parse = json.JSONDecoder().raw_decode


class Items(NamedTuple):
    """The items of a very long page."""

    text: str
    starts: array[int]
    """Where each item starts in the text."""

    def first(self, most: int | None) -> Items:
        """Return at most so many of them."""
        return self._replace(starts=self.starts[:most])

    def parsed(self) -> Iterator[Any]:
        """Parse them one by one."""
        for start in self.starts:
            yield parse(self.text, start)[0]


def split(content: bytes) -> tuple[bytes, Items] | None:
    """Return the JSON of a very long page without its items, and the items; None for any other content."""
    if len(content) < LONG or content.count(b",") < MANY:
        return None
    deep = may_be_deep(content)
    try:
        text = content.decode()
        begin, starts, end = find_items(text)
    except (ValueError, IndexError, RecursionError):  # the ordinary way reports what is wrong
        return None
    if len(starts) < MANY or (deep and any(map(may_be_deep, each_of(text, starts)))):
        return None
    return f"{text[:begin]}[]{text[end:]}".encode(), Items(text, starts)


def each_of(text: str, starts: array[int]) -> Iterator[bytes]:
    """Yield the JSON of each item, with what separates it from the next."""
    return (text[start:end].encode() for start, end in pairwise(chain(starts, [len(text)])))


def find_items(text: str) -> tuple[int, array[int], int]:
    """Return where the array of results begins, where each item starts, and where the array ends.

    Raises ValueError or IndexError if the text is not an object with exactly one such array.
    """
    found: tuple[int, array[int], int] | None = None
    at, more = after(text, 0, "{"), True
    while more:
        name, at = parse(text, at)
        at = after(text, at, ":")
        if name == "results":
            if found is not None or text[at] != "[":
                raise ValueError
            found = at, *starts_of(text, at)
            at = found[2]
        else:
            _, at = parse(text, at)
        at = skip(text, at)
        more = text[at] == ","
        at = after(text, at, "," if more else "}")
    if found is None or at != len(text):
        raise ValueError
    return found


def starts_of(text: str, begin: int) -> tuple[array[int], int]:
    """Return where each item of an array starts, and where the array ends. Raises ValueError, IndexError."""
    starts, at = array("Q" if len(text) >= 2**32 else "I"), after(text, begin, "[")
    while True:
        starts.append(at)
        _, at = parse(text, at)
        at = skip(text, at)
        if text[at] == "]":
            return starts, at + 1
        at = after(text, at, ",")


def after(text: str, at: int, mark: str) -> int:
    """Return the position after a mark and the white space around it. Raises ValueError, IndexError."""
    at = skip(text, at)
    if text[at] != mark:
        raise ValueError
    return skip(text, at + 1)


def skip(text: str, at: int) -> int:
    """Return the position after white space."""
    return WHITE.match(text, at).end()  # type: ignore[union-attr]  # it matches anything
