"""Whole answers: their headers, status and all, and their content in every form."""

from __future__ import annotations

import codecs
import inspect
import json
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import httpx

from replicate._annotations import deferred
from replicate._core.dual import Async, C, Sync, dual, dual_iter
from replicate._core.libraries import library_of
from replicate._core.nested import nested
from replicate_api.types import UNSET, decode

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from datetime import timedelta
    from typing import Self

    from replicate._core.session import Session


Blocking = TypeVar("Blocking", bound="APIResponse[Sync]")
Awaited = TypeVar("Awaited", bound="APIResponse[Async]")


class APIResponse(Generic[C]):
    """A whole answer. `parse()` gives what the method gives, or the content as another type.

    The methods of an asynchronous client's answers are awaited, and its iterators are for `async for`.
    """

    if not TYPE_CHECKING:  # type checkers go by `__init__`

        def __new__(cls, session: Session[C], *_args: Any, **_options: Any) -> Self:
            """Make an answer of the subclass that has the colour of its session, for `with` or `async with`."""
            return object.__new__(BlockingAPIResponse if session.blocking else AwaitedAPIResponse)

    def __init__(self, session: Session[C], response: httpx.Response, result: Any = UNSET) -> None:
        self._session, self._result = session, result
        self.http_response: httpx.Response = response

    @property
    def headers(self) -> httpx.Headers:
        """The answer's headers, whatever their case."""
        return self.http_response.headers

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self.http_response.status_code

    @property
    def http_request(self) -> httpx.Request:
        """The request that was answered."""
        return self.http_response.request

    @property
    def url(self) -> httpx.URL:
        """What was asked."""
        return self.http_request.url

    @property
    def method(self) -> str:
        """How it was asked."""
        return self.http_request.method

    @property
    def http_version(self) -> str:
        """Such as "HTTP/1.1"."""
        return self.http_response.http_version

    @property
    def elapsed(self) -> timedelta:
        """How long it took until the answer was read. Raises RuntimeError before that."""
        return self.http_response.elapsed

    @property
    def retries_taken(self) -> int:
        """How often the request was sent again."""
        return int(self.http_response.extensions.get("retries_taken", 0))

    @property
    def request_id(self) -> str | None:
        """What support at Replicate can find the request by."""
        return cast("str | None", self.http_response.headers.get("x-request-id"))

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can come."""
        return self.http_response.is_closed

    @dual
    async def read(self) -> bytes:
        """Give the content."""
        return await content(self._session, self.http_response)

    @dual
    async def text(self) -> str:
        """Give the content as text."""
        await content(self._session, self.http_response)
        return self.http_response.text

    @dual
    async def json(self) -> Any:
        """Give the content, which is JSON. Raises ValueError if it is not."""
        return json.loads(await content(self._session, self.http_response))

    @dual
    async def parse(self, *, to: Any = UNSET) -> Any:
        """Give what the method gives, or the content as `to`: dict, str, bytes, a class of this package or pydantic's.

        Raises APIResponseValidationError for an answer that is none.
        """
        if to is UNSET and self._result is not UNSET:
            return self._result
        await content(self._session, self.http_response)
        return converted(self._session, self.http_response, to)

    @dual
    async def close(self) -> None:
        """Let go of the connection."""
        await self._session.transport.close_response(self.http_response)

    @dual_iter
    async def iter_bytes(self, chunk_size: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the content as it comes, or in chunks of a size in bytes. Raises ValueError for a size below 1."""
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(f"chunk_size must be 1 or more, not {chunk_size!r}")
        rest = b""
        async with nested(pieces(self._session, self.http_response)) as chunks:
            async for chunk in chunks:
                rest += chunk
                size = chunk_size or len(rest)
                while rest and len(rest) >= size:
                    yield rest[:size]
                    rest = rest[size:]
        if rest:
            yield rest

    @dual_iter
    async def iter_text(self) -> AsyncGenerator[str, None]:
        """Yield the content as it comes, as text."""
        decoder = codecs.getincrementaldecoder(self.http_response.charset_encoding or "utf-8")("replace")
        async with nested(pieces(self._session, self.http_response)) as chunks:
            async for chunk in chunks:
                yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)

    @dual_iter
    async def iter_lines(self) -> AsyncGenerator[str, None]:
        """Yield the content line by line, without their ends."""
        rest = b""
        async with nested(pieces(self._session, self.http_response)) as chunks:
            async for chunk in chunks:
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield line.removesuffix(b"\r").decode("utf-8", "replace")
        if rest:
            yield rest.decode("utf-8", "replace")

    if TYPE_CHECKING:  # at run time, a subclass has those of its colour

        def __enter__(self: Blocking) -> Blocking: ...  # noqa: PYI019 - Self cannot tell the colour
        def __exit__(self: APIResponse[Sync], *_: object) -> None: ...
        async def __aenter__(self: Awaited) -> Awaited: ...  # noqa: PYI019
        async def __aexit__(self: APIResponse[Async], *_: object) -> None: ...

    def __repr__(self) -> str:
        return f"<APIResponse [{self.status_code}] of {self.method} {self.url.copy_with(query=None)}>"


class BlockingAPIResponse(APIResponse[Sync]):
    """An answer of a blocking client."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AwaitedAPIResponse(APIResponse[Async]):
    """An answer of an asynchronous client."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def content(session: Session[Any], response: httpx.Response) -> bytes:
    """Read an answer to its end, if that has not been done."""
    if not response.is_closed:
        await session.read(response)
    return response.content


async def pieces(session: Session[Any], response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield an answer's content: what has been read, or else what arrives."""
    if response.is_closed:
        yield response.content
        return
    async with nested(session.chunks(response)) as chunks:
        async for chunk in chunks:
            yield chunk


def converted(session: Session[Any], response: httpx.Response, to: Any) -> Any:
    """Give an answer that has been read as another type; as what its JSON is if that is none of those known."""
    if inspect.isclass(to) and issubclass(to, (httpx.Response, library_of(response).Response)):
        return response
    if to in SIMPLE:
        return SIMPLE[to](response)
    kind: Any = to
    readers = [getattr(kind, name) for name in ("from_dict", "model_validate") if hasattr(kind, name)]
    reader: Any = JSON(readers[0] if readers else as_it_is)
    found: Any = session.parse(reader, response)
    return kind.bind(found, session) if hasattr(kind, "bind") else found


SIMPLE: dict[Any, Callable[[httpx.Response], Any]] = {
    None: lambda _: None,
    NoneType: lambda _: None,
    bytes: lambda response: response.content,
    str: lambda response: response.text,
}


def as_it_is(data: Any) -> Any:
    return data


class JSON:
    """Reads an answer's JSON, as a generated endpoint does."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self.read = read

    def parse_response(self, content: bytes) -> Any:
        return decode(content, self.read)


deferred(APIResponse)
deferred(BlockingAPIResponse)
deferred(AwaitedAPIResponse)
