"""Complete HTTP responses: status, headers, and the content in every form."""

from __future__ import annotations

import codecs
import inspect
from contextlib import suppress
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from replicate._annotations import resolve_lazily
from replicate._dual.colours import Async, C, Sync
from replicate._dual.drive import drive
from replicate._dual.generators import closing
from replicate._dual.methods import dual, dual_iter
from replicate._http.libraries import httpx, library_of
from replicate._json import parse
from replicate._wording import safe_repr
from replicate.exceptions import APIConnectionError
from replicate_api.types import UNSET, decode

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from datetime import timedelta
    from typing import Self

    from replicate._http.observing import ResponseCapture, Steps
    from replicate._http.session import Session


Blocking = TypeVar("Blocking", bound="APIResponse[Sync]")
Awaited = TypeVar("Awaited", bound="APIResponse[Async]")


SLOW = ("idna", "punycode")
"""Encodings of host names, which take quadratic time."""


class APIResponse(Generic[C]):
    """A complete HTTP response. `parse()` returns what the method returns, or the content as another type.

    With an asynchronous client, its methods are awaited, and its iterators need `async for`.
    """

    if not TYPE_CHECKING:  # type checkers use `__init__`

        def __new__(cls, session: Session[C], *_args: Any, **_options: Any) -> Self:
            """Make a response of the subclass in the colour of its session, for `with` or `async with`."""
            return object.__new__(BlockingAPIResponse if session.blocking else AwaitedAPIResponse)

    def __init__(
        self,
        session: Session[C],
        response: httpx.Response,
        steps: Steps | None = None,
        capture: ResponseCapture | None = None,
    ) -> None:
        """Keep a response that `capture` has recorded. `steps` runs the method, which may be paused there."""
        self._session, self._steps, self._capture = session, steps, capture
        self.http_response: httpx.Response = response

    def __reduce__(self) -> str:
        raise TypeError(
            "an APIResponse cannot be pickled or copied, for its request holds the token: take what parse() or "
            "read() gives, and headers"
        )

    @property
    def headers(self) -> httpx.Headers:
        """The headers of the response. Names are case-insensitive."""
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
        """The URL of the request."""
        return self.http_request.url

    @property
    def method(self) -> str:
        """The HTTP method of the request."""
        return self.http_request.method

    @property
    def http_version(self) -> str:
        """The HTTP version, such as "HTTP/1.1"."""
        return self.http_response.http_version

    @property
    def elapsed(self) -> timedelta:
        """The time from the request until the content was read or closed. Raises RuntimeError before that."""
        return self.http_response.elapsed

    @property
    def retries_taken(self) -> int:
        """How many times the request was retried."""
        return int(self.http_response.extensions.get("retries_taken", 0))

    @property
    def request_id(self) -> str | None:
        """The id of the request, for Replicate's support. None if the response has none."""
        return cast("str | None", self.http_response.headers.get("x-request-id"))

    @property
    def is_closed(self) -> bool:
        """Whether the response is closed, so that no more content can be read."""
        return self.http_response.is_closed

    @dual
    async def read(self) -> bytes:
        """Return the content. Raises APIConnectionError if the connection breaks.

        If the request has started a prediction or a training, raises AmbiguousCreateError instead, as do all methods
        that read. `parse()` still looks for the prediction or training.
        """
        return await self._content()

    @dual
    async def text(self) -> str:
        """Return the content as text. Raises the errors of `read`."""
        await self._content()
        return text_of(self.http_response)

    @dual
    async def json(self) -> Any:
        """Return the parsed JSON. Raises ValueError if the content is not JSON, and the errors of `read`."""
        return parse(await self._content())

    @dual
    async def parse(self, *, to: Any = UNSET) -> Any:
        """Return what the method returns, or the content as `to`: dict, str, bytes, or a class (ours or pydantic's).

        Raises APIResponseValidationError if the content cannot be read as that, and the errors of the method.
        """
        if to is UNSET and self._steps is not None:
            return await self._steps.finish()
        await self._content()
        return converted(self._session, self.http_response, to)

    @dual
    async def close(self) -> None:
        """Close the response and release the connection."""
        await self._session.transport.close_response(self.http_response)

    async def _leave(self, *, unhurt: bool) -> None:
        """Close the response at the end of a block. Content that was read but not parsed is parsed now.

        It may be the response to a create. If parsing fails, `parse()` raises the error again.
        """
        steps, capture = self._steps, self._capture
        try:
            await self._session.transport.close_response(self.http_response)
        finally:
            if steps is not None and not (unhurt and has_content(self.http_response)):
                steps.close()
        if steps is not None and capture is not None and capture.keeps:
            with suppress(Exception):
                await steps.finish()

    async def _content(self) -> bytes:
        """Return the content. Read it if that has not been done."""
        response = self.http_response
        if not has_content(response):
            try:
                await self._session.read(response)
            except APIConnectionError as error:
                raise (broken := self._broken(error)) from broken.__cause__
        return response.content

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield the content: all of it if it has been read, otherwise pieces as they arrive."""
        keeps, kept = self._capture is not None and self._capture.keeps, list[bytes]()
        async with closing(pieces(self._session, self.http_response)) as chunks:
            try:
                async for chunk in chunks:
                    if keeps:
                        kept.append(chunk)
                    yield chunk
            except APIConnectionError as error:
                raise (broken := self._broken(error)) from broken.__cause__
        if keeps:
            vars(self.http_response)["_content"] = b"".join(kept)  # as httpx does when it reads

    def _broken(self, error: APIConnectionError) -> Exception:
        return error if self._capture is None else self._capture.broken(error)

    @dual_iter
    async def iter_bytes(self, chunk_size: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the content as it arrives, or in chunks of `chunk_size` bytes. Raises ValueError for a size below 1."""
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(f"chunk_size must be 1 or more, not {chunk_size!r}")
        rest = bytearray()
        async with closing(self._pieces()) as chunks:
            async for chunk in chunks:
                rest += chunk
                size = chunk_size or len(rest) or 1
                whole = len(rest) - len(rest) % size
                for start in range(0, whole, size):
                    yield bytes(rest[start : start + size])
                del rest[:whole]
        if rest:
            yield bytes(rest)

    @dual_iter
    async def iter_text(self) -> AsyncGenerator[str, None]:
        """Yield the content as text, as it arrives."""
        decoder = Decoder(self.http_response.charset_encoding)
        async with closing(self._pieces()) as chunks:
            async for chunk in chunks:
                yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)

    @dual_iter
    async def iter_lines(self) -> AsyncGenerator[str, None]:
        """Yield the lines of the content, without line ends."""
        rest = bytearray()
        async with closing(self._pieces()) as chunks:
            async for chunk in chunks:
                *lines, last = chunk.split(b"\n")
                for line in lines:
                    rest += line
                    yield rest.removesuffix(b"\r").decode("utf-8", "replace")
                    rest = bytearray()
                rest += last
        if rest:
            yield rest.decode("utf-8", "replace")

    if TYPE_CHECKING:  # at run time, the subclasses have the methods of their colour

        def __enter__(self: Blocking) -> Blocking: ...  # noqa: PYI019 - Self cannot tell the colour
        def __exit__(self: APIResponse[Sync], *_: object) -> None: ...
        async def __aenter__(self: Awaited) -> Awaited: ...  # noqa: PYI019
        async def __aexit__(self: APIResponse[Async], *_: object) -> None: ...

    @safe_repr
    def __repr__(self) -> str:
        return f"<APIResponse [{self.status_code}] of {self.method} {self.url.copy_with(query=None)}>"


class BlockingAPIResponse(APIResponse[Sync]):
    """A response of a blocking client."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object = None, *_: object) -> None:
        drive(self._leave(unhurt=kind is None))


class AwaitedAPIResponse(APIResponse[Async]):
    """A response of an asynchronous client."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object = None, *_: object) -> None:
        await self._leave(unhurt=kind is None)


def has_content(response: httpx.Response) -> bool:
    """Return whether the content of a response has been read."""
    try:
        _ = response.content
    except library_of(response).ResponseNotRead:
        return False
    return True


def text_of(response: httpx.Response) -> str:
    """Return the content of a response as text: in UTF-8 if it is not in the charset that its headers name."""
    charset = response.charset_encoding
    if charset is None or is_charset(charset):
        with suppress(UnicodeError):
            return response.text
    return response.content.decode("utf-8", "replace")


def is_charset(name: str) -> bool:
    """Return whether Python can decode text in a charset, in linear time and without unpacking it, as from "bz2"."""
    try:
        "".encode(name)
        return codecs.lookup(name).name not in SLOW
    except (LookupError, ValueError):
        return False


class Decoder:
    """Decodes text as it arrives: in UTF-8 if it is not in the charset that its headers name."""

    def __init__(self, charset: str | None) -> None:
        known = charset if charset is not None and is_charset(charset) else "utf-8"
        self._decoder = codecs.getincrementaldecoder(known)("replace")

    def decode(self, chunk: bytes, *, final: bool = False) -> str:
        """Return the text of a chunk."""
        try:
            return self._decoder.decode(chunk, final)
        except UnicodeError:
            self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
            return self._decoder.decode(chunk, final)


async def pieces(session: Session[Any], response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield the content of a response: all of it if it has been read, otherwise pieces as they arrive."""
    if has_content(response):
        yield response.content
        return
    async with closing(session.chunks(response)) as chunks:
        async for chunk in chunks:
            yield chunk


def converted(session: Session[Any], response: httpx.Response, to: Any) -> Any:
    """Return a response that has been read as another type. For a type that is not known, return the parsed JSON."""
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
    str: text_of,
}


def as_it_is(data: Any) -> Any:
    return data


class JSON:
    """Parses JSON responses, as a generated endpoint does."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self.read = read

    def parse_response(self, content: bytes) -> Any:
        return decode(content, self.read)


resolve_lazily(APIResponse)
resolve_lazily(BlockingAPIResponse)
resolve_lazily(AwaitedAPIResponse)
