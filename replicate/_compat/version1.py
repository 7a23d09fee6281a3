"""Functions of versions 0 and 1 that only old code uses, implemented with the present ones."""

from __future__ import annotations

import copy
from io import IOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypedDict, cast

from replicate._annotations import resolve_lazily
from replicate._dual.colours import Async, Sync, T
from replicate._dual.drive import drive
from replicate._files.sources import inspect_file
from replicate._http.connections.unpacking import TooLargeError
from replicate._http.error_responses import connection_error
from replicate._http.libraries import httpx, own_url
from replicate._http.options import DEFAULT_MAX_RESPONSE_BYTES
from replicate._http.sse import Decoder, ServerSentEvent
from replicate._inputs.encode import Inputs, data_uri
from replicate._json import is_array, is_mapping
from replicate._models.schema import BY_VALUE
from replicate._objects.resource import session_of
from replicate._outputs.file_output import FileOutput, file_maker
from replicate._upward import default_client
from replicate._wording import harmless

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
    from os import PathLike
    from typing import BinaryIO, Self

    from typing_extensions import Unpack

    from replicate._dual.colours import Coloured
    from replicate._inputs.encode import FileEncodingStrategy
    from replicate._jobs.options import CallOptions, RunOptions
    from replicate.client import Client
    from replicate.resources.predictions import EventStream

EARLY_COG = (0, 3, 9)
"""The first version of Cog whose schemas say which arrays are iterators."""


# ---- replicate.run, replicate.stream


@resolve_lazily
def run(
    client: Client,
    ref: Any,
    input: Mapping[str, Any] | None = None,
    use_file_output: bool | None = None,  # noqa: FBT001 - as in version 1
    **options: Unpack[CallOptions],
) -> Any:
    """Run a model with a client."""
    return client.run(ref, input, use_file_output, **options)


@resolve_lazily
async def async_run(
    client: Client,
    ref: Any,
    input: Mapping[str, Any] | None = None,
    use_file_output: bool | None = None,  # noqa: FBT001 - as in version 1
    **options: Unpack[CallOptions],
) -> Any:
    """Run a model with a client, asynchronously."""
    asynchronous: Any = client
    return await asynchronous.async_run(ref, input, use_file_output, **options)


@resolve_lazily
def stream(
    client: Client, ref: Any, input: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]
) -> EventStream[Sync]:
    """Run a model with a client, and return the events of its output."""
    return client.stream(ref, input=input, **options)


@resolve_lazily
async def async_stream(
    client: Client, ref: Any, input: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]
) -> EventStream[Async]:
    """Run a model with a client, and return the events of its output for `async for`."""
    asynchronous: Any = client
    events: EventStream[Async] = await asynchronous.async_stream(ref, input=input, **options)
    return events


class EventSource(Generic[T]):
    """The events of a streamed response: for `for`, or `async for` with an asynchronous client.

    Unless `use_file_output=False`, an output event that is entirely one URL holds a FileOutput.
    """

    response: httpx.Response

    def __init__(
        self, client: Coloured[Any] | None, response: httpx.Response, *, use_file_output: bool | None = None
    ) -> None:
        kind = response.headers.get("content-type", "").partition(";")[0].strip()
        if kind != "text/event-stream":
            raise ValueError(
                harmless(f"a stream of events is text/event-stream; this answer is {kind or 'of no type'}")
            )
        self.response = response
        session = None if client is None else session_of(client)
        self._most = DEFAULT_MAX_RESPONSE_BYTES // 2 if session is None else session.config.max_event_bytes
        self._make = file_maker(session, use_file_output=use_file_output is not False)

    def __iter__(self) -> Iterator[ServerSentEvent]:
        decoder = Decoder(self._most)
        for chunk in self.response.iter_bytes():
            yield from self._events(decoder, chunk)

    async def __aiter__(self) -> AsyncIterator[ServerSentEvent]:
        decoder = Decoder(self._most)
        async for chunk in self.response.aiter_bytes():
            for event in self._events(decoder, chunk):
                yield event

    def close(self) -> None:
        """Close the response of a blocking client."""
        self.response.close()

    async def aclose(self) -> None:
        """Close the response of an asynchronous client."""
        await self.response.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _events(self, decoder: Decoder, chunk: bytes) -> Iterator[ServerSentEvent]:
        """Decode a chunk. Raises APIConnectionError for an event that is too large."""
        try:
            events = decoder.feed(chunk)
        except TooLargeError as error:
            request = self.response.request
            raise connection_error(error, request.method, own_url(request.url)) from error
        return map(self._with_file, events)

    def _with_file(self, event: ServerSentEvent) -> ServerSentEvent:
        if event:
            event.data = BY_VALUE.file(event.data, self._make)
        return event


# ---- replicate.prediction


class CreatePredictionRequestParams(TypedDict, total=False):
    """Options that version 1 passed to its HTTP client when it started a prediction."""

    headers: dict[str, str] | None
    timeout: httpx.Timeout | None


# ---- replicate.helpers, and version 0's replicate.json and replicate.files


@resolve_lazily
def base64_encode_file(file: str | PathLike[str] | BinaryIO | bytes) -> str:
    """Return a file as a data URI. Raises FileNotFoundError, TypeError."""
    return data_uri(inspect_file(file, "file"))


@resolve_lazily
def upload_file(file: str | PathLike[str] | BinaryIO | bytes) -> str:
    """Return a file as a data URI, as version 0 sent all files. Raises FileNotFoundError, TypeError."""
    return base64_encode_file(file)


@resolve_lazily
def encode_json(
    obj: Any,
    client: Client | Callable[[Any], str] | None = None,
    file_encoding_strategy: FileEncodingStrategy | None = None,
    *,
    upload_file: Callable[[Any], str] | None = None,
) -> Any:
    """Return an input as JSON data, with files as data URIs or uploaded. Raises TypeError, ValueError, APIError.

    Version 0 passed a function that returns the URL of a file, either instead of the client or as `upload_file`.
    """
    given: Any = client
    to_url = upload_file or (None if hasattr(given, "_session") else given)
    if to_url is not None:
        obj, given = with_urls(obj, to_url), None
    owner = default_client() if given is None else given
    return drive(Inputs(obj, file_encoding_strategy).sent(session_of(owner).of_colour(Sync)))


def with_urls(value: Any, to_url: Callable[[Any], str]) -> Any:
    """Replace each open file and path by the result of a function."""
    if is_mapping(value):
        return {name: with_urls(item, to_url) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [with_urls(item, to_url) for item in cast("Iterable[Any]", value)]
    if isinstance(value, Path):
        with value.open("rb") as file:
            return to_url(file)
    return to_url(value) if isinstance(value, IOBase) else value


@resolve_lazily
async def async_encode_json(
    obj: Any, client: Client, file_encoding_strategy: FileEncodingStrategy | None = None
) -> Any:
    """Do what `encode_json` does, asynchronously."""
    return await Inputs(obj, file_encoding_strategy, blocking=False).sent(session_of(client).of_colour(Async))


@resolve_lazily
def transform_output(value: Any, client: Client) -> Any:
    """Return an output with a FileOutput for each string that starts with "https://" or "data:"."""
    if is_mapping(value):
        return {name: transform_output(item, client) for name, item in value.items()}
    if is_array(value):
        return [transform_output(item, client) for item in value]
    if isinstance(value, str) and value.startswith(("https://", "data:")):
        return FileOutput(value, session_of(client))
    return value


# ---- replicate.schema


def version_has_no_array_type(cog_version: str) -> bool | None:
    """Return whether a version of Cog is too old to say which arrays are iterators; None if unknown."""
    try:
        return tuple(int(part) for part in cog_version.split(".")[:3]) < EARLY_COG
    except ValueError:
        return None


@resolve_lazily
def make_schema_backwards_compatible(schema: Mapping[str, Any], cog_version: str) -> dict[str, Any]:
    """Return a version's schema in which the output array of an early Cog is marked as an iterator."""
    result: dict[str, Any] = copy.deepcopy({**schema})
    output = result.get("components", {}).get("schemas", {}).get("Output", {})
    if output.get("type") == "array" and version_has_no_array_type(cog_version):
        output["x-cog-array-type"] = "iterator"
    return result


resolve_lazily(EventSource)
