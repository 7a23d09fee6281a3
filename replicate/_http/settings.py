"""Checks a client's settings: its token, base URL, timeouts and so on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from replicate._http.credentials import HOW_TO, Credentials
from replicate._http.environment import address, log
from replicate._http.environment import base_url as variable
from replicate._http.libraries import own_timeout
from replicate._http.observers import observers
from replicate._http.options import (
    DEFAULT_MAX_RESPONSE_BYTES,
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT,
    check_count,
    check_headers,
    check_mapping,
    check_query,
    check_values,
)
from replicate._http.secrecy.hiding import sealed
from replicate._http.session import Config
from replicate.exceptions import ReplicateError
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


def configure(credentials: Credentials, *values: Any) -> Config:
    """Check the values of all SETTINGS, in that order, and return the configuration."""
    log.follow()
    settings = dict(zip(SETTINGS, values, strict=True))
    if settings["timeout"] is UNSET:
        settings["timeout"] = DEFAULT_TIMEOUT
    if settings["base_url"] is None:
        variable()  # raises VariableError if it is invalid
    return Config(credentials=credentials, **check_settings(settings))


def check_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Check settings, and return them by their names in Config. Raises TypeError, ValueError."""
    return {SETTINGS[name].field: SETTINGS[name].check(value) for name, value in settings.items()}


def patience(timeout: Any) -> Any:
    """Check a timeout, and return it; one of httpx2 becomes httpx's. Raises TypeError, ValueError."""
    timeout = own_timeout(timeout)
    check_values({"timeout": timeout})
    return timeout


def retries(number: Any) -> int:
    """Check a number of retries. Raises TypeError, ValueError."""
    check_values({"max_retries": number})
    return int(number)


def headers(given: Any) -> dict[str, str]:
    """Check headers, and copy them. Raises TypeError, ValueError."""
    check_mapping("default_headers", given)
    check_headers(given or {})
    return dict(given or {})


def query(given: Any) -> dict[str, Any]:
    """Check query parameters, and copy them. Raises TypeError."""
    check_query("default_query", given)
    return dict(given or {})


def url(given: Any) -> httpx.URL | None:
    """Check a base URL; None for the one in the environment. Raises TypeError, ValueError."""
    return None if given is None else address(given)


def pause(seconds: Any) -> float | None:
    """Check a polling interval. Raises TypeError, ValueError."""
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
    """Check `allow_private_hosts`. Raises TypeError."""
    if not isinstance(value, bool):
        raise TypeError(f"allow_private_hosts must be True or False, not {value!r}")
    return value


def size(value: Any) -> int:
    """Check `max_response_bytes`. Raises TypeError, ValueError."""
    if value is None:
        raise TypeError("max_response_bytes cannot be None: leave it out for the default, or pass a large number")
    check_count("max_response_bytes", value)
    return int(value)


class Setting(NamedTuple):
    """One of the settings of a client."""

    field: str
    """Its name in Config."""
    check: Callable[[Any], Any]
    """Checks a value, and returns the value for Config. Raises TypeError, ValueError."""
    default: Any = None


SETTINGS: Mapping[str, Setting] = {
    "base_url": Setting("base_url", url),
    "timeout": Setting("timeout", patience, DEFAULT_TIMEOUT),
    "max_retries": Setting("max_retries", retries, DEFAULT_MAX_RETRIES),
    "default_headers": Setting("headers", headers),
    "default_query": Setting("query", query),
    "poll_interval": Setting("poll_interval", pause),
    "output_dir": Setting("output_dir", folder),
    "allow_private_hosts": Setting("allow_private_hosts", flag, default=False),
    "max_response_bytes": Setting("max_response_bytes", size, DEFAULT_MAX_RESPONSE_BYTES),
    "observers": Setting("observers", observers),
}
"""The settings of a client, apart from its token and its httpx client."""
