"""A request to somebody else than the API, and an answer that ends in time: what httpx has no word for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALWAYS: float = float("inf")
TIE: float = 0.05
"""Seconds by which a deadline waits for httpx's own timeouts, which tell whether the request was sent."""


class Foreign(dict[str, Any]):
    """A request to somebody else than the API: it carries what is in it, and nothing that a client would add."""


def bare(request: Foreign) -> httpx.Request:
    """Make a request by hand, so that a client's own headers, cookies and parameters are not merged into it."""
    arguments = {name: value for name, value in request.items() if name != "timeout"}
    return httpx.Request(**arguments, extensions={"timeout": httpx.Timeout(request["timeout"]).as_dict()})


class Timed(httpx.SyncByteStream):
    """The content of an answer that ends at the deadline."""

    def __init__(self, response: httpx.Response, left: Callable[[], float]) -> None:
        self._stream, self._left = cast("httpx.SyncByteStream", response.stream), left
        self._timeout: dict[str, float | None] = response.request.extensions["timeout"]

    def __iter__(self) -> Iterator[bytes]:
        read = self._timeout["read"]
        self._timeout["read"] = max(0.001, self._left() if read is None else min(read, self._left()))
        for part in self._stream:
            yield part
            if self._left() <= 0:
                raise httpx.ReadTimeout("The time was up before the end of the answer.")

    def close(self) -> None:
        self._stream.close()
