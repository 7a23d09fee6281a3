"""Checks whether a request can be sent to an address."""

from __future__ import annotations

import httpx

LONGEST_LABEL = 63
LAST_PORT = 65535


class Unfetchable(httpx.RequestError):
    """An address cannot be fetched. `sent` is whether a request has arrived that may have done something."""

    def __init__(self, message: str, *, sent: bool = False, hint: str | None = None) -> None:
        super().__init__(message)
        self.sent: bool = sent
        self.hint: str | None = hint


def check_address(url: httpx.URL) -> None:
    """Raise Unfetchable if the host or the port of a URL is invalid."""
    labels = url.raw_host.removesuffix(b".").split(b".")
    if [label for label in labels if not 0 < len(label) <= LONGEST_LABEL]:
        raise Unfetchable("it has no host" if labels == [b""] else "a part of its host is empty or too long")
    if (url.port or 0) > LAST_PORT:
        raise Unfetchable(f"its port is above {LAST_PORT}")
    try:
        _ = url.host  # httpx decodes it while it sends
    except UnicodeError as error:
        raise Unfetchable(f"its host is none: {error}") from error
