"""No error has the token that a server sends back, in whatever part of a response."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import connect, got
from support.failing_calls import TOKEN, VERSION, account, raised
from support.faults import Faults, answer
from support.walking import chain, leaks

from replicate import AmbiguousCreateError

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
SECRET = TOKEN.encode()
ESCAPED = "".join(rf"\u{ord(letter):04x}" for letter in TOKEN).encode()
ECHOES: dict[str, Callable[[bytes], bytes]] = {
    "no JSON": lambda request: answer("200 OK", b"<html>" + request),
    "no account": lambda request: answer("200 OK", b'["%s"]' % SECRET),
    "headers": lambda request: answer("200 OK", b"<html>", f"X-Auth: Bearer {TOKEN}", f"X-Request-Id: {TOKEN}"),
    "chunk": lambda request: CHUNKED + b"Bearer " + SECRET + b"\r\n",
    "later chunk": lambda request: CHUNKED + b"1\r\n{\r\nBearer " + SECRET + b"\r\n",
    "escaped": lambda request: answer("422 No", b'{"detail": "%s", "title": "\\/"}' % ESCAPED),
    "escaped in part": lambda request: answer("422 No", b'["%s%s", "a\\"b"]' % (ESCAPED[:6], SECRET[1:])),
    "reason": lambda request: answer(f"422 {TOKEN}", b"{}"),
    "reason of a success": lambda request: answer(f"200 {TOKEN}", b"<html>"),
    "no address": lambda request: answer("301 Moved", b"", f"Location: http://[bad{TOKEN}"),
    "another address": lambda request: answer("302 Moved", b"", f"Location: http://127.0.0.1:1/x?{TOKEN}"),
    "length": lambda request: answer("200 OK", b"{}", f"Content-Length: {TOKEN}"),
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_no_error_has_the_token(echo: Any, colour: str) -> None:
    """The error has no token, nor have the response and the request that it holds, and its pickle."""
    with Faults(echo) as server:
        client = connect(colour, bearer_token=TOKEN, base_url=server.base_url, max_retries=0)
        error: Any = raised(colour, lambda: account(client, ""))
        assert len(server.requests) == 1  # a redirect to a URL with the token is not followed
    assert leaks(error, TOKEN) == []
    assert SECRET not in pickle.dumps(error)
    for each in chain(error):
        response = getattr(each, "response", None)
        shown = "" if response is None else f"{response!r} {response.text} {response.headers.raw} {response.extensions}"
        assert TOKEN not in f"{each} {each!r} {shown}"


def test_an_answer_that_a_hook_has_read(colour: str) -> None:
    """A response that a hook has read before keeps its text in httpx. It has no token either."""

    def read(response: Any) -> None:
        response.read()
        assert TOKEN in response.text

    async def aread(response: Any) -> None:
        await response.aread()
        assert TOKEN in response.text

    blocking = colour == "blocking"
    http = (httpx.Client if blocking else httpx.AsyncClient)(event_hooks={"response": [read if blocking else aread]})
    with Faults(ECHOES["no JSON"]) as server:
        client = connect(colour, bearer_token=TOKEN, base_url=server.base_url, max_retries=0, http_client=http)
        error: Any = raised(colour, lambda: account(client, ""))
    assert "<html>" in error.response.text
    assert TOKEN not in error.response.text


def test_content_that_is_read_in_chunks(colour: str) -> None:
    """What httpx says of an invalid chunk quotes the received bytes, without the token."""
    with Faults(ECHOES["later chunk"]) as server:
        client = connect(colour, bearer_token=TOKEN, base_url=server.base_url, max_retries=0)

        async def act() -> None:
            response = await got(client.get("/account", stream=True))
            await got(response.http_response.read() if colour == "blocking" else response.http_response.aread())

        error = raised(colour, act)
    assert "[hidden]" in str(error)
    assert leaks(error, TOKEN) == []


def test_a_create_in_doubt(colour: str) -> None:
    """AmbiguousCreateError holds a response that is not the API's, without the token."""
    with Faults(ECHOES["no JSON"]) as server:
        client = connect(colour, bearer_token=TOKEN, base_url=server.base_url, max_retries=0, timeout=5)

        async def act() -> None:
            await got(client.predictions.create(version=VERSION, input={}))

        client._session.transport.sleep = slept
        error: Any = raised(colour, act)
    assert isinstance(error, AmbiguousCreateError)
    assert error.response is not None
    assert leaks(error, TOKEN) == []
    assert TOKEN not in f"{error} {error.response.text}"


async def slept(seconds: float) -> None:
    pass
