"""What REPLICATE_* variables say, read when it is needed: the address of the API, and the log.

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
"""What is a base URL but for its scheme, and holds no user name and no password."""
AROUND = " \t\r\n\"'"
"""What may stand around the value of a variable and does not belong to it."""
LOG = "REPLICATE_LOG"
LEVELS: Mapping[str, int] = {"info": logging.INFO, "debug": logging.DEBUG}


class VariableError(ReplicateError, ValueError):
    """An environment variable does not say what it should."""


class OptionError(ReplicateError, ValueError):
    """An option for the connections is not what it should be."""


# ---- where the API is


def address(base_url: Any) -> httpx.URL:
    """Read a base URL. Raises TypeError, ValueError for one that cannot be."""
    base_url = own_url(base_url)
    if not isinstance(base_url, (str, httpx.URL)):
        raise TypeError(f"base_url must be a str or an httpx.URL, not {type(base_url).__name__}")
    return checked(base_url, "base_url")


def checked(base_url: str | httpx.URL, name: str) -> httpx.URL:
    """Give a base URL without slashes at its end. Raises ValueError for what is none, naming where it comes from.

    It is shown only if it lacks its scheme and nothing else: any other may hold a password.
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
    """Give the base URL that the environment names, or else Replicate's own. Raises VariableError."""
    return _base_url(os.environ.get(BASE_URL, "").strip())


@lru_cache(16)
def _base_url(text: str) -> httpx.URL:
    try:
        return versioned(checked(text or DEFAULT_BASE_URL, BASE_URL))
    except ValueError as error:
        raise VariableError(str(error)) from None


# ---- the log


class Shown(logging.StreamHandler["TextIO"]):
    """Writes to what is the standard error stream at the moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Let a line go that cannot be shown: what it tells of goes on, be stderr closed or broken."""

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        return sys.stderr


class Log:
    """What REPLICATE_LOG has said so far, and what it has changed.

    It shows what this package logs, unless the program takes care of that. httpx's log stays as it is, for it shows
    whole URLs, and those of files may be signed.
    """

    def __init__(self) -> None:
        self._said, self._level = "", logging.NOTSET
        self._handler = Shown()

    def follow(self) -> None:
        """Do what the variable says now, if that is something else than before."""
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
