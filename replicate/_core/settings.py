"""What a client is told when it is made, checked: who asks, where the API is, and how patient to be."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import httpx

from replicate._core.credentials import HOW_TO, Credentials
from replicate._core.options import DEFAULT_TIMEOUT
from replicate._core.session import Config
from replicate.exceptions import ReplicateError
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE_URL = "https://api.replicate.com/v1"
VARIABLE = "REPLICATE_BASE_URL"


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
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise ValueError(f"base_url must be a full URL without a query, such as {BASE_URL}, not {str(base_url)!r}")
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
