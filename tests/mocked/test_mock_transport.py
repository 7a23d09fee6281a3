"""Tests as users write them with `httpx.MockTransport` and `unittest.mock`, without any library for mocking HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import time
from typing import Any
from unittest.mock import AsyncMock, MagicMock, patch

import httpx
import pytest
from payloads import API, SSE, VERSION, deployment, file, model, page, prediction, problem

import replicate

RUN = "POST /v1/models/acme/writer/predictions"


class Server:
    """Answers with prepared responses, in order. Any other request is an AssertionError."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        key = f"{request.method} {request.url.raw_path.decode()}"
        assert key in self.answers, f"unexpected request: {key}"
        self.requests.append(request)
        answer = self.answers[key]
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]


# 1.x


def v1(server: Server, **options: Any) -> Any:
    return replicate.Client(api_token="r8_mine", transport=httpx.MockTransport(server), **options)


@pytest.mark.generation("1.x")
def test_v1_run_by_name() -> None:
    """A client over a user's transport sends one request for a run."""
    server = Server({RUN: httpx.Response(201, json=prediction(output="Hello, world"))})
    client = v1(server, headers={"User-Agent": "my-app/1.0"})
    assert client.run("acme/writer", input={"prompt": "Hello"}) == "Hello, world"
    (request,) = server.requests
    assert str(request.url) == f"{API}/models/acme/writer/predictions"
    assert request.content == b'{"input":{"prompt":"Hello"}}'
    assert request.headers["Authorization"] == "Bearer r8_mine"
    assert request.headers["User-Agent"] == "my-app/1.0"


@pytest.mark.generation("1.x")
def test_v1_base_url_and_timeout() -> None:
    """A client with another address uses it below /v1, and passes its timeout to the transport."""
    server = Server({"GET /v1/models/acme/writer": model()})
    client = v1(server, base_url="https://proxy.example.com", timeout=httpx.Timeout(7))
    assert client.models.get("acme/writer").name == "writer"
    (request,) = server.requests
    assert request.url.host == "proxy.example.com"
    assert request.extensions["timeout"]["read"] == 7


@pytest.mark.generation("1.x")
def test_v1_create_wait_and_files(naps: list[float]) -> None:
    """`wait` pauses for the client's poll interval, and the output stays as sent."""
    url = "https://replicate.delivery/xezq/transport/out.png"
    server = Server(
        {
            "POST /v1/predictions": httpx.Response(201, json=prediction("starting")),
            "GET /v1/predictions/p1": [prediction("processing"), prediction(output=[url])],
        }
    )
    client = v1(server)
    client.poll_interval = 0.25
    started = client.predictions.create(version=VERSION, input={"prompt": "Hello"})
    started.wait()
    assert started.output == [url]
    assert naps == [0.25, 0.25]
    assert server.asked == ["POST /v1/predictions", "GET /v1/predictions/p1", "GET /v1/predictions/p1"]


@pytest.mark.generation("1.x")
def test_v1_stream() -> None:
    """The events of a stream come through the same transport."""
    stream = httpx.Response(200, content=SSE, headers={"Content-Type": "text/event-stream"})
    server = Server({RUN: httpx.Response(201, json=prediction("starting")), "GET /v1/files/p1": stream})
    text = "".join(str(event) for event in v1(server).stream("acme/writer", input={"prompt": "Hello"}))
    assert text == "Hello world"
    assert json.loads(server.requests[0].content)["stream"] is True


@pytest.mark.generation("1.x")
@pytest.mark.anyio
async def test_v1_async() -> None:
    """The same client is awaited over the same transport."""
    server = Server(
        {
            RUN: httpx.Response(201, json=prediction(output="Hello, world")),
            "GET /v1/deployments/acme/live": deployment(),
            "POST /v1/deployments/acme/live/predictions": httpx.Response(201, json=prediction("starting")),
            "POST /v1/predictions/p1/cancel": prediction("canceled"),
        }
    )
    client = v1(server)
    assert await client.async_run("acme/writer", input={"prompt": "Hello"}) == "Hello, world"
    live = await client.deployments.async_get("acme/live")
    started = await live.predictions.async_create({"prompt": "Hello"})
    await started.async_cancel()
    assert started.status == "canceled"
    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer r8_mine"] * 4


@pytest.mark.generation("1.x")
def test_v1_many_pages() -> None:
    """All pages are read. Any other request would fail."""
    server = Server(
        {
            "GET /v1/collections": page(
                {"slug": "a", "name": "A", "description": ""}, after=f"{API}/collections?cursor=2"
            ),
            "GET /v1/collections?cursor=2": page({"slug": "b", "name": "B", "description": ""}),
        }
    )
    client = v1(server)
    assert client.collections.list()[0].slug == "a"
    assert [[each.slug for each in one] for one in replicate.paginate(client.collections.list)] == [["a"], ["b"]]


@pytest.mark.generation("1.x")
def test_v1_errors() -> None:
    """Errors of the API and of the transport reach the caller."""
    from replicate.exceptions import ModelError, ReplicateError

    server = Server(
        {
            "GET /v1/predictions/none": httpx.Response(404, json=problem(404, "Not found.")),
            "GET /v1/account": httpx.Response(401, json=problem(401, "Unauthenticated")),
            "POST /v1/predictions": httpx.ConnectTimeout("slow"),
            RUN: httpx.Response(201, json=prediction("failed", error="boom")),
        }
    )
    client = v1(server)
    with pytest.raises(ReplicateError, match=r"Not found\."):
        client.predictions.get("none")
    with pytest.raises(ReplicateError) as raised:
        client.accounts.current()
    assert raised.value.status == 401
    with pytest.raises(ModelError) as failed:
        client.run("acme/writer", input={"prompt": "Hello"})
    assert str(failed.value) == "boom"


@pytest.mark.generation("1.x")
def test_v1_webhook_is_validated() -> None:
    """A webhook is validated with the secret from the API."""
    server = Server({"GET /v1/webhooks/default/secret": {"key": "whsec_c2VjcmV0"}})
    client = v1(server)
    secret = client.webhooks.default.secret()
    body = json.dumps(prediction())
    moment = str(int(time.time()))
    digest = hmac.new(b"secret", f"msg_1.{moment}.{body}".encode(), hashlib.sha256).digest()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    client.webhooks.validate(headers=headers, body=body, secret=secret)
    with pytest.raises(ValueError, match=r"(?i)signature"):
        client.webhooks.validate(headers=headers, body=f"{body} ", secret=secret)


# 2.0


def v2(server: Server, **options: Any) -> Any:
    http_client = httpx.Client(transport=httpx.MockTransport(server))
    return replicate.Replicate(bearer_token="r8_mine", http_client=http_client, **options)


@pytest.mark.generation("2.0")
def test_v2_run_by_name() -> None:
    """A client over a user's httpx client sends one request for a run."""
    server = Server({RUN: httpx.Response(201, json=prediction(output="Hello, world"))})
    client = v2(server, default_headers={"X-App": "mine"})
    assert client.run("acme/writer", input={"prompt": "Hello"}) == "Hello, world"
    (request,) = server.requests
    assert str(request.url) == f"{API}/models/acme/writer/predictions"
    assert request.content == b'{"input":{"prompt":"Hello"}}'
    assert [request.headers[name] for name in ("Authorization", "X-App", "Prefer")] == [
        "Bearer r8_mine",
        "mine",
        "wait",
    ]


@pytest.mark.generation("2.0")
def test_v2_run_by_version_in_pieces() -> None:
    """A run by version of a language model needs only the response to its create."""
    server = Server({"POST /v1/predictions": httpx.Response(201, json=prediction(output=["Hello", " world"]))})
    assert "".join(v2(server).run(f"acme/writer:{VERSION}", input={"prompt": "Hello"})) == "Hello world"
    assert server.asked == ["POST /v1/predictions"]


@pytest.mark.generation("2.0")
def test_v2_base_url_and_timeout() -> None:
    """A client with another address uses it, and a call's own timeout reaches the transport."""
    server = Server({"GET /api/models/acme/writer": model()})
    client = v2(server, base_url="https://proxy.example.com/api")
    assert client.models.get(model_owner="acme", model_name="writer", timeout=7).name == "writer"
    (request,) = server.requests
    assert request.url.host == "proxy.example.com"
    assert request.extensions["timeout"]["read"] == 7


@pytest.mark.generation("2.0")
def test_v2_create_wait_and_cancel(naps: list[float]) -> None:
    """A prediction is created, waited for and canceled by its id."""
    server = Server(
        {
            "POST /v1/predictions": httpx.Response(201, json=prediction("starting")),
            "GET /v1/predictions/p1": [prediction("processing"), prediction(output="done")],
            "POST /v1/predictions/p1/cancel": prediction("canceled"),
        }
    )
    client = v2(server)
    started = client.predictions.create(version=VERSION, input={"prompt": "Hello"})
    assert client.predictions.wait(started.id).output == "done"
    assert client.predictions.cancel(prediction_id="p1").status == "canceled"
    assert naps


@pytest.mark.generation("2.0")
@pytest.mark.anyio
async def test_v2_async() -> None:
    """The asynchronous client does the same over an asynchronous httpx client."""
    server = Server(
        {
            RUN: httpx.Response(201, json=prediction(output="Hello, world")),
            "GET /v1/predictions": page(prediction(id="p1"), after=f"{API}/predictions?cursor=2"),
            "GET /v1/predictions?cursor=2": page(prediction(id="p2")),
        }
    )
    http_client = httpx.AsyncClient(transport=httpx.MockTransport(server))
    async with replicate.AsyncReplicate(bearer_token="r8_mine", http_client=http_client) as client:
        assert await client.run("acme/writer", input={"prompt": "Hello"}) == "Hello, world"
        assert [each.id async for each in client.predictions.list()] == ["p1", "p2"]


@pytest.mark.differs('a file of up to 256 kB goes inside the request: pass file_encoding_strategy="url"')
@pytest.mark.generation("2.0")
def test_v2_files() -> None:
    """A file is uploaded, listed and deleted. An upload for a run comes before its create."""
    server = Server(
        {
            "POST /v1/files": httpx.Response(201, json=file()),
            "GET /v1/files": page(file()),
            "DELETE /v1/files/f1": httpx.Response(204),
            RUN: httpx.Response(201, json=prediction(output="a cat")),
        }
    )
    client = v2(server)
    created = client.files.create(content=b"hello", filename="notes.txt")
    assert (created.id, created.size, created.expires_at.year) == ("f1", 5, 2026)
    assert [each.id for each in client.files.list()] == ["f1"]
    client.files.delete(file_id="f1")
    assert client.run("acme/writer", input={"image": io.BytesIO(b"cat")}) == "a cat"
    assert server.asked[-2:] == ["POST /v1/files", RUN]


@pytest.mark.generation("2.0")
def test_v2_errors() -> None:
    """An API error has its class, status and body. A model's error is a ModelError."""
    from replicate.exceptions import ModelError

    server = Server(
        {
            "GET /v1/predictions/none": httpx.Response(404, json=problem(404, "Not found.")),
            "GET /v1/account": httpx.Response(401, json=problem(401, "Unauthenticated")),
            RUN: httpx.Response(201, json=prediction("failed", error="boom")),
        }
    )
    client = v2(server)
    with pytest.raises(replicate.NotFoundError) as missing:
        client.predictions.get(prediction_id="none")
    assert missing.value.body == problem(404, "Not found.")
    with pytest.raises(replicate.APIStatusError) as refused:
        client.account.get()
    assert refused.value.status_code == 401
    with pytest.raises(ModelError, match="boom"):
        client.run("acme/writer", input={"prompt": "Hello"})


@pytest.mark.generation("2.0")
def test_v2_own_requests() -> None:
    """A user's own request is sent to the API with the token, and returns the httpx response."""
    server = Server({"POST /v1/experiments": httpx.Response(201, json={"id": "e1"})})
    response = v2(server).post("/experiments", cast_to=httpx.Response, body={"name": "x", "arms": 2})
    assert (response.status_code, response.json()) == (201, {"id": "e1"})
    assert server.requests[0].content == b'{"name":"x","arms":2}'
    assert server.requests[0].headers["Authorization"] == "Bearer r8_mine"


# unittest.mock, at the level of HTTP


@pytest.mark.generation("1.x", "2.0")
def test_patched_send() -> None:
    """If `httpx.Client.send` is patched, it gets every request."""
    answer = httpx.Response(201, json=prediction(output="Hello"), request=httpx.Request("POST", API))
    with patch("httpx.Client.send", return_value=answer) as send:
        assert replicate.run("acme/writer", input={"prompt": "Hello"}) == "Hello"
    send.assert_called_once()
    request = send.call_args.args[0]
    assert (request.method, request.url.path) == ("POST", "/v1/models/acme/writer/predictions")


@pytest.mark.generation("1.x", "2.0")
def test_patched_transport() -> None:
    """If the method of httpx's transport is patched, it gets every request."""
    requests: list[httpx.Request] = []

    def answer(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(201, json=prediction(output="Hello"), request=request)

    with patch("httpx.HTTPTransport.handle_request", answer):
        assert replicate.run("acme/writer", input={"prompt": "Hello"}) == "Hello"
    assert [request.method for request in requests] == ["POST"]


def answered() -> Any:
    return patch(
        "httpx.AsyncHTTPTransport.handle_async_request",
        AsyncMock(side_effect=lambda request: httpx.Response(200, json=prediction(output="Hello"), request=request)),
    )


@pytest.mark.generation("1.x")
@pytest.mark.anyio
async def test_v1_patched_async_transport() -> None:
    """If the method of httpx's asynchronous transport is patched, it gets the asynchronous requests."""
    with answered() as answer:
        assert (await replicate.Client(api_token="r8_mine").predictions.async_get("p1")).output == "Hello"
    answer.assert_awaited_once()


@pytest.mark.generation("2.0")
@pytest.mark.anyio
async def test_v2_patched_async_transport() -> None:
    """The asynchronous client's requests reach the patched transport, too."""
    with answered() as answer:
        async with replicate.AsyncReplicate(bearer_token="r8_mine") as client:
            assert (await client.predictions.get(prediction_id="p1")).output == "Hello"
    answer.assert_awaited_once()


@pytest.mark.generation("1.x")
@pytest.mark.differs("requests go through `httpx.Client.send`, as 2.0's do: patch that")
def test_v1_patched_request() -> None:
    """If `httpx.Client.request` is patched, it gets the requests as version 1 makes them."""
    answer = MagicMock(return_value=httpx.Response(200, json=prediction(output="Hello")))
    network = patch("httpx.HTTPTransport.handle_request", side_effect=AssertionError("a request left the process"))
    with network, patch("httpx.Client.request", answer):
        assert replicate.Client(api_token="r8_mine").predictions.get("p1").output == "Hello"
    answer.assert_called_once()
