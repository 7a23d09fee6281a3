"""What goes over the wire when the network misbehaves, counted by a server with real sockets."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import httpx2
import pytest
from support.colours import RUN
from support.faults import CLOSE_READ, RESET_READ, RESET_UNREAD, SILENCE, Faults, answer, read_request, refusing_url
from support.sessions import TOKEN, Hasty, HastyAsync, config

from replicate._http.connections.transport import AsyncTransport, BlockingTransport
from replicate._http.session import Session
from replicate._objects.page import Page
from replicate.exceptions import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    InternalServerError,
    RateLimitError,
    ReplicateError,
)
from replicate_api.api.account import account_get
from replicate_api.api.predictions import predictions_list
from replicate_api.types import Request

if TYPE_CHECKING:
    from collections.abc import Callable

GET, POST = Request("GET", "/account"), Request("POST", "/predictions", json={"input": {}})
AUTHORIZATION = f"authorization: bearer {TOKEN}".encode()


class Colour(NamedTuple):
    """How a session sends: its colour, and its own client or one of a library."""

    name: str
    library: Any = None

    def transport(self) -> Any:
        """Make the transport."""
        if self.name == "blocking":
            return Hasty(self.library.Client() if self.library else None)
        return HastyAsync(self.library.AsyncClient() if self.library else None)

    def __str__(self) -> str:
        return f"{self.name} {self.library.__name__}" if self.library else self.name


@pytest.fixture(params=[Colour(name, library) for name in RUN for library in (None, httpx2)], ids=str)
def colour(request: pytest.FixtureRequest) -> Colour:
    colour: Colour = request.param
    return colour


def exchange(colour: Colour, base_url: str, work: Callable[[Session[Any]], Any], **settings: Any) -> Any:
    """Run a coroutine function on a session of a colour, without pauses, and close the session."""
    session: Session[Any] = Session(config(base_url, **settings), colour.transport())

    async def main() -> Any:
        try:
            return await work(session)
        finally:
            await session.transport.close()

    return RUN[colour.name](main())


def patience(fault: Any) -> httpx.Timeout:
    """Return a timeout: a short one only where no answer comes, as a busy machine may take a second for one."""
    return httpx.Timeout(20, read=0.5 if fault is SILENCE else 20)


def send(request: Request) -> Callable[[Session[Any]], Any]:
    return lambda session: session.send(request)


BROKEN = {
    "reset": RESET_READ,
    "closed": CLOSE_READ,
    "silent": SILENCE,
    "garbage": b"SSH-2.0-OpenSSH_9\r\n",
    "cut in the head": b"HTTP/1.1 200 OK\r\nContent-",
    "cut in the body": answer("200 OK", b'{"username": ', "Content-Length: 900"),
    "500": answer("500 Internal Server Error"),
    "520": answer("520 Unknown", b"<html>origin down</html>"),
}


@pytest.mark.parametrize("fault", [RESET_UNREAD, *BROKEN.values()], ids=["reset unread", *BROKEN])
def test_a_get_survives_one_fault(colour: Colour, fault: Any) -> None:
    """Whatever one fault a GET meets, its second attempt succeeds."""
    with Faults(fault, answer("200 OK", b'{"username": "ada"}')) as server:
        account = exchange(colour, server.base_url, lambda session: session.call(account_get), timeout=patience(fault))
        assert account.username == "ada"
        assert server.connections == 2


@pytest.mark.parametrize("fault", BROKEN.values(), ids=list(BROKEN))
def test_a_post_that_may_have_arrived_is_never_sent_again(colour: Colour, fault: Any) -> None:
    """Whatever fault a POST meets after it was sent, it is not sent a second time."""
    with Faults(fault) as server:
        with pytest.raises((APIConnectionError, InternalServerError)) as caught:
            exchange(colour, server.base_url, send(POST), timeout=patience(fault), max_retries=3)
        assert server.connections == 1
        if isinstance(caught.value, APIConnectionError):
            assert caught.value.sent


def test_a_post_that_was_refused_is_sent_again(colour: Colour) -> None:
    """429 means that nothing was done: the same POST is sent again."""
    with Faults(answer("429 Too Many Requests", b'{"retry_after": 1}'), answer("201 Created")) as server:
        assert exchange(colour, server.base_url, send(POST)).status_code == 201
        first, second = server.requests
        assert first.endswith(b'{"input":{}}')
        assert second == first


@pytest.mark.parametrize("request_", [GET, POST], ids=["get", "post"])
def test_a_refused_connection(colour: Colour, request_: Request) -> None:
    """A refused connection is retried, and then raises an error that says that nothing was sent."""
    slept: list[float] = []

    async def work(session: Session[Any]) -> None:
        try:
            await session.send(request_)
        finally:
            slept.extend(vars(session.transport)["sleeps"])

    with pytest.raises(APIConnectionError, match=r"127\.0\.0\.1:\d+ could not be reached") as caught:
        exchange(colour, refusing_url(), work, max_retries=2)
    assert caught.value.sent is False
    assert len(slept) == 2


def test_a_server_that_never_answers(colour: Colour) -> None:
    """A server that is silent causes APITimeoutError after the read timeout."""
    with Faults(SILENCE) as server, pytest.raises(APITimeoutError, match="did not answer in time at GET /v1/account"):
        exchange(colour, server.base_url, send(GET), timeout=patience(SILENCE), max_retries=0)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        (["Retry-After: 11"], b"", 11),
        (["Retry-After: Fri, 31 Dec 1999 23:59:59 GMT"], b"", 0),
        ([], b'{"detail": "Request was throttled. Expected available in 9 seconds.", "retry_after": 9}', 9),
    ],
)
def test_the_wait_of_a_429(colour: Colour, headers: list[str], body: bytes, seconds: float) -> None:
    """The error's `retry_after` is the wait that the server gives, in whatever form."""
    with Faults(answer("429 Too Many Requests", body, *headers)) as server:
        with pytest.raises(RateLimitError) as caught:
            exchange(colour, server.base_url, send(POST), max_retries=0)
        assert caught.value.retry_after == seconds


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b""])
def test_a_200_of_another_server(colour: Colour, body: bytes) -> None:
    """A proxy's page or an empty body with status 200 is not the API's response, and is not retried."""
    with Faults(answer("200 OK", body, "Content-Type: text/html")) as server:
        with pytest.raises(APIResponseValidationError):
            exchange(colour, server.base_url, lambda session: session.call(account_get))
        assert server.connections == 1


def redirect(to: str, status: str = "302 Found") -> bytes:
    return answer(status, b"", f"Location: {to}")


def test_a_redirect_to_another_origin_loses_the_token(colour: Colour) -> None:
    """A GET follows a redirect; the token is sent along only if the redirect leads to the API itself."""
    with Faults(answer()) as elsewhere, Faults(redirect(f"{elsewhere.origin}/file")) as api:
        assert exchange(colour, api.base_url, send(GET)).status_code == 200
        assert AUTHORIZATION in api.requests[0].lower()
        assert b"authorization" not in elsewhere.requests[0].lower()
        assert TOKEN.encode() not in elsewhere.requests[0]

    with Faults(redirect("/v1/moved"), answer()) as api:
        assert exchange(colour, api.base_url, send(GET)).status_code == 200
        assert AUTHORIZATION in api.requests[1].lower()


SECRETS: dict[str, Any] = {"headers": {"X-Own": "secret-h"}, "cookies": {"c": "secret-c"}, "params": {"p": "secret-p"}}


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("redirects", [True, False])
@pytest.mark.parametrize("library", [httpx, httpx2])
def test_settings_of_the_http_client_stay_at_the_api(library: Any, *, blocking: bool, redirects: bool) -> None:
    """Headers, cookies, parameters and auth of an `http_client`, and the client's headers, go to the API only."""
    kind: Any = library.Client if blocking else library.AsyncClient
    http = kind(**SECRETS, auth=("user", "secret-a"))
    transport: Any = (BlockingTransport if blocking else AsyncTransport)(http)
    run = RUN["blocking" if blocking else "asyncio"]
    with Faults(answer()) as elsewhere, Faults(redirect(f"{elsewhere.origin}/file?sig=1")) as api:
        session: Session[Any] = Session(config(api.base_url, headers={"X-Default": "secret-d"}), transport)
        headers = {"X-Request": "secret-r"} if redirects else {}
        path = "/account" if redirects else f"{elsewhere.origin}/file?sig=1"

        async def main() -> None:
            await session.send(Request("GET", path, headers={"Range": "bytes=0-", **headers}))
            await transport.close()

        run(main())
        (arrived,) = elsewhere.requests
        assert arrived.startswith(b"GET /file?sig=1 HTTP/1.1")
        assert b"range: bytes=0-" in arrived.lower()
        assert not any(word in arrived.lower() for word in (b"secret", b"authorization", b"cookie"))
        if redirects:
            assert all(word in api.requests[0] for word in (b"secret-h", b"secret-c", b"secret-p", b"secret-d"))


def test_a_redirect_from_elsewhere_to_the_api_gets_no_token(colour: Colour) -> None:
    """Another host cannot make the client call the API with the user's token."""
    with Faults(answer()) as api, Faults(redirect(f"{api.base_url}/account")) as elsewhere:
        assert exchange(colour, api.base_url, send(Request("GET", f"{elsewhere.origin}/file"))).status_code == 200
        assert AUTHORIZATION not in api.requests[0].lower()


@pytest.mark.parametrize("to", ["/v1/account", "ftp://127.0.0.1/a"])
def test_redirects_that_cannot_be_followed(colour: Colour, to: str) -> None:
    """Circular redirects, and redirects to another protocol, are errors."""
    with Faults(redirect(to)) as api:
        with pytest.raises(APIStatusError, match="302 Found from GET /v1/account"):
            exchange(colour, api.base_url, send(GET))
        assert api.connections == (11 if to.startswith("/") else 1)


@pytest.mark.parametrize(
    "status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
)
def test_a_post_follows_no_redirect(colour: Colour, status: str) -> None:
    """A POST, which carries the user's data, follows no redirect; the redirect is an error."""
    with Faults(answer()) as elsewhere, Faults(redirect(f"{elsewhere.origin}/x", status)) as api:
        with pytest.raises(APIStatusError) as caught:
            exchange(colour, api.base_url, send(POST))
        assert caught.value.message.startswith(f"{status} from POST /v1/predictions: ")
        assert str(caught.value) == f"ReplicateError Details:\nstatus: {status[:3]}"
        assert elsewhere.connections == 0


def test_a_next_page_elsewhere_is_not_fetched(colour: Colour) -> None:
    """A page whose `next` leads away from the API ends the iteration with an error."""
    with Faults(answer()) as elsewhere, Faults() as api:
        body = b'{"results": [], "next": "%s/v1/predictions"}' % elsewhere.origin.encode()
        api.behaviours = [answer("200 OK", body)]

        async def walk(session: Session[Any]) -> None:
            page: Any = Page(session, await session.call(predictions_list), lambda item, _: item, predictions_list)
            async for _ in page._items():
                pass

        with pytest.raises(ReplicateError, match="not followed"):
            exchange(colour, api.base_url, walk)
        assert elsewhere.connections == 0


def test_a_streamed_answer_that_breaks_off(colour: Colour) -> None:
    """The part of a streamed response that arrived is yielded, then APIConnectionError is raised."""
    received = bytearray()

    async def work(session: Session[Any]) -> None:
        response = await session.send(GET, stream=True)
        async for chunk in session.chunks(response):
            received.extend(chunk)

    cut = answer("200 OK", b"half", "Content-Length: 8")
    with Faults(cut) as server, pytest.raises(APIConnectionError, match="broke off at GET /v1/account"):
        exchange(colour, server.base_url, work)
    assert received == b"half"


def test_an_error_instead_of_a_stream_is_read(colour: Colour) -> None:
    """A streamed request whose response is an error raises it, with the text of the body."""

    async def work(session: Session[Any]) -> None:
        await session.send(GET, stream=True)

    with Faults(answer("404 Not Found", b'{"detail": "gone"}')) as server, pytest.raises(APIStatusError, match="gone"):
        exchange(colour, server.base_url, work)


def test_a_request_that_breaks_off() -> None:
    """The test server stops reading if the connection is closed in the middle of a request."""
    for part in (b"GET / HT", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nab"):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(part)
            ours.shutdown(socket.SHUT_WR)
            assert read_request(theirs).startswith(part)
