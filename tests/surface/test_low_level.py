"""Low-level requests: bodies, files, response types, and the options of every version."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import got, scripted

from replicate import APIResponseValidationError, NotFoundError
from replicate.resources.predictions import Prediction
from replicate_api import models
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from pathlib import Path


class Echo:
    """Records the requests, and responds with a prediction."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        request.read()
        return httpx.Response(200, json={"id": "p1", "status": "succeeded", "method": request.method})


@pytest.fixture
def echo() -> Echo:
    return Echo()


async def test_the_snippets_of_the_reference(colour: str, echo: Echo) -> None:
    """The examples in the API's documentation of clients work as written."""
    client = scripted(colour, echo)
    await got(client.get("/custom/endpoint"))
    await got(client.post("/custom/endpoint", json={"key": "value"}))
    await got(client.request(method="PATCH", url="/custom/endpoint", json={"a": 1}, headers={"X-One": "1"}))
    assert [(each.method, each.url.path) for each in echo.requests] == [
        ("GET", "/v1/custom/endpoint"),
        ("POST", "/v1/custom/endpoint"),
        ("PATCH", "/v1/custom/endpoint"),
    ]
    assert [each.content for each in echo.requests[1:]] == [b'{"key":"value"}', b'{"a":1}']
    assert echo.requests[2].headers["x-one"] == "1"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (dict, {"id": "p1", "status": "succeeded", "method": "GET"}),
        (dict[str, Any], {"id": "p1", "status": "succeeded", "method": "GET"}),
        (object, {"id": "p1", "status": "succeeded", "method": "GET"}),
        (str, '{"id":"p1","status":"succeeded","method":"GET"}'),
        (bytes, b'{"id":"p1","status":"succeeded","method":"GET"}'),
        (None, None),
        (type(None), None),
    ],
)
async def test_a_response_as_a_type(colour: str, echo: Echo, kind: Any, expected: Any) -> None:
    """`cast_to` is the type of the result."""
    assert await got(scripted(colour, echo).get("/x", cast_to=kind)) == expected


async def test_a_response_as_an_object(colour: str, echo: Echo) -> None:
    """`cast_to` can be a class of this package, which is bound to the client, a pydantic model, or httpx's Response."""
    client = scripted(colour, echo)
    prediction = await got(client.get("/predictions/p1", cast_to=Prediction))
    assert (await got(prediction.reload())).status == "succeeded"
    assert (await got(client.get("/x", cast_to=models.Prediction))).id == "p1"

    class Pydantic:
        def __init__(self, data: Any) -> None:
            self.data = data

        model_validate = classmethod(lambda cls, data: cls(data))

    assert (await got(client.get("/x", cast_to=Pydantic))).data["id"] == "p1"
    assert isinstance(await got(client.post("/foo", cast_to=httpx.Response, body={"a": 1})), httpx.Response)


async def test_a_response_that_is_not_json(colour: str) -> None:
    """A response that cannot be read as the type raises an error that says so."""
    client = scripted(colour, lambda _: httpx.Response(200, html="<html>"))
    with pytest.raises(APIResponseValidationError, match="<html>"):
        await got(client.get("/x", cast_to=dict))


@pytest.mark.parametrize("content", ["a query", b"a query"])
async def test_a_body_is_sent_as_it_is(colour: str, echo: Echo, content: Any) -> None:
    """`content` is sent unchanged, and `query` sends a QUERY."""
    client = scripted(colour, echo)
    await got(client.query("/models", content=content, headers={"Content-Type": "text/plain"}))
    [sent] = echo.requests
    assert (sent.method, sent.content, sent.headers["content-type"]) == ("QUERY", b"a query", "text/plain")
    with pytest.raises(TypeError, match="json= and content= are the same"):
        await got(client.post("/x", content=content, json={}))


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        (b"abc", b'filename="content"\r\nContent-Type: application/octet-stream'),
        (io.BytesIO(b"abc"), b'filename="content"\r\nContent-Type: application/octet-stream'),
        (("a.txt", b"abc"), b'filename="a.txt"\r\nContent-Type: application/octet-stream'),
        (("a.txt", b"abc", "text/plain"), b'filename="a.txt"\r\nContent-Type: text/plain'),
    ],
)
@pytest.mark.parametrize("pairs", [False, True])
async def test_files(colour: str, echo: Echo, file: Any, shown: bytes, pairs: Any) -> None:
    """`files` gives a form with files, in the forms of httpx, and other fields."""
    if hasattr(file, "seek"):
        file.seek(0)
    given: Any = [("content", file)] if pairs else {"content": file}
    await got(scripted(colour, echo).post("/files", files=given, body={"metadata": {"a": 1}}))
    [sent] = echo.requests
    assert sent.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert shown + b"\r\n\r\nabc" in sent.content
    assert b'name="metadata"' in sent.content


async def test_a_form_that_cannot_be_sent(colour: str, echo: Echo) -> None:
    """A part's name, file name, media type or text that no form can carry is refused by name. No part ends early."""
    client = scripted(colour, echo)
    wrong: list[tuple[dict[str, Any], type[Exception], str]] = [
        (
            {"files": {"a": ("b", b"c", "d\r\nX-Evil: 1")}},
            ValueError,
            "^the content type of the form's field 'a' holds a",
        ),
        ({"files": {"a": ("b", b"c", "d\0")}}, ValueError, "^the content type of the form's field 'a' holds a control"),
        ({"files": {"a": ("b", b"c", b"d")}}, TypeError, "^the content type of the form's field 'a' must be a str"),
        ({"files": {"a": (b"b", b"c")}}, TypeError, "^the file name of the form's field 'a' must be a str, not bytes"),
        ({"files": {"a": ("\ud800", b"c")}}, ValueError, "^the file name of the form's field 'a' is no text"),
        ({"files": {"a": ("b", "\ud800")}}, ValueError, "^the content of the form's field 'a' is no text"),
        ({"files": {"\ud800": b"c"}}, ValueError, "^the name of a form's field is no text: surrogates not allowed"),
        (
            {"files": {"a": b"c"}, "body": {b"d": "e"}},
            TypeError,
            "^the name of a form's field must be a str, not bytes",
        ),
        (
            {"files": {"a": b"c"}, "body": {"d": "\ud800"}},
            ValueError,
            "^the content of the form's field 'd' is no text",
        ),
    ]
    for options, error, says in wrong:
        with pytest.raises(error, match=says):
            await got(client.post("/files", **options))
    assert echo.requests == []
    named = io.BytesIO(b"abc")
    named.name = "/tmp/\udcff.txt"  # what Python makes of a name that is no UTF-8
    await got(client.post("/files", files={"a\r\nX-Evil: 1": ("b\r\nX-Evil: 1", b"c"), "d": named}))
    [sent] = echo.requests
    assert b"\r\nX-Evil" not in sent.content
    assert b'filename="?.txt"' in sent.content


async def test_a_file_has_to_be_open(colour: str, echo: Echo, tmp_path: Path) -> None:
    """A path is refused; the error says what to do."""
    with pytest.raises(TypeError, match="pass open"):
        await got(scripted(colour, echo).post("/files", files={"content": tmp_path / "a"}))
    assert echo.requests == []


async def test_options_of_version_2(colour: str, echo: Echo) -> None:
    """`options=` has headers, params and other options, and is checked; UNSET means not given."""
    options = {"headers": {"X-One": "1"}, "params": {"a": "b"}, "extra_json": {"c": 1}, "timeout": 3, "max_retries": 0}
    client = scripted(colour, echo)
    await got(client.post("/x", body={"d": 2}, options=options, timeout=UNSET))
    [sent] = echo.requests
    assert (sent.headers["x-one"], sent.url.query, sent.extensions["timeout"]["read"]) == ("1", b"a=b", 3)
    assert json.loads(sent.content) == {"c": 1, "d": 2}
    with pytest.raises(TypeError, match="did you mean 'headers'"):
        await got(client.get("/x", options={"header": {}}))


async def test_errors_are_raised_for_streams_too(colour: str) -> None:
    """A streamed response with an error status raises the error for that status, with its message."""
    client = scripted(colour, lambda _: httpx.Response(404, json={"detail": "no such thing"}))
    with pytest.raises(NotFoundError, match="no such thing"):
        await got(client.get("/x", stream=True))
