"""Settings from REPLICATE_* variables, read when they are needed: the base URL and the log.

The token's variable is in `credentials.py`, the polling interval's in `polling.py`.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import httpx

from replicate._http.libraries import own_url
from replicate.exceptions import ReplicateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

DEFAULT_BASE_URL = "https://api.replicate.com/v1"
BASE_URL = "REPLICATE_BASE_URL"
SCHEMELESS = re.compile(r"(localhost|[\w-]+(\.[\w-]+)+|\[[\da-fA-F:]+\])(:\d{1,5})?(/[\w./-]*)?")
"""A base URL that lacks only its scheme, and holds no user name and no password."""
AROUND = " \t\r\n\"'"
"""Characters around a variable's value that do not belong to it."""
LOG = "REPLICATE_LOG"
LEVELS: Mapping[str, int] = {"info": logging.INFO, "debug": logging.DEBUG}


class VariableError(ReplicateError, ValueError):
    """An environment variable has an invalid value."""


class OptionError(ReplicateError, ValueError):
    """An option for the connections is invalid."""


# ---- the base URL


def address(base_url: Any) -> httpx.URL:
    """Return a base URL. Raises TypeError, ValueError if it is invalid."""
    base_url = own_url(base_url)
    if not isinstance(base_url, (str, httpx.URL)):
        raise TypeError(f"base_url must be a str or an httpx.URL, not {type(base_url).__name__}")
    return checked(base_url, "base_url")


def checked(base_url: str | httpx.URL, name: str) -> httpx.URL:
    """Return a base URL without trailing slashes. Raises ValueError, which names its source, if it is invalid.

    The error shows the URL only if just its scheme is missing. Any other may hold a password.
    """
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, UnicodeError):
        url = httpx.URL("")
    if url.userinfo:
        raise ValueError(f"{name} must hold no user name and no password: pass the token as bearer_token=")
    full = url.scheme in ("http", "https") and url.host and (url.port is None or 0 < url.port < 2**16)
    if not full or url.query or url.fragment:
        said = f"{name} must be a full URL without a query, such as {DEFAULT_BASE_URL}"
        text = str(base_url)
        if SCHEMELESS.fullmatch(text) and "r8_" not in text:
            said += f": {text!r} does not begin with http:// or https://"
        raise ValueError(said)
    path = url.raw_path.rstrip(b"/")
    return url if path in (url.raw_path, b"") else url.copy_with(raw_path=path)


def versioned(base_url: str | httpx.URL) -> httpx.URL:
    """Add the API's version to a base URL whose path is empty."""
    url = address(base_url)
    return url.copy_with(path="/v1") if url.path in ("", "/") else url


def base_url() -> httpx.URL:
    """Return the base URL from the environment, or else Replicate's own. Raises VariableError."""
    return _base_url(os.environ.get(BASE_URL, "").strip())


@lru_cache(16)
def _base_url(text: str) -> httpx.URL:
    try:
        return versioned(checked(text or DEFAULT_BASE_URL, BASE_URL))
    except ValueError as error:
        raise VariableError(str(error)) from None


# ---- the log


class Shown(logging.StreamHandler["TextIO"]):
    """A log handler that writes to the current standard error stream."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Drop a line that cannot be written. A closed or broken stderr must not stop the program."""

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        return sys.stderr


class Log:
    """The effect of REPLICATE_LOG so far.

    It shows the log of this package, unless the program handles that itself. httpx's log stays as it is: it would show
    whole URLs, and those of files may be signed.
    """

    def __init__(self) -> None:
        self._said, self._level = "", logging.NOTSET
        self._handler = Shown()

    def follow(self) -> None:
        """Apply the variable if its value has changed."""
        said = os.environ.get(LOG, "").strip().lower()
        if said == self._said:
            return
        before, self._said = self._said, said
        logger = logging.getLogger("replicate")
        if before not in LEVELS:
            self._level = logger.level
        logger.setLevel(LEVELS.get(said, self._level))
        logger.removeHandler(self._handler)
        if said in LEVELS and not logger.hasHandlers():
            logger.addHandler(self._handler)


log: Log = Log()
