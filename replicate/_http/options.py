"""The options of requests: their types, defaults and checks."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping  # noqa: TC003 - a TypedDict's annotations may be evaluated
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import httpx

from replicate._http.libraries import own_timeout
from replicate._json import check_encodable
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Iterable

    from replicate_api.types import Part

DEFAULT_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
"""Seconds for one HTTP request: 5 to connect, 60 to send or receive anything."""

DEFAULT_MAX_RETRIES = 2

DEFAULT_MAX_RESPONSE_BYTES = 256 * 2**20
"""Maximum size of a response. The largest real ones are outputs: texts of 30 MB, or data URIs of some tens of MB."""

FileEncodingStrategy = Literal["auto", "base64", "data-uri", "url", "upload"]
"""How files of an input are sent."""


class SendOptions(TypedDict, total=False):
    """Additions to a request beyond the method's own arguments, and the number of retries."""

    extra_headers: Mapping[str, str] | None
    """Headers to add, or to replace."""
    extra_query: Mapping[str, Any] | None
    """Query parameters to add."""
    extra_body: Mapping[str, Any] | None
    """Members to add to a JSON body."""
    max_retries: int
    """Maximum number of retries, for a request that can be sent again safely."""


class RequestOptions(SendOptions, total=False):
    """The options of every method that sends a request."""

    timeout: float | httpx.Timeout | None
    """Seconds for one HTTP request (not a whole prediction): to connect, and for the whole response; None for no limit.

    The parts of an `httpx.Timeout` limit each wait."""


class ListOptions(RequestOptions, total=False):
    """The options of every method that lists items."""

    limit: int | None
    """Maximum number of items, over all pages."""


CONTROL = re.compile(r"[\x00-\x08\n-\x1f\x7f]")
"""Characters that end a header, or start another one."""
NOT_LATIN = re.compile(r"[^\x00-\xff]")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A valid name of a header or a method."""

REQUEST_OPTIONS = (*RequestOptions.__annotations__,)


def check_values(given: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError if a timeout, a number of retries or an extra option is invalid."""
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
    """Raise TypeError if a value does not map names to values. None and UNSET are allowed."""
    if value is not None and value is not UNSET and not hasattr(value, "keys"):
        raise TypeError(f"{name} must map names to values, not be {type(value).__name__}")


def check_query(name: str, parameters: Any) -> None:
    """Raise TypeError if a URL's query cannot carry the parameters."""
    check_mapping(name, parameters)
    for key, value in dict(parameters or {}).items():
        kind = type(value).__name__
        if isinstance(value, (bytes, dict, set)):
            raise TypeError(f"{name}[{key!r}] must be a str, a number, a bool or a list, not {kind}")


def check_headers(headers: Mapping[Any, Any]) -> None:
    """Raise TypeError or ValueError if HTTP cannot carry the headers. UNSET stands for a header to leave out."""
    for name, value in headers.items():
        if not isinstance(name, str):
            raise TypeError(f"the name of a header must be a str, not {type(name).__name__}")
        if not TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of a header")
        if value is not UNSET and not isinstance(value, (str, bytes)):
            raise TypeError(f"the header {name!r} must be a str, not {type(value).__name__}")
        # The value is not shown, as it may be the token.
        if value is not UNSET and CONTROL.search(value if isinstance(value, str) else value.decode("latin-1")):
            raise ValueError(f"the header {name!r} holds a control character, such as a line break")
        if isinstance(value, str):
            check_encodable(value, f"the header {name!r}")


def is_sendable(text: str) -> bool:
    """Return whether a text from a server can be the value of a header."""
    return not CONTROL.search(text) and text == text.strip(" \t")


def check_parts(parts: Iterable[Part]) -> None:
    """Raise TypeError or ValueError if a form cannot carry its parts: their names, media types and texts."""
    for part in parts:
        if not isinstance(part.name, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # it is the caller's
            raise TypeError(f"the name of a form's field must be a str, not {type(part.name).__name__}")
        check_encodable(part.name, "the name of a form's field")
        of = f"of the form's field {part.name!r}"
        for text, what in ((part.filename, f"the file name {of}"), (part.content_type, f"the content type {of}")):
            if text is not None and not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # likewise
                raise TypeError(f"{what} must be a str, not {type(text).__name__}")
            check_encodable(text or "", what)
        if CONTROL.search(part.content_type or ""):
            raise ValueError(f"the content type {of} holds a control character, such as a line break")
        if isinstance(part.content, str):
            check_encodable(part.content, f"the content {of}")


def check_text(name: str, text: Any) -> None:
    """Raise TypeError or ValueError if a header cannot carry an argument."""
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str, not {type(text).__name__}")
    if CONTROL.search(text) or not is_latin(text):
        raise ValueError(f"{name} holds a character that no header can carry, such as a line break: {text!r}")


def is_latin(text: str) -> bool:
    """Return whether a text fits into ISO 8859-1, the encoding of headers."""
    return not NOT_LATIN.search(text)


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise TypeError if a URL's query cannot carry an argument."""
    for name, value in parameters.items():
        if value is not None and value is not UNSET and not isinstance(value, (str, bool, int, float, date)):
            raise TypeError(f"{name} must be a str, a number or a date, not {type(value).__name__}")


def encoded(headers: Mapping[str, str | bytes]) -> list[tuple[bytes, bytes]]:
    """Encode headers in ISO 8859-1, and a value that does not fit into it in UTF-8."""
    return [
        (name.encode(), value.encode("latin-1" if is_latin(value) else "utf-8") if isinstance(value, str) else value)
        for name, value in headers.items()
    ]


def check_count(name: str, value: Any) -> None:
    """Raise TypeError or ValueError if a value is not a number of items. None means all."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name} must be 1 or more, not {value!r}")


def merged(headers: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Return headers with others added or replaced, whatever the case of their names."""
    replaced = {name.lower() for name in more}
    return {**{name: value for name, value in headers.items() if name.lower() not in replaced}, **more}


def put(headers: httpx.Headers, more: Mapping[str, Any]) -> None:
    """Set headers, and remove those that are UNSET."""
    for name, value in more.items():
        if value is UNSET:
            headers.pop(name, None)
        elif isinstance(value, str) and name.isascii() and value.isascii():
            headers[name] = value
        else:
            headers.update(encoded({name: value}))


class Whole(float):
    """A read timeout that is also the time for the whole response, as a timeout is that was given as a number."""


def whole_of(timeout: float | httpx.Timeout | None) -> float | None:
    """Return in how many seconds the response must be complete; None if each of its parts may take the read timeout."""
    if isinstance(timeout, httpx.Timeout):
        return timeout.read if isinstance(timeout.read, Whole) else None
    return timeout


def in_parts(timeout: float | httpx.Timeout | None) -> dict[str, float | None]:
    """Return the parts of a timeout."""
    parts: dict[str, float | None] = httpx.Timeout(timeout).as_dict()
    whole = whole_of(timeout)
    return parts if whole is None else {**parts, "read": Whole(whole)}


def within(timeout: float | httpx.Timeout | None, seconds: float) -> float | httpx.Timeout | None:
    """Return a timeout with no limit above so many seconds."""
    if seconds == float("inf"):
        return timeout
    limits = in_parts(timeout)
    return httpx.Timeout(**{name: seconds if limit is None else min(limit, seconds) for name, limit in limits.items()})


def read_timeout(timeout: float | httpx.Timeout | None) -> float | None:
    """Return the read timeout in seconds; None for no limit."""
    return timeout.read if isinstance(timeout, httpx.Timeout) else timeout


def with_read_timeout(timeout: float | httpx.Timeout | None, seconds: float) -> httpx.Timeout:
    """Return the same timeout with a read timeout of at least so many seconds."""
    parts = in_parts(timeout)
    if (read := parts["read"]) is not None:
        longest = max(read, seconds)
        parts["read"] = Whole(longest) if isinstance(read, Whole) else longest
    return httpx.Timeout(**parts)
