"""Cookies that the API sets are sent back; responses without cookies are not searched for any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import RUN
from support.faults import Faults, answer
from support.sessions import config

from replicate import DefaultAioHttpClient, DefaultAsyncHttpxClient, DefaultHttpxClient
from replicate._http.connections.transport import AsyncTransport, BlockingTransport
from replicate._http.session import Session
from replicate_api.types import Request

if TYPE_CHECKING:
    from collections.abc import Callable


MADE: dict[str, tuple[str, Callable[[], Any]]] = {
    "blocking": ("blocking", BlockingTransport),
    "asyncio": ("asyncio", AsyncTransport),
    "blocking, a default client": ("blocking", lambda: BlockingTransport(DefaultHttpxClient())),
    "asyncio, a default client": ("asyncio", lambda: AsyncTransport(DefaultAsyncHttpxClient())),
    "aiohttp": ("asyncio", lambda: AsyncTransport(DefaultAioHttpClient())),
}


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record each time that httpx looks for cookies in a response."""
    found: list[int] = []
    look = httpx.Cookies.extract_cookies

    def extract_cookies(self: httpx.Cookies, response: httpx.Response) -> None:
        found.append(response.status_code)
        look(self, response)

    monkeypatch.setattr(httpx.Cookies, "extract_cookies", extract_cookies)
    return found


@pytest.mark.parametrize("name", ["Set-Cookie", "set-cookie", "SET-COOKIE"])
@pytest.mark.parametrize(("colour", "make"), MADE.values(), ids=MADE)
def test_a_cookie_is_sent_back(colour: str, make: Callable[[], Any], name: str, looked: list[int]) -> None:
    """A response is searched for cookies only if it sets one, and later requests carry the cookie."""
    with Faults(answer(), answer("200 OK", b"{}", f"{name}: a=1"), answer()) as api:

        async def main() -> None:
            transport = make()
            session: Session[Any] = Session(config(api.base_url), transport)
            for _ in range(4):
                await session.send(Request("GET", "/account"))
            await transport.close()

        RUN[colour](main())
    assert [b"cookie: a=1" in each.lower() for each in api.requests] == [False, False, True, True]
    assert looked == [200]
