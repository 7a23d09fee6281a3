"""The request of a response or an error has its Authorization header masked, for every reader and in pickles."""

from __future__ import annotations

import copy
import io
import pickle
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest
from support.colours import collect, connect, got
from support.faults import RESET_READ, Faults, answer
from support.walking import found

from replicate import APIConnectionError, APIResponseValidationError, APIStatusError, ReplicateError

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "r8_InNoRequestThatIsShown0123456789"
MASK = "Bearer [hidden]"
PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)
PAGE = answer(body=b'{"results": [], "next": "predictions?cursor=2", "previous": null}')


def check(request: Any) -> None:
    """Check a request in every way in which it can be read."""
    headers = request.headers
    assert headers["Authorization"] == headers.get("authorization") == dict(headers)["authorization"] == MASK
    assert MASK in headers.values()
    assert ("authorization", MASK) in [*headers.items(), *headers.multi_items()]
    assert headers.get_list("authorization") == [MASK]
    assert dict(headers.raw)[b"Authorization"] == MASK.encode()
    assert headers.copy()["authorization"] == MASK
    assert headers["user-agent"].startswith("replicate/")
    assert {"host", "accept", "accept-encoding", "connection"} <= {*headers}
    for each in (request, copy.copy(request), copy.deepcopy(request)):
        assert found(each, TOKEN) is None
        assert found(pickle.loads(pickle.dumps(each)), TOKEN) is None
    for each in (request, headers):
        for protocol in PROTOCOLS:
            pickled = pickle.dumps(each, protocol)
            assert TOKEN.encode() not in pickled
            arrived = pickle.loads(pickled)
            assert type(arrived).__module__.partition(".")[0] in ("httpx", "httpx2")
            assert arrived.__class__ in (httpx.Request, httpx.Headers, httpx2.Request, httpx2.Headers)
            assert arrived.__class__.__mro__[0] in type(each).__mro__


@pytest.fixture(params=["own", "httpx", "httpx2"])
def client_of(request: pytest.FixtureRequest, colour: str) -> Callable[..., Any]:
    """Return a function that makes clients over their own connections, or over those of the caller's."""
    library = {"own": None, "httpx": httpx, "httpx2": httpx2}[request.param]

    def make(server: Faults, **options: Any) -> Any:
        given = {"bearer_token": TOKEN, "base_url": server.base_url, "max_retries": 0, **options}
        if library is not None:
            given["http_client"] = (library.Client if colour == "blocking" else library.AsyncClient)()
        return connect(colour, **given)

    return make


async def test_requests_of_responses(client_of: Any, colour: str) -> None:
    """The request of a response is masked, of every library, and so is the next request of a redirect."""
    with Faults(answer(), answer("307 Moved", b"", "Location: /v1/other")) as server:
        client = client_of(server)
        response = await got(client.post("/account", json={"a": 1}))
        check(response.request)
        assert (response.request.method, response.request.url.path) == ("POST", "/v1/account")
        assert response.request.content == b'{"a":1}'
        assert isinstance(response.request, (httpx.Request, httpx2.Request))
        assert repr(response.request) == f"<Request('POST', '{server.base_url}/account')>"
        assert found(response, TOKEN) is None
        for protocol in PROTOCOLS:
            pickled = pickle.dumps(response, protocol)
            assert TOKEN.encode() not in pickled
            assert pickle.loads(pickled).request.headers["authorization"] == MASK
        moved = await got(client.get("/account", follow_redirects=False))
        check(moved.next_request)
        assert found(moved, TOKEN) is None
        assert all(f"authorization: bearer {TOKEN.lower()}".encode() in each.lower() for each in server.requests)
        await got(client.close())


async def test_requests_of_errors(client_of: Any, colour: str) -> None:
    """The request of an error is masked, also if there is no usable response."""
    bad = [answer("404 No"), answer("500 No"), answer(body=b"<html>"), RESET_READ]
    with Faults(*bad) as server:
        client = client_of(server)
        for kind in (APIStatusError, APIStatusError, APIResponseValidationError, APIConnectionError):
            with pytest.raises(kind) as caught:
                await got(client.account.get())
            error = caught.value
            assert found(error, TOKEN) is None
            assert error.request is not None
            if error.response is not None:
                check(error.request)
                assert error.request is error.response.request
            for protocol in PROTOCOLS:
                assert TOKEN.encode() not in pickle.dumps(error, protocol)
        await got(client.close())


async def test_requests_of_streams_and_raw_responses(client_of: Any, colour: str) -> None:
    """The request of a streamed or raw response is masked while the content is read, too."""
    with Faults(answer()) as server:
        client = client_of(server)
        for make in (lambda: client.get("/account", stream=True), client.account.with_raw_response.get):
            response = await got(make())
            check(response.http_request)
            assert found(response, TOKEN) is None
            assert b"".join(await collect(response.iter_bytes())) == b"{}"
        await got(client.close())


async def test_hooks_and_mocks_see_what_is_sent(colour: str) -> None:
    """Hooks and mock transports see the request as it is sent, and the request that they keep stays unmasked."""
    seen: list[Any] = []

    def answering(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    def hook(request: httpx.Request) -> None:
        seen.append(request)

    async def awaited(request: httpx.Request) -> None:
        seen.append(request)

    def of_answer(response: httpx.Response) -> None:
        seen.append(response.request)

    async def of_answer_awaited(response: httpx.Response) -> None:
        seen.append(response.request)

    blocking = colour == "blocking"
    hooks = {"request": [hook if blocking else awaited], "response": [of_answer if blocking else of_answer_awaited]}
    kind: Any = httpx.Client if blocking else httpx.AsyncClient
    http = kind(transport=httpx.MockTransport(answering), event_hooks=hooks)
    client = connect(colour, bearer_token=TOKEN, http_client=http)
    response = await got(client.get("/account"))
    assert [each.headers["authorization"] for each in seen] == [f"Bearer {TOKEN}"] * 3
    check(response.request)


async def test_authorizations_of_other_kinds(colour: str) -> None:
    """A caller's own Authorization header is masked like the token. A known scheme is shown."""
    with Faults(answer()) as server:
        client = connect(colour, bearer_token="r8_unused", base_url=server.base_url)
        for header, shown in ((f"Basic {TOKEN}", "Basic [hidden]"), (TOKEN, "[hidden]"), (f"{TOKEN} x", "[hidden]")):
            response = await got(client.get("/account", headers={"authorization": header}))
            assert response.request.headers["authorization"] == shown
            assert found(response, TOKEN) is None
            assert header.encode() in server.requests[-1]


async def test_pages_and_options(colour: str) -> None:
    """A page keeps the options of its requests, but its pickle does not contain the token, whatever its form."""
    token = "any text can be a token"
    with Faults(PAGE) as server:
        client = connect(colour, bearer_token=token, base_url=server.base_url)
        options = {"extra_headers": {"X-Note": token, "X-A": "b"}, "extra_query": {"note": token, "a": "b"}}
        page = await got(client.predictions.list(**options))
    for protocol in PROTOCOLS:
        pickled = pickle.dumps(page, protocol)
        assert token.encode() not in pickled
        assert b"X-A" in pickled


async def test_an_upload_is_sent_with_the_token(colour: str) -> None:
    """An upload is sent with the token and its body, and the request of its error is masked."""
    stored = b'{"id": "f1", "urls": {"get": "https://api.example.test/f1"}}'
    with Faults(answer("201 Created", stored), answer("500 No")) as server:
        client = connect(colour, bearer_token=TOKEN, base_url=server.base_url, max_retries=0)
        await got(client.files.create(io.BytesIO(b"content")))
        with pytest.raises(ReplicateError) as caught:
            await got(client.files.create(io.BytesIO(b"content")))
        assert found(caught.value, TOKEN) is None
        assert all(TOKEN.encode() in each and b"content" in each for each in server.requests)


async def test_an_echo_in_an_error(colour: str) -> None:
    """A response that echoes the token no longer shows it once it has become an error."""

    def echo(request: bytes) -> bytes:
        return answer("422 No", request, f"X-Echo: {TOKEN}")

    with Faults(echo) as server:
        client = connect(colour, bearer_token=TOKEN, base_url=server.base_url, max_retries=0)
        with pytest.raises(APIStatusError) as caught:
            await got(client.account.get())
    assert found(caught.value, TOKEN) is None
    assert "[token]" in caught.value.response.text  # type: ignore[union-attr]
    assert caught.value.response.headers["x-echo"] == "[token]"  # type: ignore[union-attr]
