"""The transport that version 1 passed to its httpx clients. Sessions now decide what is retried."""

from __future__ import annotations

from typing import Any

import httpx

from replicate._http import log


class RetryTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport that passes all requests to another one.

    In version 1, it retried requests. Now the client does that, with any transport, according to its `max_retries`.
    """

    def __init__(self, wrapped_transport: Any, **settings: Any) -> None:
        self.wrapped = wrapped_transport
        if settings:
            log.warn(
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
