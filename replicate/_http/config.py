"""The configuration of a session: what all its requests have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from replicate._http.environment import base_url
from replicate._http.options import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT

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
    """The base URL; None for the environment's, read for each request."""
    credentials: Credentials
    timeout: float | httpx.Timeout | None = DEFAULT_TIMEOUT
    max_retries: int = DEFAULT_MAX_RETRIES
    headers: Mapping[str, str] = field(default={}, repr=False)  # can hold a token
    query: Mapping[str, Any] = {}
    body: Mapping[str, Any] = {}
    poll_interval: float | None = None
    """Seconds between two polls; None for the environment's value, or else adaptive."""
    output_dir: Path | None = None
    """The folder in which output files are saved as they come; None to save none."""
    allow_private_hosts: bool = False
    """Whether outputs and redirects may name private hosts."""
    observers: Observers | None = None
    """The observers of requests and predictions."""
    deadline: float | None = None
    """The deadline of all requests, by the transport's clock; a late request still gets LAST_CHANCE."""

    @property
    def base_url(self) -> httpx.URL:
        """The base URL. Raises VariableError."""
        return base_url() if self.given_url is None else self.given_url


class Overridden(Mapping[str, Any]):
    """The current value of a property that a subclass of a client overrides. `given` is the configured value."""

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
        """Read the property once, rather than for each key, for `{**headers}` and `headers.items()`."""
        return self._ask(self._client).keys()

    def items(self) -> Any:
        """Read the property once, as `keys` does."""
        return self._ask(self._client).items()


def configured_values(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the configured values, without a subclass's override."""
    return values.given if isinstance(values, Overridden) else values
