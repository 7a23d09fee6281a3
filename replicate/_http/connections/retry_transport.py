"""The transport that version 1 gave its httpx clients. Here sessions decide what is sent again."""

from __future__ import annotations

import warnings
from typing import Any

import httpx


class RetryTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport that hands everything to another one.

    Version 1 sent requests again in here. Now the client does, in any transport, as its `max_retries` says.
    """

    def __init__(self, wrapped_transport: Any, **settings: Any) -> None:
        self.wrapped = wrapped_transport
        if settings:
            warnings.warn(
                f"RetryTransport has no say in retries any more ({', '.join(settings)}): "
                "pass max_retries= to the client instead",
                DeprecationWarning,
                stacklevel=2,
            )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        response: httpx.Response = self.wrapped.handle_request(request)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request without blocking."""
        response: httpx.Response = await self.wrapped.handle_async_request(request)
        return response

    def close(self) -> None:
        """Close the other transport."""
        self.wrapped.close()

    async def aclose(self) -> None:
        """Close the other transport without blocking."""
        await self.wrapped.aclose()
