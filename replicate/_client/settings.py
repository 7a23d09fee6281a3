"""A client's settings, how to change them, and how to derive one client from another."""

from __future__ import annotations

import inspect
import os  # noqa: TC003 - a TypedDict's annotations may be evaluated
from collections.abc import Callable, Iterable, Mapping  # noqa: TC003 - a TypedDict's annotations may be evaluated
from typing import TYPE_CHECKING, Any, Generic, cast

from attrs import evolve

from replicate._client.subclasses import follow_class
from replicate._dual.async_names import AsyncNames
from replicate._dual.colours import C, T
from replicate._dual.methods import dual
from replicate._dual.signatures import check_keywords, show
from replicate._http.config import configured_values
from replicate._http.libraries import httpx  # noqa: TC001 - a TypedDict's annotations may be evaluated
from replicate._http.options import (
    REQUEST_OPTIONS,
    RequestOptions,
    check_mapping,
    merged,
)
from replicate._http.secrecy.hiding import sealed
from replicate._http.settings import SETTINGS, check_settings, credentials
from replicate._jobs.polling import fixed_interval
from replicate._objects.resource import Namespace, namespace, session_of
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from typing_extensions import Unpack

    from replicate._http.session import Session


class CopyOptions(RequestOptions, total=False):
    """Settings that a copy of a client can change."""

    bearer_token: str | Callable[[], str | None] | None
    """Another token, or a function that returns one."""
    api_token: str | Callable[[], str | None] | None
    """The same as `bearer_token`."""
    base_url: str | httpx.URL | None
    """Another base URL."""
    http_client: httpx.Client | httpx.AsyncClient | None
    """Another httpx client, of the same colour."""
    poll_interval: float | None
    """Seconds between two polls of a prediction."""
    output_dir: str | os.PathLike[str] | None
    """Folder in which output files are saved."""
    allow_private_hosts: bool
    """Whether outputs and redirects may name hosts that are not public."""
    max_response_bytes: int
    """Maximum size of a response of the API."""
    observers: Iterable[object] | None
    """Observers that replace the client's; an empty list for none."""
    default_headers: Mapping[str, str] | None
    """Headers to add to the client's."""
    set_default_headers: Mapping[str, str] | None
    """Headers that replace the client's."""
    default_query: Mapping[str, Any] | None
    """Query parameters to add to the client's."""
    set_default_query: Mapping[str, Any] | None
    """Query parameters that replace the client's."""


TOKENS = ("bearer_token", "api_token")


class Configured(AsyncNames, Generic[C]):
    """A client's settings. A change applies to all namespaces that the client has created."""

    _session: Session[C]

    @property
    def bearer_token(self) -> str | None:
        """The current API token, or None. Can be set to a token or to a function that returns one."""
        return self._session.config.credentials.token()

    @bearer_token.setter
    def bearer_token(self, token: str | Callable[[], str | None] | None) -> None:
        token = sealed(token)
        self._session.config = evolve(self._session.config, credentials=credentials(token, None, needed=False))

    @property
    def api_token(self) -> str | None:
        """The same as `bearer_token`."""
        return self.bearer_token

    @api_token.setter
    def api_token(self, token: str | Callable[[], str | None] | None) -> None:
        token = sealed(token)
        self.bearer_token = token

    @property
    def base_url(self) -> httpx.URL:
        """The API's base URL, with its version: as set, or REPLICATE_BASE_URL. Set to None to go back to the default.

        It ends in a slash, so that `client.base_url.join("models")` stays below it.
        """
        url = self._session.config.base_url
        return url.copy_with(raw_path=url.raw_path.rstrip(b"/") + b"/")

    @base_url.setter
    def base_url(self, url: str | httpx.URL | None) -> None:
        self._set(base_url=url)

    @property
    def timeout(self) -> float | httpx.Timeout | None:
        """Seconds that a single HTTP request may take."""
        return self._session.config.timeout

    @timeout.setter
    def timeout(self, timeout: float | httpx.Timeout | None) -> None:
        self._set(timeout=timeout)

    @property
    def max_retries(self) -> int:
        """How many times a request is retried, if it is safe to retry."""
        return self._session.config.max_retries

    @max_retries.setter
    def max_retries(self, number: int) -> None:
        self._set(max_retries=number)

    @property
    def auth_headers(self) -> Mapping[str, str]:
        """The headers that authenticate a request. A subclass can override this, as in version 2."""
        token = self._session.config.credentials.token()
        return {"Authorization": f"Bearer {token}"} if token else {}

    @property
    def default_headers(self) -> Mapping[str, str]:
        """Headers that are sent with every request to the API."""
        return configured_values(self._session.config.headers)

    @default_headers.setter
    def default_headers(self, headers: Mapping[str, str] | None) -> None:
        self._set(default_headers=headers)

    @property
    def default_query(self) -> Mapping[str, Any]:
        """Query parameters that are sent with every request to the API."""
        return configured_values(self._session.config.query)

    @default_query.setter
    def default_query(self, query: Mapping[str, Any] | None) -> None:
        self._set(default_query=query)

    @property
    def poll_interval(self) -> float:
        """Seconds between two polls of a prediction: as set, or REPLICATE_POLL_INTERVAL.

        If neither is set, this is 0.5, for code of version 1, but the actual pause adapts to the prediction's duration.
        Set to None to go back to that.
        """
        set_to = fixed_interval(self._session)
        return 0.5 if set_to is None else set_to

    @poll_interval.setter
    def poll_interval(self, seconds: float | None) -> None:
        self._set(poll_interval=seconds)

    @property
    def output_dir(self) -> Path | None:
        """The folder in which `run`, `use` and `stream` save output files, as `save_to` does; None to save nothing."""
        return self._session.config.output_dir

    @output_dir.setter
    def output_dir(self, path: str | os.PathLike[str] | None) -> None:
        self._set(output_dir=path)

    @property
    def allow_private_hosts(self) -> bool:
        """Whether outputs and redirects are allowed to name hosts that are neither public nor the API's own."""
        return self._session.config.allow_private_hosts

    @allow_private_hosts.setter
    def allow_private_hosts(self, allowed: bool) -> None:
        self._set(allow_private_hosts=allowed)

    @property
    def max_response_bytes(self) -> int:
        """Maximum size of a response of the API in bytes, unpacked. Downloads of files are not limited by it."""
        return self._session.config.max_response_bytes

    @max_response_bytes.setter
    def max_response_bytes(self, number: int) -> None:
        self._set(max_response_bytes=number)

    def _set(self, **settings: Any) -> None:
        self._session.config = evolve(self._session.config, **check_settings(settings))

    @property
    def observers(self) -> tuple[object, ...]:
        """The observers of the client's requests and predictions. Can be set to others."""
        set_to = self._session.config.observers
        return () if set_to is None else set_to.each

    @observers.setter
    def observers(self, given: Iterable[object] | None) -> None:
        self._set(observers=given)

    def is_closed(self) -> bool:
        """Return whether the client was closed."""
        return self._session.transport.is_closed

    @dual
    async def close(self) -> None:
        """Close the connections. The client cannot be used afterwards."""
        await self._session.transport.close()

    @show
    def with_options(self, **options: Unpack[CopyOptions]) -> Self:
        """Return a client with other settings. It shares this client's connections unless `http_client` is given.

        `default_headers` and `default_query` are added to this client's; `set_default_headers` and `set_default_query`
        replace them. `timeout`, `max_retries`, `extra_headers`, … work as for a single request. Clients that share
        connections are closed together: closing either closes both. Raises ValueError if defaults are both added and
        replaced.
        """
        told: Any = options
        told.update({name: sealed(told[name]) for name in TOKENS if name in told})
        check_keywords(options, (*CopyOptions.__annotations__,))
        other = with_session(self, reset(self._session, options))
        follow_class(other)
        return other

    copy = with_options


def with_session(owner: T, session: Session[Any]) -> T:
    """Return a copy of a client or namespace with another session and the attributes that a subclass has added.

    Namespaces that it has cached are created again on first use. Those stored under another name are copied with the
    new session.
    """
    other: Any = object.__new__(type(owner))
    own: Any = owner
    for name, value in vars(owner).items():
        if not isinstance(value, Namespace) or vars(value).get("_session") is not session_of(own):  # pyright: ignore[reportUnknownArgumentType]
            vars(other)[name] = value
        elif not isinstance(inspect.getattr_static(type(owner), name, None), namespace):
            vars(other)[name] = with_session(cast("Any", value), session)
    vars(other)["_session"] = session
    return cast("T", other)


def reset(session: Session[C], options: Mapping[str, Any]) -> Session[C]:
    """Return a session with other settings. A setting that is None stays unchanged, except `timeout`."""
    told = {name: value for name, value in options.items() if value is not UNSET}
    told = {name: value for name, value in told.items() if value is not None or name == "timeout"}
    settings = {name: told[name] for name in SETTINGS if name in told}
    for name in ("headers", "query"):
        added, instead = told.get(f"default_{name}"), told.get(f"set_default_{name}")
        check_mapping(f"default_{name}", added)
        check_mapping(f"set_default_{name}", instead)
        if added is not None and instead is not None:
            raise ValueError(
                f"`default_{name}` and `set_default_{name}` arguments are mutually exclusive: the first adds to the "
                "client's, the second replaces them, so pass one of them"
            )
        if instead is not None:
            settings[f"default_{name}"] = instead
        elif added is not None:
            known = configured_values(getattr(session.config, name))
            settings[f"default_{name}"] = merged(known, added) if name == "headers" else {**known, **added}
    changes = check_settings(settings)
    if any(name in told for name in TOKENS):
        changes["credentials"] = credentials(*map(told.get, TOKENS), needed=False)
    other = session.evolve(**changes)
    if changes.keys() & {"credentials", "base_url"}:
        other.memory, other.paces = {}, {}  # another account may see other models, and has a quota of its own
    if "http_client" in told:
        other.transport = session.transport.over(told["http_client"])
    return other.given({name: told[name] for name in REQUEST_OPTIONS if name in told and name not in settings})
