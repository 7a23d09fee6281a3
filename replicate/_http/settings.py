"""The settings of a client, checked: its token, base URL, timeouts and so on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from replicate._http.credentials import HOW_TO, Credentials
from replicate._http.environment import address, log
from replicate._http.environment import base_url as variable
from replicate._http.libraries import own_timeout
from replicate._http.options import DEFAULT_TIMEOUT, check_headers, check_mapping, check_query, check_values
from replicate._http.secrecy.hiding import sealed
from replicate._http.session import Config
from replicate.exceptions import ReplicateError
from replicate_api.types import UNSET

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import httpx


def credentials(bearer_token: Any, api_token: Any, *, needed: bool) -> Credentials:
    """Make credentials from either keyword. Raises TypeError for both, ReplicateError if the token is missing."""
    bearer_token, api_token = sealed(bearer_token), sealed(api_token)
    if bearer_token is not None and api_token is not None:
        raise TypeError("bearer_token= and api_token= are the same: pass one of them")
    given = bearer_token is not None or api_token is not None
    found = Credentials(bearer_token if bearer_token is not None else api_token)
    if (needed or given) and not found.rotating and found.secret() is None:
        raise ReplicateError(f"bearer_token client option must be set: there is no API token. {HOW_TO}")
    return found


def configure(
    credentials: Credentials,
    base_url: str | httpx.URL | None,
    timeout: float | httpx.Timeout | None,
    max_retries: int,
    headers: Mapping[str, str] | None,
    query: Mapping[str, Any] | None,
    poll_interval: float | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    allow_private_hosts: bool = False,  # noqa: FBT001, FBT002 - as the others
) -> Config:
    """Check a client's settings, and return its configuration."""
    log.follow()
    timeout = DEFAULT_TIMEOUT if timeout is UNSET else own_timeout(timeout)
    check_values({"timeout": timeout, "max_retries": max_retries})
    check_query("default_query", query)
    check_mapping("default_headers", headers)
    check_headers(headers or {})
    if base_url is None:
        variable()  # raises if it is invalid
    return Config(
        base_url=None if base_url is None else address(base_url),
        credentials=credentials,
        timeout=timeout,
        max_retries=max_retries,
        headers=dict(headers or {}),
        query=dict(query or {}),
        poll_interval=pause(poll_interval),
        output_dir=folder(output_dir),
        allow_private_hosts=flag(allow_private_hosts),
    )


def pause(seconds: Any) -> float | None:
    """Check an interval. Raises TypeError, ValueError."""
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, (int, float))):
        raise TypeError(f"poll_interval must be a number of seconds, or None, not {type(seconds).__name__}")
    if seconds is not None and not 0 <= seconds < float("inf"):
        raise ValueError(f"poll_interval must be 0 or more seconds, not {seconds!r}")
    return seconds


def folder(path: Any, name: str = "output_dir") -> Path | None:
    """Return a folder's path, absolute, as the working directory may change. Raises TypeError, ValueError."""
    if path is None:
        return None
    text = path.__fspath__() if hasattr(path, "__fspath__") else path
    if not isinstance(text, str):
        raise TypeError(f"{name} must be the path of a folder, as a str or a Path, not {type(path).__name__}")
    if not text or "\0" in text:
        raise ValueError(f"{name} must be the path of a folder, not {text!r}")
    return Path(text).absolute()


def flag(value: Any) -> bool:
    """Check whether private hosts are allowed. Raises TypeError."""
    if not isinstance(value, bool):
        raise TypeError(f"allow_private_hosts must be True or False, not {value!r}")
    return value
