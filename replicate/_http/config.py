"""The configuration that all requests of a session share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from replicate._http.environment import base_url
from replicate._http.options import DEFAULT_MAX_RESPONSE_BYTES, DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

    from replicate._http.credentials import Credentials
    from replicate._http.observers import Observers

LAST_CHANCE = 1.0
"""Seconds that a request gets even if the deadline has passed."""


@frozen
class Config:
    """The configuration of a session."""

    given_url: httpx.URL | None = field(alias="base_url")
    """The API's URL; None to read it from the environment whenever it is needed."""
    credentials: Credentials
    timeout: float | httpx.Timeout | None = DEFAULT_TIMEOUT
    max_retries: int = DEFAULT_MAX_RETRIES
    headers: Mapping[str, str] = field(default={}, repr=False)  # can hold a token
    query: Mapping[str, Any] = {}
    body: Mapping[str, Any] = {}
    poll_interval: float | None = None
    """Seconds between two polls; None for the environment's value, or else for an adaptive interval."""
    output_dir: Path | None = None
    """The folder in which output files are saved as they arrive; None to save none."""
    allow_private_hosts: bool = False
    """Whether URLs in outputs and redirects may lead to private hosts."""
    max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES
    """Maximum size of a response, unpacked. A single event of a stream can have half of that."""
    observers: Observers | None = None
    """The observers of requests and predictions."""
    deadline: float | None = None
    """The time on the transport's clock at which every request ends; one that begins late still gets LAST_CHANCE."""

    @property
    def max_event_bytes(self) -> int:
        """Maximum size of an event. Its text is in memory several times while it is read."""
        return self.max_response_bytes // 2

    @property
    def base_url(self) -> httpx.URL:
        """The API's URL. Raises VariableError."""
        return base_url() if self.given_url is None else self.given_url


class Overridden(Mapping[str, Any]):
    """The current values of a property that a client's subclass overrides. `configured_values` returns the others."""

    def __init__(self, client: Any, given: Mapping[str, Any], ask: Callable[[Any], Mapping[str, Any]]) -> None:
        self.given = given
        self._client, self._ask = client, ask

    def __getitem__(self, name: str) -> Any:
        return self._ask(self._client)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ask(self._client))

    def __len__(self) -> int:
        return len(self._ask(self._client))

    def keys(self) -> Any:
        """Read the property once for all keys."""
        return self._ask(self._client).keys()

    def items(self) -> Any:
        """Read the property once for all items."""
        return self._ask(self._client).items()


def configured_values(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values that a client is configured with, without what a subclass overrides."""
    return values.given if isinstance(values, Overridden) else values
