"""`client.get` and its kin, as type checkers see them: what they give follows `cast_to` and `stream`.

Nothing here is loaded when a program runs: there, `dual` presents these methods too.
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
    """How a blocking client sends a request by one method."""

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
    """How an asynchronous client sends a request by one method."""

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
    """How a blocking client sends a request by any method."""

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
    """How an asynchronous client sends a request by any method."""

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
    """What presents a coroutine function that sends requests, in the colour of its owner."""

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
    """Present what sends a request by one method."""


class request(Presented[Request, AsyncRequest]):  # noqa: N801 - as `verb`
    """Present what sends a request by any method."""
