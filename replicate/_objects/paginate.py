"""Iteration over pages by their cursors, as in version 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._annotations import resolve_lazily
from replicate._objects.cursors import Trail

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

    from replicate._dual.colours import C, Sync, T
    from replicate._objects.page import Page


@resolve_lazily
def paginate(list_method: Callable[[Any], Page[Sync, T]]) -> Generator[Page[Sync, T], None, None]:
    """Yield the pages of a list: `paginate(client.models.list)`. Each page iterates over its own items only."""
    check_method(list_method)
    trail = Trail()
    page = list_method(...)
    yield page
    while page.next is not None:
        trail = trail.after(page.next, items=len(page) > 0)
        page = list_method(page.next)
        yield page


@resolve_lazily
async def async_paginate(list_method: Callable[[Any], Awaitable[Page[C, T]]]) -> AsyncGenerator[Page[C, T], None]:
    """Yield the pages of an asynchronous client's list, as `paginate` does."""
    check_method(list_method)
    trail = Trail()
    page = await list_method(...)
    yield page
    while page.next is not None:
        trail = trail.after(page.next, items=len(page) > 0)
        page = await list_method(page.next)
        yield page


def check_method(list_method: object) -> None:
    """Raise TypeError if the argument cannot be called, such as a page."""
    if not callable(list_method):
        kind = type(list_method).__name__
        raise TypeError(f"list_method must be a method, such as client.predictions.list, not {kind}")


paginate.__module__ = async_paginate.__module__ = "replicate"  # their public path, which pickles use
