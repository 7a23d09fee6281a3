"""What a caller may set for one request, and what a client sets for all of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping  # noqa: TC003 - a TypedDict's annotations may be evaluated
from datetime import date
from typing import Any, Literal, TypedDict

import httpx

from replicate._http.libraries import own_timeout
from replicate_api.types import UNSET

DEFAULT_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
"""Seconds that one HTTP request may take to connect (5), and to send or receive anything (60)."""

DEFAULT_MAX_RETRIES = 2

FileEncodingStrategy = Literal["auto", "base64", "data-uri", "url", "upload"]
"""How files of an input are sent."""


class SendOptions(TypedDict, total=False):
    """What goes into a request beyond what the method itself says, and how often it is tried."""

    extra_headers: Mapping[str, str] | None
    """Headers to add, or to replace."""
    extra_query: Mapping[str, Any] | None
    """Query parameters to add."""
    extra_body: Mapping[str, Any] | None
    """Members to add to a JSON body."""
    max_retries: int
    """How often a request that may be sent again is sent again."""


class RequestOptions(SendOptions, total=False):
    """What every method that sends a request also takes."""

    timeout: float | httpx.Timeout | None
    """Seconds that one HTTP request may take (not a whole prediction); None for no limit."""


class ListOptions(RequestOptions, total=False):
    """What every method that lists something also takes."""

    limit: int | None
    """Give at most so many items, of all pages together."""


CONTROL = re.compile(r"[\x00-\x08\n-\x1f\x7f]")
"""What ends a header, or makes it another one."""
LAST_LATIN = 0xFF
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What may be the name of a header, or a method."""

REQUEST_OPTIONS = (*RequestOptions.__annotations__,)


def check_values(given: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError for a timeout, a number of retries or headers that cannot be."""
    timeout = own_timeout(given.get("timeout"))
    if timeout is not None and not isinstance(timeout, httpx.Timeout):
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
            kind = type(timeout).__name__
            raise TypeError(f"timeout must be a number of seconds, None or an httpx.Timeout, not {kind}")
        if not (math.isfinite(timeout) and timeout > 0):
            raise ValueError(f"timeout must be a positive number of seconds, or None for no limit, not {timeout!r}")
    retries = given.get("max_retries", 0)
    if retries is None:
        raise TypeError("max_retries cannot be None: leave it out for the default, or pass 0 to send nothing again")
    if isinstance(retries, bool) or not isinstance(retries, int):
        raise TypeError(f"max_retries must be an int, not {type(retries).__name__}")
    if retries < 0:
        raise ValueError(f"max_retries must be 0 or more, not {retries!r}")
    for name in ("extra_headers", "extra_query", "extra_body"):
        check_mapping(name, given.get(name))
    check_headers(given.get("extra_headers") or {})
    check_query("extra_query", given.get("extra_query"))


def check_mapping(name: str, value: Any) -> None:
    """Raise TypeError for what does not map names to values; None is for none."""
    if value is not None and value is not UNSET and not hasattr(value, "keys"):
        raise TypeError(f"{name} must map names to values, not be {type(value).__name__}")


def check_query(name: str, parameters: Any) -> None:
    """Raise TypeError for what a URL's query cannot carry."""
    check_mapping(name, parameters)
    for key, value in dict(parameters or {}).items():
        kind = type(value).__name__
        if isinstance(value, (bytes, dict, set)):
            raise TypeError(f"{name}[{key!r}] must be a str, a number, a bool or a list, not {kind}")


def check_headers(headers: Mapping[Any, Any]) -> None:
    """Raise TypeError or ValueError for what HTTP cannot carry. UNSET is for a header that is not to go along."""
    for name, value in headers.items():
        if not isinstance(name, str):
            raise TypeError(f"the name of a header must be a str, not {type(name).__name__}")
        if not TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of a header")
        if value is not UNSET and not isinstance(value, (str, bytes)):
            raise TypeError(f"the header {name!r} must be a str, not {type(value).__name__}")
        if isinstance(value, str) and CONTROL.search(value):
            # The value is not shown: it may be the token.
            raise ValueError(f"the header {name!r} holds a control character, such as a line break")


def check_text(name: str, text: Any) -> None:
    """Raise TypeError or ValueError for an argument that goes into a header and that none can carry."""
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str, not {type(text).__name__}")
    if CONTROL.search(text) or not is_latin(text):
        raise ValueError(f"{name} holds a character that no header can carry, such as a line break: {text!r}")


def is_latin(text: str) -> bool:
    """Tell whether a text is in ISO 8859-1, which is what headers are in."""
    return all(ord(character) <= LAST_LATIN for character in text)


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise TypeError for an argument that goes into a URL's query and that none can carry."""
    for name, value in parameters.items():
        if value is not None and value is not UNSET and not isinstance(value, (str, bool, int, float, date)):
            raise TypeError(f"{name} must be a str, a number or a date, not {type(value).__name__}")


def encoded(headers: Mapping[str, str | bytes]) -> list[tuple[bytes, bytes]]:
    """Write headers in ISO 8859-1, and a text that does not fit into it in UTF-8."""
    return [
        (name.encode(), value.encode("latin-1" if is_latin(value) else "utf-8") if isinstance(value, str) else value)
        for name, value in headers.items()
    ]


def check_count(name: str, value: Any) -> None:
    """Raise TypeError or ValueError for what is no number of items; None is for all."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name} must be 1 or more, not {value!r}")


def merged(headers: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Add headers to others, or put them in their place, whatever the case of either."""
    replaced = {name.lower() for name in more}
    return {**{name: value for name, value in headers.items() if name.lower() not in replaced}, **more}


def put(headers: httpx.Headers, more: Mapping[str, Any]) -> None:
    """Set headers; those that are UNSET do not go along."""
    for name, value in more.items():
        if value is UNSET:
            headers.pop(name, None)
        elif isinstance(value, str) and name.isascii() and value.isascii():
            headers[name] = value
        else:
            headers.update(encoded({name: value}))


def within(timeout: float | httpx.Timeout | None, seconds: float) -> float | httpx.Timeout | None:
    """Give a timeout that is nowhere longer than so many seconds."""
    if seconds == float("inf"):
        return timeout
    limits: dict[str, float | None] = httpx.Timeout(timeout).as_dict()
    return httpx.Timeout(**{name: seconds if limit is None else min(limit, seconds) for name, limit in limits.items()})


def read_timeout(timeout: float | httpx.Timeout | None) -> float | None:
    """Give the seconds that the server may keep us waiting; None for ever."""
    return timeout.read if isinstance(timeout, httpx.Timeout) else timeout


def with_read_timeout(timeout: float | httpx.Timeout | None, seconds: float) -> httpx.Timeout:
    """Give the same timeout with at least so many seconds to wait for an answer."""
    full = httpx.Timeout(timeout)
    longest = None if full.read is None else max(full.read, seconds)
    return httpx.Timeout(connect=full.connect, read=longest, write=full.write, pool=full.pool)
