"""The clients: `Replicate` blocks, `AsyncReplicate` is awaited, `Client` takes version 1's arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

from replicate._client.base import API
from replicate._dual.colours import Async, P, Sync, T
from replicate._dual.drive import drive
from replicate._dual.signatures import check_keywords
from replicate._http.connections.retry_transport import RetryTransport as RetryTransport  # noqa: PLC0414 - where version 1 had it
from replicate._http.environment import versioned
from replicate._http.libraries import httpx
from replicate._http.options import DEFAULT_MAX_RESPONSE_BYTES, DEFAULT_MAX_RETRIES, check_mapping
from replicate._http.secrecy.hiding import sealed
from replicate._http.session import async_session, blocking_session
from replicate._http.settings import configure, credentials
from replicate._wording import harmless
from replicate_api.types import UNSET

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping
    from typing import Self

    from typing_extensions import Unpack

    from replicate._dual.colours import Colour
    from replicate._flows.output_iterator import OutputIterator
    from replicate._flows.use import AsyncFunction, Function, UseOptions
    from replicate.resources.predictions import Prediction
    from replicate_api.types import Endpoint


class Replicate(API[Sync]):
    """A blocking client. All threads can share one.

    `bearer_token` is the API token, or a function that returns it and is called before each request; the default is
    the environment variable REPLICATE_API_TOKEN. `base_url` includes the version; the default is REPLICATE_BASE_URL,
    or else "https://api.replicate.com/v1". `timeout` limits one HTTP request: seconds to connect, and for the whole
    response, or an `httpx.Timeout`, whose parts limit each wait; the default is 60 seconds, and 5 to connect.
    `max_retries` (2) is the maximum number of retries of a request that is safe to retry. `http_client` is an
    `httpx.Client` or `httpx2.Client` that sends the requests; deadlines are then checked only between two parts of a
    response. `poll_interval` is the number of seconds between two polls of a prediction; by default, it grows with the
    prediction's duration. `output_dir` is a folder in which output files are saved as they arrive.
    `allow_private_hosts=True` allows outputs and redirects to name hosts that are not public: this machine, private
    networks, a cloud's metadata service. Without it, the only such host that is allowed is the API's own.
    `max_response_bytes` (256 MiB) limits the size of a response of the API, unpacked; files are not limited by it.
    `observers` are objects whose methods are called for requests and predictions: see `replicate.Observer`. Raises
    ReplicateError if there is no token.
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
        poll_interval: float | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        allow_private_hosts: bool = False,
        max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
        observers: Iterable[object] | None = None,
    ) -> None:
        bearer_token, api_token = sealed(bearer_token), sealed(api_token)
        found = credentials(bearer_token, api_token, needed=True)
        more = poll_interval, output_dir, allow_private_hosts, max_response_bytes, observers
        config = configure(found, base_url, timeout, max_retries, default_headers, default_query, *more)
        super().__init__(blocking_session(config, http_client))

    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: Callable[P, T],
        streaming: Literal[False] = False,
        use_async: Literal[False] = False,
        **options: Unpack[UseOptions],
    ) -> Function[P, T]: ...
    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: Callable[P, T],
        streaming: Literal[False] = False,
        use_async: Literal[True],
        **options: Unpack[UseOptions],
    ) -> AsyncFunction[P, T]: ...
    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: None = None,
        streaming: Literal[False] = False,
        use_async: Literal[False] = False,
        **options: Unpack[UseOptions],
    ) -> Function[..., Any]: ...
    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: None = None,
        streaming: Literal[False] = False,
        use_async: Literal[True],
        **options: Unpack[UseOptions],
    ) -> AsyncFunction[..., Any]: ...
    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: Callable[..., Any] | None = None,
        streaming: Literal[True],
        use_async: Literal[False] = False,
        **options: Unpack[UseOptions],
    ) -> Function[..., OutputIterator[Sync]]: ...
    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: Callable[..., Any] | None = None,
        streaming: Literal[True],
        use_async: Literal[True],
        **options: Unpack[UseOptions],
    ) -> AsyncFunction[..., OutputIterator[Async]]: ...
    def use(  # type: ignore[misc]  # mypy does not find the keywords of UseOptions here
        self,
        ref: Any,
        *,
        hint: Callable[..., Any] | None = None,  # noqa: ARG002 - for type checkers
        streaming: bool = False,
        use_async: bool = False,
        timeout: float | None = None,
        cancel_on_exit: bool = True,
        validate: bool = True,
        on_update: Callable[[Prediction], object] | None = None,
        progress: bool = False,
        save_to: str | os.PathLike[str] | None = None,
    ) -> Any:
        """Return a model as a function: `use("owner/name")(prompt="…")`.

        The model is looked up before the first call. The function returns the output according to the model's schema:
        files as FileOutput, text that is made in pieces as one `str`. With `streaming=True`, it returns an iterator
        over the pieces; with `use_async=True`, it is awaited. `hint` is a function with the model's signature, for
        editors and type checkers. `timeout` limits each call, in seconds. A call that ends early (by Ctrl-C, task
        cancellation or its timeout) cancels the prediction, unless `cancel_on_exit=False`. Inputs that the model does
        not have, and file inputs that are strings but not URLs, raise InputError before anything is sent, unless
        `validate=False`. `on_update`, `progress` and `save_to` work as in `run`. Raises ValueError or TypeError if
        `ref` is not a reference; calling the function raises the errors of `run`.
        """
        from replicate._flows.use import AsyncFunction, Function, Invocation

        told: Any = {"timeout": timeout, "cancel_on_exit": cancel_on_exit, "on_update": on_update}
        told |= {"progress": progress, "save_to": save_to, "validate": validate}
        if use_async:
            return AsyncFunction[..., Any](Invocation(self._session, ref, streaming=streaming, colour=Async, **told))
        return Function[..., Any](Invocation(self._session, ref, streaming=streaming, colour=Sync, **told))

    def call(self, endpoint: Endpoint[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Send the request of an endpoint of `replicate_api.api`, with the arguments of its `build_request`.

        Raises APIStatusError, APIConnectionError, APIResponseValidationError.
        """
        return drive(self._session.call(endpoint, *args, **kwargs))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncReplicate(API[Async]):
    """An asynchronous client for asyncio and trio. All event loops can share one. Takes the arguments of Replicate."""

    _colour: ClassVar[type[Colour]] = Async

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
        poll_interval: float | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        allow_private_hosts: bool = False,
        max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
        observers: Iterable[object] | None = None,
    ) -> None:
        bearer_token, api_token = sealed(bearer_token), sealed(api_token)
        found = credentials(bearer_token, api_token, needed=True)
        more = poll_interval, output_dir, allow_private_hosts, max_response_bytes, observers
        config = configure(found, base_url, timeout, max_retries, default_headers, default_query, *more)
        super().__init__(async_session(config, http_client))

    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: Callable[P, T],
        streaming: Literal[False] = False,
        use_async: Literal[True] = True,
        **options: Unpack[UseOptions],
    ) -> AsyncFunction[P, T]: ...
    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: None = None,
        streaming: Literal[False] = False,
        use_async: Literal[True] = True,
        **options: Unpack[UseOptions],
    ) -> AsyncFunction[..., Any]: ...
    @overload
    def use(
        self,
        ref: Any,
        *,
        hint: Callable[..., Any] | None = None,
        streaming: Literal[True],
        use_async: Literal[True] = True,
        **options: Unpack[UseOptions],
    ) -> AsyncFunction[..., OutputIterator[Async]]: ...
    def use(  # type: ignore[misc]  # mypy does not find the keywords of UseOptions here
        self,
        ref: Any,
        *,
        hint: Callable[..., Any] | None = None,  # noqa: ARG002 - for type checkers
        streaming: bool = False,
        use_async: Literal[True] = True,  # noqa: ARG002 - only Replicate.use depends on it
        timeout: float | None = None,
        cancel_on_exit: bool = True,
        validate: bool = True,
        on_update: Callable[[Prediction], object] | None = None,
        progress: bool = False,
        save_to: str | os.PathLike[str] | None = None,
    ) -> Any:
        """Return a model as an asynchronous function: `await client.use("owner/name")(prompt="…")`.

        Takes the options of `Replicate.use`, and raises the same errors.
        """
        from replicate._flows.use import AsyncFunction, Invocation

        told: Any = {"timeout": timeout, "cancel_on_exit": cancel_on_exit, "on_update": on_update}
        told |= {"progress": progress, "save_to": save_to, "validate": validate}
        return AsyncFunction[..., Any](Invocation(self._session, ref, streaming=streaming, colour=Async, **told))

    async def call(self, endpoint: Endpoint[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Send the request of an endpoint of `replicate_api.api`, with the arguments of its `build_request`.

        Raises APIStatusError, APIConnectionError, APIResponseValidationError.
        """
        return await self._session.call(endpoint, *args, **kwargs)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Client(Replicate):
    """Replicate with the arguments of version 1. A missing token is an error only at the first request.

    `api_token` can be positional. `timeout=None` means the default, and `httpx.Timeout(None)` no limit. A `base_url`
    without a path gets "/v1". `headers` are default headers. Other keywords are passed to `httpx.Client`: `transport`,
    `proxy`, `verify`, `limits` and so on.
    """

    def __init__(
        self,
        api_token: str | Callable[[], str | None] | None = None,
        *,
        bearer_token: str | Callable[[], str | None] | None = None,
        base_url: str | httpx.URL | None = None,
        timeout: float | httpx.Timeout | None = None,
        max_retries: int = DEFAULT_MAX_RETRIES,
        headers: Mapping[str, str] | None = None,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, Any] | None = None,
        http_client: httpx.Client | None = None,
        poll_interval: float | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        allow_private_hosts: bool = False,
        max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
        observers: Iterable[object] | None = None,
        **httpx_options: Any,
    ) -> None:
        api_token, bearer_token = sealed(api_token), sealed(bearer_token)
        if httpx_options:
            from inspect import signature

            from replicate._http.connections.client_factory import check_options, discreet

            httpx_options = discreet(httpx_options)
            if http_client is not None:
                raise TypeError(harmless(f"http_client= has its own settings: pass {', '.join(httpx_options)} to that"))
            known = {**signature(Client).parameters, **signature(httpx.Client).parameters}
            known.pop("httpx_options")
            check_keywords(httpx_options, (*known,))
            check_options(httpx_options)
        url = None if base_url is None else versioned(base_url)
        found = credentials(bearer_token, api_token, needed=False)
        check_mapping("default_headers", default_headers)
        check_mapping("headers", headers)
        both = {**(default_headers or {}), **(headers or {})}
        patience = UNSET if timeout is None else timeout
        more = poll_interval, output_dir, allow_private_hosts, max_response_bytes, observers
        config = configure(found, url, patience, max_retries, both, default_query, *more)
        super(Replicate, self).__init__(blocking_session(config, http_client, **httpx_options))

    @property
    def _async_client(self) -> Any:
        """The httpx client for asynchronous requests, for libraries that inspect it, as `_client`."""
        return self._session.of_colour(Async).transport.client

    _Client__client, _Client__async_client = API._client, _async_client  # noqa: SLF001 - its own base class
