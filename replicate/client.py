"""The clients: `Replicate` blocks, `AsyncReplicate` is awaited, `Client` is `Replicate` as version 1 made it."""

from __future__ import annotations

import os
from contextlib import aclosing
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

import httpx

from replicate._core.credentials import HOW_TO, Credentials
from replicate._core.dual import Async, C, P, Sync, drive, dual, dual_iter
from replicate._core.options import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT, check_keywords
from replicate._core.session import Config, Session, async_session, blocking_session
from replicate.exceptions import ReplicateError
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from typing_extensions import Self, Unpack

    from replicate._core.options import RequestOptions
    from replicate._core.raw import RawOptions
    from replicate._core.sse import ServerSentEvent
    from replicate._flows.output import OutputIterator
    from replicate._flows.run import RunOptions
    from replicate._flows.use import AsyncFunction, Function
    from replicate.resources.files import Files
    from replicate.resources.models import Models
    from replicate.resources.predictions import Predictions
    from replicate_api.types import Endpoint

T = TypeVar("T")

BASE_URL = "https://api.replicate.com/v1"
VARIABLE = "REPLICATE_BASE_URL"


class API(Generic[C]):
    """What the clients of both colours offer. Nouns and flows are loaded when they are first used."""

    def __init__(self, session: Session[C]) -> None:
        self._session = session

    @cached_property
    def files(self) -> Files[C]:
        """Files uploaded for models to read."""
        from replicate.resources.files import Files

        return Files(self._session)

    @cached_property
    def models(self) -> Models[C]:
        """Models, their versions, and predictions with official ones."""
        from replicate.resources.models import Models

        return Models(self._session)

    @cached_property
    def predictions(self) -> Predictions[C]:
        """Runs of models."""
        from replicate.resources.predictions import Predictions

        return Predictions(self._session)

    @dual
    async def run(self, ref: Any, input: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]) -> Any:
        """Run a model and give its output.

        `ref` names the model: "owner/name", "owner/name:version", a version's id. `input` maps its input names to
        values; a `pathlib.Path`, an open binary file or bytes is sent as a file. Files in the output are FileOutput; a
        model that makes its output item by item gives an iterator over the items. `timeout` is for the whole call, in
        seconds.

        Raises ModelError if the prediction fails, PredictionTimeout at the timeout (both carry the prediction),
        APIStatusError, APIConnectionError, AmbiguousCreateError; TypeError or ValueError before anything is sent.
        """
        from replicate._flows.run import run

        return await run(self._session, ref, input, options)

    @dual
    async def request(self, method: str, url: str, **options: Unpack[RawOptions]) -> httpx.Response:
        """Send any request, such as `client.request("GET", "/custom/endpoint")`, and give the answer.

        `url` is a path below the base URL, or a full URL, which gets the token only if it is the API's. Raises
        APIStatusError for an error status, APIConnectionError. POST and PATCH are sent again only where the server
        certainly did nothing.
        """
        return await exchange(self._session, method, url, options)

    @dual
    async def get(self, url: str, **options: Unpack[RawOptions]) -> httpx.Response:
        """Send a GET request: see `request`."""
        return await exchange(self._session, "GET", url, options)

    @dual
    async def post(self, url: str, **options: Unpack[RawOptions]) -> httpx.Response:
        """Send a POST request, with `json=`: see `request`."""
        return await exchange(self._session, "POST", url, options)

    @dual
    async def put(self, url: str, **options: Unpack[RawOptions]) -> httpx.Response:
        """Send a PUT request, with `json=`: see `request`."""
        return await exchange(self._session, "PUT", url, options)

    @dual
    async def patch(self, url: str, **options: Unpack[RawOptions]) -> httpx.Response:
        """Send a PATCH request, with `json=`: see `request`."""
        return await exchange(self._session, "PATCH", url, options)

    @dual
    async def delete(self, url: str, **options: Unpack[RawOptions]) -> httpx.Response:
        """Send a DELETE request: see `request`."""
        return await exchange(self._session, "DELETE", url, options)

    @dual
    async def close(self) -> None:
        """Close the connections. The client cannot be used any more."""
        await self._session.transport.close()

    @dual_iter
    async def stream(
        self, ref: Any, *, input: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]
    ) -> AsyncGenerator[ServerSentEvent, None]:
        """Run a model and yield the events of its output as they come.

        An event is a `str`: the text of an output event, empty for others (`event.event` is "logs", "done", …). Takes
        what `run` takes. Raises StreamError if the prediction fails or the stream breaks off, and what `run` raises.
        """
        from replicate._flows.stream import stream

        async with aclosing(stream(self._session, ref, input, options)) as events:
            async for event in events:
                yield event

    def with_options(self, **options: Unpack[RequestOptions]) -> Self:
        """Give a client with other options for all its requests, over the same connections.

        `timeout`, `max_retries`, `extra_headers`, `extra_query`: as of a single request.
        """
        other = type(self).__new__(type(self))
        API.__init__(other, self._session.given(options))
        return other

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._session.config.base_url}>"


class Replicate(API[Sync]):
    """A client that blocks. One serves all threads.

    `bearer_token` is the API token, or a function that gives it, asked before each request; without it the environment
    variable REPLICATE_API_TOKEN is used. `base_url` includes the version: "https://api.replicate.com/v1", or what
    REPLICATE_BASE_URL says. `timeout` is for one HTTP request, in seconds (60, of which 5 to connect), or an
    `httpx.Timeout`. `max_retries` (2) is how often a request that may be sent again is sent again. `http_client` is an
    `httpx.Client` to send requests with. Raises ReplicateError if there is no token.
    """

    def __init__(
        self,
        *,
        bearer_token: str | Callable[[], str | None] | None = None,
        api_token: str | Callable[[], str | None] | None = None,
        base_url: str | httpx.URL | None = None,
        timeout: float | httpx.Timeout | None = UNSET,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, Any] | None = None,
        http_client: httpx.Client | None = None,
    ) -> None:
        found = credentials(bearer_token, api_token, needed=True)
        config = configure(found, base_url, timeout, max_retries, default_headers, default_query)
        super().__init__(blocking_session(config, http_client))

    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: Callable[P, T],
        streaming: Literal[False] = False,
        use_async: Literal[False] = False,
        timeout: float | None = None,
    ) -> Function[P, T]: ...
    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: Callable[P, T],
        streaming: Literal[False] = False,
        use_async: Literal[True],
        timeout: float | None = None,
    ) -> AsyncFunction[P, T]: ...
    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: None = None,
        streaming: Literal[False] = False,
        use_async: Literal[False] = False,
        timeout: float | None = None,
    ) -> Function[..., Any]: ...
    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: None = None,
        streaming: Literal[False] = False,
        use_async: Literal[True],
        timeout: float | None = None,
    ) -> AsyncFunction[..., Any]: ...
    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: Callable[..., Any] | None = None,
        streaming: Literal[True],
        use_async: Literal[False] = False,
        timeout: float | None = None,
    ) -> Function[..., OutputIterator[Sync]]: ...
    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: Callable[..., Any] | None = None,
        streaming: Literal[True],
        use_async: Literal[True],
        timeout: float | None = None,
    ) -> AsyncFunction[..., OutputIterator[Async]]: ...
    def use(
        self,
        ref: Any,
        *,
        hint: Callable[..., Any] | None = None,  # noqa: ARG002 - for type checkers
        streaming: bool = False,
        use_async: bool = False,
        timeout: float | None = None,
    ) -> Any:
        """Give a model as a function: `use("owner/name")(prompt="…")`.

        It gives the model's output: files as FileOutput, text that is made in pieces as one `str`. With
        `streaming=True` it gives an iterator over the pieces; with `use_async=True` it is awaited. `hint` is a
        function with the model's signature, for editors and type checkers. `timeout` is for each call, in seconds.
        Raises ValueError or TypeError if `ref` is no reference; calling it raises what `run` raises.
        """
        from replicate._flows.use import AsyncFunction, Function, Invocation

        if use_async:
            session = self._session.of_colour(Async)
            return AsyncFunction[..., Any](Invocation(session, ref, streaming=streaming, timeout=timeout))
        return Function[..., Any](Invocation(self._session, ref, streaming=streaming, timeout=timeout))

    def call(self, endpoint: Endpoint[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Send the request of an endpoint of `replicate_api.api`, which takes what its `build_request` takes.

        Raises APIStatusError, APIConnectionError, APIResponseValidationError.
        """
        return drive(self._session.call(endpoint, *args, **kwargs))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncReplicate(API[Async]):
    """A client that is awaited, on asyncio or trio. One serves all event loops. Takes what Replicate takes."""

    def __init__(
        self,
        *,
        bearer_token: str | Callable[[], str | None] | None = None,
        api_token: str | Callable[[], str | None] | None = None,
        base_url: str | httpx.URL | None = None,
        timeout: float | httpx.Timeout | None = UNSET,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, Any] | None = None,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        found = credentials(bearer_token, api_token, needed=True)
        config = configure(found, base_url, timeout, max_retries, default_headers, default_query)
        super().__init__(async_session(config, http_client))

    @overload
    def use(
        self, ref: Any, *, hint: Callable[P, T], streaming: Literal[False] = False, timeout: float | None = None
    ) -> AsyncFunction[P, T]: ...
    @overload
    def use(
        self, ref: Any, *, hint: None = None, streaming: Literal[False] = False, timeout: float | None = None
    ) -> AsyncFunction[..., Any]: ...
    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: Callable[..., Any] | None = None,
        streaming: Literal[True],
        timeout: float | None = None,
    ) -> AsyncFunction[..., OutputIterator[Async]]: ...
    def use(
        self,
        ref: Any,
        *,
        hint: Callable[..., Any] | None = None,  # noqa: ARG002 - for type checkers
        streaming: bool = False,
        timeout: float | None = None,
    ) -> Any:
        """Give a model as an asynchronous function, as `Replicate.use` does: `await use("owner/name")(prompt="…")`."""
        from replicate._flows.use import AsyncFunction, Invocation

        return AsyncFunction[..., Any](Invocation(self._session, ref, streaming=streaming, timeout=timeout))

    async def call(self, endpoint: Endpoint[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Send the request of an endpoint of `replicate_api.api`, which takes what its `build_request` takes.

        Raises APIStatusError, APIConnectionError, APIResponseValidationError.
        """
        return await self._session.call(endpoint, *args, **kwargs)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Client(Replicate):
    """Replicate as version 1 made it: a missing token shows at the first request, and other keywords are httpx's.

    `api_token` may be positional; a `base_url` without a path gets "/v1"; `headers` are default headers; `transport`,
    `proxy`, `verify`, `limits` and the like are those of `httpx.Client`.
    """

    def __init__(
        self,
        api_token: str | Callable[[], str | None] | None = None,
        *,
        bearer_token: str | Callable[[], str | None] | None = None,
        base_url: str | httpx.URL | None = None,
        timeout: float | httpx.Timeout | None = UNSET,
        max_retries: int = DEFAULT_MAX_RETRIES,
        headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, Any] | None = None,
        http_client: httpx.Client | None = None,
        **httpx_options: Any,
    ) -> None:
        if httpx_options:
            from inspect import signature

            if http_client is not None:
                raise TypeError(f"http_client= has its own settings: pass {', '.join(httpx_options)} to that")
            check_keywords(httpx_options, tuple(signature(httpx.Client).parameters))
        url = None if base_url is None else versioned(base_url)
        config = configure(
            credentials(bearer_token, api_token, needed=False), url, timeout, max_retries, headers, default_query
        )
        super(Replicate, self).__init__(blocking_session(config, http_client, **httpx_options))


async def exchange(session: Session[Any], method: str, url: str, options: RawOptions) -> httpx.Response:
    """Send a low-level request."""
    from replicate._core import raw

    return await raw.exchange(session, method, url, options)


def credentials(bearer_token: Any, api_token: Any, *, needed: bool) -> Credentials:
    """Make credentials of either keyword. Raise if there is no token and there must be one."""
    if bearer_token is not None and api_token is not None:
        raise TypeError("bearer_token= and api_token= are the same: pass one of them")
    source = bearer_token if bearer_token is not None else api_token
    found = Credentials(source)
    if needed and not callable(source) and found.token() is None:
        raise ReplicateError(f"There is no API token. {HOW_TO}")
    return found


def configure(
    credentials: Credentials,
    base_url: str | httpx.URL | None,
    timeout: float | httpx.Timeout | None,
    max_retries: int,
    headers: Mapping[str, str] | None,
    query: Mapping[str, Any] | None,
) -> Config:
    """Put a client's settings together, checked."""
    if max_retries < 0:
        raise ValueError(f"max_retries must be 0 or more, not {max_retries!r}")
    if base_url is None:
        given = os.environ.get(VARIABLE, "").strip()
        base_url = versioned(given) if given else BASE_URL
    url = httpx.URL(base_url)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"base_url must be a full URL, such as {BASE_URL}, not {str(base_url)!r}")
    return Config(
        base_url=url,
        credentials=credentials,
        timeout=DEFAULT_TIMEOUT if timeout is UNSET else timeout,
        max_retries=max_retries,
        headers=dict(headers or {}),
        query=dict(query or {}),
    )


def versioned(base_url: str | httpx.URL) -> httpx.URL:
    """Add the API's version to a base URL whose path is empty."""
    url = httpx.URL(base_url)
    return url.copy_with(path="/v1") if url.path in ("", "/") else url
