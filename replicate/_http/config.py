"""What all requests of a client have in common."""

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
"""Seconds that a request has although the deadline has passed."""


@frozen
class Config:
    """The settings of a session."""

    given_url: httpx.URL | None = field(alias="base_url")
    """Where the API is; None for where the environment says that it is, at any time."""
    credentials: Credentials
    timeout: float | httpx.Timeout | None = DEFAULT_TIMEOUT
    max_retries: int = DEFAULT_MAX_RETRIES
    headers: Mapping[str, str] = field(default={}, repr=False)  # may hold a token
    query: Mapping[str, Any] = {}
    body: Mapping[str, Any] = {}
    poll_interval: float | None = None
    """Seconds between two looks at what is waited for; None for what the environment says, or else to adapt."""
    output_dir: Path | None = None
    """Where the files of outputs are saved as they come; None for nowhere."""
    allow_private_hosts: bool = False
    """Whether outputs and redirects may name hosts that are not public."""
    observers: Observers | None = None
    """Who is told of requests and predictions."""
    deadline: float | None = None
    """When, by the transport's clock, no request may go on any more; one that begins late still gets LAST_CHANCE."""

    @property
    def base_url(self) -> httpx.URL:
        """Where the API is. Raises VariableError."""
        return base_url() if self.given_url is None else self.given_url


class Overridden(Mapping[str, Any]):
    """What a property of a client says now. `configured_values` is what the client is set to."""

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
        """Ask once for all of it, for `{**headers}` and `headers.items()` need not ask for each."""
        return self._ask(self._client).keys()

    def items(self) -> Any:
        """As `keys`."""
        return self._ask(self._client).items()


def configured_values(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give what a client is set to."""
    return values.given if isinstance(values, Overridden) else values
