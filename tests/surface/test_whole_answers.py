"""`with_raw_response` and `with_streaming_response`: complete responses of every method, from one wrapper."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any
from unittest import mock
from weakref import ref

import httpx
import pytest
from support.colours import collect, got, scripted
from support.faults import Faults, answer

from replicate import NotFoundError, Replicate
from replicate._objects.response import APIResponse
from replicate.resources.predictions import Prediction

BODY = '{"id": "p1",\n"status": "succeeded", "output": "grün"}'


class Api:
    """Responds with a prediction; the first responses can be errors."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.statuses:
            return httpx.Response(self.statuses.pop(0), json={"detail": "no"}, headers={"Retry-After": "0"})
        if request.url.path.endswith("/predictions") and request.method == "GET":
            return httpx.Response(200, json={"results": [{"id": "p1"}], "next": None})
        return httpx.Response(200, stream=httpx.ByteStream(BODY.encode()), headers={"X-Request-Id": "r1"})


async def entered(manager: Any, colour: str) -> Any:
    return manager.__enter__() if colour == "blocking" else await manager.__aenter__()


async def left(manager: Any, colour: str) -> None:
    if colour == "blocking":
        manager.__exit__(None, None, None)
    else:
        await manager.__aexit__(None, None, None)


async def test_the_response_and_the_parsed_result(colour: str) -> None:
    """A raw response has the whole exchange, and `parse` returns the method's usual result."""
    client = scripted(colour, Api())
    raw = await got(client.predictions.with_raw_response.get("p1"))
    assert isinstance(raw, APIResponse)
    assert (raw.status_code, raw.headers["x-request-id"], raw.request_id) == (200, "r1", "r1")
    assert (raw.method, str(raw.url)) == ("GET", "https://api.replicate.com/v1/predictions/p1")
    assert (raw.http_version, raw.retries_taken, raw.is_closed) == ("HTTP/1.1", 0, True)
    assert isinstance(raw.elapsed, timedelta)
    assert raw.http_request is raw.http_response.request
    assert "r8_test" not in repr(raw)
    prediction = await got(raw.parse())
    assert isinstance(prediction, Prediction)
    assert (prediction.id, prediction.output) == ("p1", "grün")
    assert (await got(prediction.reload())) is prediction


async def test_a_response_is_of_one_colour(colour: str) -> None:
    """A response, and the result of `with_streaming_response`, works with `with` or `async with`, like its client."""
    client = scripted(colour, Api())
    answers = [await got(client.predictions.with_raw_response.get("p1")), await got(client.get("/x", stream=True))]
    for each_one in (*answers, client.predictions.with_streaming_response.get("p1")):
        assert hasattr(each_one, "__enter__") is hasattr(each_one, "__exit__") is (colour == "blocking")
        assert hasattr(each_one, "__aenter__") is hasattr(each_one, "__aexit__") is (colour != "blocking")
    for whole in answers:
        assert await entered(whole, colour) is whole
        await left(whole, colour)
        assert whole.is_closed
        pieces = whole.iter_bytes()
        assert hasattr(pieces, "__iter__") is (colour == "blocking")
        assert hasattr(pieces, "__aiter__") is (colour != "blocking")


async def test_the_content_in_every_form(colour: str) -> None:
    """The content is available as bytes, text, JSON, another type, and in chunks."""
    raw = await got(scripted(colour, Api()).predictions.with_raw_response.get("p1"))
    assert await got(raw.read()) == BODY.encode()
    assert await got(raw.text()) == BODY
    assert (await got(raw.json()))["output"] == "grün"
    assert (await got(raw.parse(to=dict)))["id"] == "p1"
    assert await got(raw.parse(to=str)) == BODY
    assert await got(raw.parse(to=bytes)) == BODY.encode()
    assert (await got(raw.parse(to=Prediction))).id == "p1"
    assert await got(raw.parse(to=httpx.Response)) is raw.http_response
    assert b"".join(await collect(raw.iter_bytes())) == BODY.encode()
    chunks = await collect(raw.iter_bytes(20))
    assert ([len(chunk) for chunk in chunks[:2]], b"".join(chunks)) == ([20, 20], BODY.encode())
    assert "".join(await collect(raw.iter_text())) == BODY
    assert await collect(raw.iter_lines()) == BODY.split("\n")


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("predictions.with_raw_response.get", ("p1",)),
        ("with_raw_response.predictions.get", ("p1",)),
        ("models.versions.with_raw_response.get", ("o", "n", "v")),
        ("models.with_raw_response.versions.get", ("o", "n", "v")),
        ("with_raw_response.models.versions.get", ("o", "n", "v")),
        ("predictions.with_raw_response.create", ("o/n:v", {})),
        ("with_raw_response.get", ("/custom",)),
    ],
)
async def test_every_place_has_it(colour: str, path: str, arguments: tuple[Any, ...]) -> None:
    """The client, every namespace, and nested namespaces have it."""
    found: Any = scripted(colour, Api())
    for name in path.split("."):
        found = getattr(found, name)
    assert (await got(found(*arguments))).status_code == 200


async def test_lists(colour: str) -> None:
    """The response of a list is parsed to its page."""
    raw = await got(scripted(colour, Api()).predictions.with_raw_response.list())
    page = await got(raw.parse())
    assert [item.id for item in page.results] == ["p1"]


async def test_retries_are_counted(colour: str) -> None:
    """`retries_taken` is the number of retries."""
    client = scripted(colour, Api(500, 429))
    client._session.transport.sleep = no_sleep
    assert (await got(client.predictions.with_raw_response.get("p1"))).retries_taken == 2


async def no_sleep(seconds: float) -> None:
    """Return at once."""


async def test_errors_are_raised(colour: str) -> None:
    """An error status raises, as usual."""
    client = scripted(colour, Api(404))
    with pytest.raises(NotFoundError):
        await got(client.predictions.with_raw_response.get("p1"))
    with pytest.raises(AttributeError, match="no answer of its own"):
        client.with_raw_response.base_url  # noqa: B018
    with pytest.raises(AttributeError, match="nonsense"):
        client.with_raw_response.nonsense  # noqa: B018


async def test_a_streaming_response_is_a_context(colour: str) -> None:
    """Version 2's `with … as response` returns the same response, closed at its end."""
    manager = scripted(colour, Api()).predictions.with_streaming_response.get(prediction_id="p1")
    response = await entered(manager, colour)
    assert await collect(response.iter_lines()) == BODY.split("\n")
    assert (await got(response.parse())).id == "p1"
    await left(manager, colour)
    assert response.is_closed


async def test_a_low_level_stream_is_read_as_it_comes(colour: str) -> None:
    """`stream=True` returns the response before its content, which is read once and then releases the connection."""
    client = scripted(colour, Api())
    response = await got(client.get("/custom", stream=True))
    assert not response.is_closed
    assert await collect(response.iter_bytes()) == [BODY.encode()]
    assert response.is_closed
    response = await entered(await got(client.get("/custom", stream=True)), colour)
    assert not response.is_closed
    await left(response, colour)
    assert response.is_closed
    response = await got(client.get("/custom", stream=True))
    assert (await got(response.parse()))["id"] == "p1"


def test_a_stream_that_breaks_raises_our_error() -> None:
    """A connection that breaks while the content is read raises APIConnectionError, as for any request."""
    from replicate import APIConnectionError

    with Faults(answer("200 OK", b"half", "Content-Length: 100")) as faults:
        client = Replicate(api_token="r8_test", base_url=faults.base_url)
        response: Any = client.get("/custom", stream=True)
        with pytest.raises(APIConnectionError, match="broke off"):
            response.parse()
        client.close()


def test_methods_without_a_response() -> None:
    """A method that sends no request, or many, is refused before it does anything."""
    with Replicate(bearer_token="t") as client:
        with pytest.raises(AttributeError, match="asks the API for nothing"):
            client.with_raw_response.close()
        with pytest.raises(AttributeError, match="it gives paths"):
            client.with_streaming_response.save_all([], "x")
        assert not client.is_closed()


async def test_the_response_of_a_callable_namespace(colour: str) -> None:
    """`webhooks.default.secret()` has a raw response too; `dir` lists the available methods."""
    client = scripted(colour, lambda _: httpx.Response(200, json={"key": "whsec_a"}))
    answer = await got(client.with_raw_response.webhooks.default.secret())
    assert (await got(answer.parse())).key == "whsec_a"
    assert {"create", "get", "list"} <= set(dir(client.predictions.with_raw_response))
    with pytest.raises(ValueError, match="chunk_size must be 1 or more"):
        await collect(answer.iter_bytes(-1))


@pytest.mark.parametrize("attribute", ["with_raw_response", "with_streaming_response"])
def test_they_can_be_patched(attribute: str) -> None:
    """A method of theirs can be patched, and so can they themselves, on a client and on a namespace."""
    client = scripted("blocking", Api())
    for owner in (client.predictions, client.models.versions):
        with mock.patch.object(getattr(owner, attribute), "get", return_value="patched"):
            assert getattr(owner, attribute).get("p1") == "patched"
        assert "get" not in vars(getattr(owner, attribute))
    with mock.patch.object(getattr(client, attribute).predictions, "get", return_value="patched"):
        assert getattr(client, attribute).predictions.get("p1") == "patched"
    for owner in (client, client.predictions):
        with mock.patch.object(owner, attribute) as double:
            assert getattr(owner, attribute) is double
        assert getattr(owner, attribute) is not double
        assert attribute not in vars(owner)


def test_they_keep_nothing_alive() -> None:
    """A dropped client is freed at once, without the garbage collector."""
    client = scripted("blocking", Api())
    gone = ref(client.predictions)
    whole = client.predictions.with_raw_response
    assert client.predictions.with_raw_response is whole
    assert copy.copy(client).predictions.with_raw_response is not whole
    del client, whole
    assert gone() is None
