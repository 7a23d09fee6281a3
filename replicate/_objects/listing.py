"""What a list of an asynchronous client is before it is awaited or iterated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from replicate._dual.colours import Async, T
from replicate._dual.generators import nested

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator

    from replicate._objects.page import Page

OF_INSTANCES = ("alone", "limit")
"""Public attributes of a page that its class does not have."""


class Listing(Generic[T]):
    """A list that an asynchronous client was asked for: await it for its first page, or iterate all of it."""

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, Page[Async, T]]], page: type[Page[Any, Any]]) -> None:
        self._ask, self._page = ask, page

    def __await__(self) -> Generator[Any, Any, Page[Async, T]]:
        return self._ask().__await__()

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        page: Any = await self
        async with nested(aiter(page)) as items:
            async for item in items:
                yield item

    if not TYPE_CHECKING:  # type checkers know that there is no such attribute

        def __getattr__(self, name: str) -> Any:
            """Say what to do if it is an attribute of the page. Raises AttributeError."""
            said = f"{type(self).__name__!r} object has no attribute {name!r}"
            if not name.startswith("_") and (name in OF_INSTANCES or hasattr(self._page, name)):
                said += f": await it first. `page = await client.predictions.list()` gives a page, which has `{name}`"
            raise AttributeError(said, name=name, obj=self)
