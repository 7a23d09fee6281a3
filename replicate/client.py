"""The clients: `Replicate` blocks, `AsyncReplicate` is awaited, `Client` is `Replicate` as version 1 made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

from replicate._client.base import API
from replicate._dual.colours import Async, P, Sync, T
from replicate._dual.drive import drive
from replicate._dual.signatures import check_keywords
from replicate._http.connections.retry_transport import RetryTransport as RetryTransport  # noqa: PLC0414 - where version 1 had it
from replicate._http.environment import versioned
from replicate._http.libraries import httpx
from replicate._http.options import DEFAULT_MAX_RETRIES, check_mapping
from replicate._http.secrecy.hiding import sealed
from replicate._http.session import async_session, blocking_session
from replicate._http.settings import configure, credentials
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
    """A client that blocks. One serves all threads.

    `bearer_token` is the API token, or a function that gives it, asked before each request; without it the environment
    variable REPLICATE_API_TOKEN is used. `base_url` includes the version: "https://api.replicate.com/v1", or what
    REPLICATE_BASE_URL says. `timeout` is for one HTTP request, in seconds (60, of which 5 to connect), or an
    `httpx.Timeout`. `max_retries` (2) is how often a request that may be sent again is sent again. `http_client` is an
    `httpx.Client` to send requests with, or an `httpx2.Client`. `poll_interval` is how many seconds pass between two
    looks at a prediction that is waited for; without it, more the longer it takes. `output_dir` is a folder in which
    the files of outputs are saved as they come. With `allow_private_hosts=True`, outputs and redirects are also
    downloaded from hosts that are not public: this machine, private networks, a cloud's metadata; without it, only
    from such a host that is the API's own. `observers` are objects that are told of requests and predictions, as
    `replicate.Observer` says. Raises ReplicateError if there is no token.
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
        observers: Iterable[object] | None = None,
    ) -> None:
        bearer_token, api_token = sealed(bearer_token), sealed(api_token)
        found = credentials(bearer_token, api_token, needed=True)
        more = poll_interval, output_dir, allow_private_hosts, observers
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
        """Give a model as a function: `use("owner/name")(prompt="…")`.

        The model is looked up before the first call. It gives its output as its schema says: files as FileOutput, text
        that is made in pieces as one `str`. With `streaming=True` it gives an iterator over the pieces; with
        `use_async=True` it is awaited. `hint` is a function with the model's signature, for editors and type checkers.
        `timeout` is for each call, in seconds. A call that is left early (by Ctrl-C, a canceled task, its timeout)
        cancels the prediction, unless `cancel_on_exit=False`. Inputs that the model does not have, and texts that are
        no URL where it takes a file, are an InputError before anything is sent, unless `validate=False`. `on_update`,
        `progress` and `save_to` are as for `run`. Raises ValueError or TypeError if `ref` is no reference; calling it
        raises what `run` raises.
        """
        from replicate._flows.use import AsyncFunction, Function, Invocation

        told: Any = {"timeout": timeout, "cancel_on_exit": cancel_on_exit, "on_update": on_update}
        told |= {"progress": progress, "save_to": save_to, "validate": validate}
        if use_async:
            return AsyncFunction[..., Any](Invocation(self._session, ref, streaming=streaming, colour=Async, **told))
        return Function[..., Any](Invocation(self._session, ref, streaming=streaming, colour=Sync, **told))

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
        observers: Iterable[object] | None = None,
    ) -> None:
        bearer_token, api_token = sealed(bearer_token), sealed(api_token)
        found = credentials(bearer_token, api_token, needed=True)
        more = poll_interval, output_dir, allow_private_hosts, observers
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
        use_async: Literal[True] = True,  # noqa: ARG002 - as for Replicate.use, where it decides
        timeout: float | None = None,
        cancel_on_exit: bool = True,
        validate: bool = True,
        on_update: Callable[[Prediction], object] | None = None,
        progress: bool = False,
        save_to: str | os.PathLike[str] | None = None,
    ) -> Any:
        """Give a model as an asynchronous function, as `Replicate.use` gives a blocking one.

        Its calls are awaited: `await client.use("owner/name")(prompt="…")`.
        """
        from replicate._flows.use import AsyncFunction, Invocation

        told: Any = {"timeout": timeout, "cancel_on_exit": cancel_on_exit, "on_update": on_update}
        told |= {"progress": progress, "save_to": save_to, "validate": validate}
        return AsyncFunction[..., Any](Invocation(self._session, ref, streaming=streaming, colour=Async, **told))

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

    `api_token` may be positional; `timeout=None` is the default, `httpx.Timeout(None)` no limit; a `base_url` without a
    path gets "/v1"; `headers` are default headers; `transport`,
    `proxy`, `verify`, `limits` and the like are those of `httpx.Client`.
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
        observers: Iterable[object] | None = None,
        **httpx_options: Any,
    ) -> None:
        api_token, bearer_token = sealed(api_token), sealed(bearer_token)
        if httpx_options:
            from inspect import signature

            from replicate._http.connections.client_factory import check_options, discreet

            httpx_options = discreet(httpx_options)
            if http_client is not None:
                raise TypeError(f"http_client= has its own settings: pass {', '.join(httpx_options)} to that")
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
        more = poll_interval, output_dir, allow_private_hosts, observers
        config = configure(found, url, patience, max_retries, both, default_query, *more)
        super(Replicate, self).__init__(blocking_session(config, http_client, **httpx_options))

    @property
    def _async_client(self) -> Any:
        """The client of httpx for requests that are awaited, for libraries that look, as `_client`."""
        return self._session.of_colour(Async).transport.client

    _Client__client, _Client__async_client = API._client, _async_client  # noqa: SLF001 - its own base
