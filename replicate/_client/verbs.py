"""Types of `client.get` and its siblings for type checkers: the result depends on `cast_to` and `stream`.

Nothing here is loaded at run time, where `dual` decorates these methods too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeAlias, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Never

    from httpx import Response
    from typing_extensions import Unpack

    from replicate._dual.colours import Async, Coloured, Sync, T
    from replicate._objects.custom_request import RawOptions, SendOptions
    from replicate._objects.response import APIResponse

Json: TypeAlias = dict[str, Any]
Blocking = TypeVar("Blocking")
Awaited = TypeVar("Awaited")


class Verb(Protocol):
    """`client.get` and the like of a blocking client: a request by a fixed method."""

    @overload
    def __call__(self, url: str, **options: Unpack[SendOptions]) -> Response: ...
    @overload
    def __call__(self, url: str, *, cast_to: type[Json], **options: Unpack[SendOptions]) -> Json: ...
    @overload
    def __call__(self, url: str, *, cast_to: type[T], **options: Unpack[SendOptions]) -> T: ...
    @overload
    def __call__(self, url: str, *, stream: Literal[True], **options: Unpack[SendOptions]) -> APIResponse[Sync]: ...
    @overload
    def __call__(self, url: str, **options: Unpack[RawOptions]) -> Any: ...
    @overload
    def __call__(self, *, path: str, **options: Unpack[RawOptions]) -> Any: ...


class AsyncVerb(Protocol):
    """`client.get` and the like of an asynchronous client: a request by a fixed method."""

    @overload
    async def __call__(self, url: str, **options: Unpack[SendOptions]) -> Response: ...
    @overload
    async def __call__(self, url: str, *, cast_to: type[Json], **options: Unpack[SendOptions]) -> Json: ...
    @overload
    async def __call__(self, url: str, *, cast_to: type[T], **options: Unpack[SendOptions]) -> T: ...
    @overload
    async def __call__(
        self, url: str, *, stream: Literal[True], **options: Unpack[SendOptions]
    ) -> APIResponse[Async]: ...
    @overload
    async def __call__(self, url: str, **options: Unpack[RawOptions]) -> Any: ...
    @overload
    async def __call__(self, *, path: str, **options: Unpack[RawOptions]) -> Any: ...


class Request(Protocol):
    """`client.request` of a blocking client: a request by any method."""

    @overload
    def __call__(self, method: str, url: str, **options: Unpack[SendOptions]) -> Response: ...
    @overload
    def __call__(self, method: str, url: str, *, cast_to: type[Json], **options: Unpack[SendOptions]) -> Json: ...
    @overload
    def __call__(self, method: str, url: str, *, cast_to: type[T], **options: Unpack[SendOptions]) -> T: ...
    @overload
    def __call__(
        self, method: str, url: str, *, stream: Literal[True], **options: Unpack[SendOptions]
    ) -> APIResponse[Sync]: ...
    @overload
    def __call__(self, method: str, url: str, **options: Unpack[RawOptions]) -> Any: ...
    @overload
    def __call__(self, method: str, *, path: str, **options: Unpack[RawOptions]) -> Any: ...


class AsyncRequest(Protocol):
    """`client.request` of an asynchronous client: a request by any method."""

    @overload
    async def __call__(self, method: str, url: str, **options: Unpack[SendOptions]) -> Response: ...
    @overload
    async def __call__(self, method: str, url: str, *, cast_to: type[Json], **options: Unpack[SendOptions]) -> Json: ...
    @overload
    async def __call__(self, method: str, url: str, *, cast_to: type[T], **options: Unpack[SendOptions]) -> T: ...
    @overload
    async def __call__(
        self, method: str, url: str, *, stream: Literal[True], **options: Unpack[SendOptions]
    ) -> APIResponse[Async]: ...
    @overload
    async def __call__(self, method: str, url: str, **options: Unpack[RawOptions]) -> Any: ...
    @overload
    async def __call__(self, method: str, *, path: str, **options: Unpack[RawOptions]) -> Any: ...


class Presented(Generic[Blocking, Awaited]):
    """A decorated coroutine function that sends requests. Its type depends on the colour of its owner."""

    def __init__(self, function: Callable[..., Coroutine[Any, Any, Any]]) -> None: ...
    @overload
    def __get__(self, owner: None, kind: type) -> Presented[Blocking, Awaited]: ...
    @overload
    def __get__(self, owner: Coloured[Never], kind: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, owner: Coloured[Sync], kind: type) -> Blocking: ...
    @overload
    def __get__(self, owner: Coloured[Async], kind: type) -> Awaited: ...
    def __get__(self, owner: Any, kind: type) -> Any: ...


class verb(Presented[Verb, AsyncVerb]):  # noqa: N801 - reads as the decorator it is
    """Decorate a method that sends a request by a fixed HTTP method."""


class request(Presented[Request, AsyncRequest]):  # noqa: N801 - as `verb`
    """Decorate a method that sends a request by any HTTP method."""
