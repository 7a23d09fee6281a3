"""Redirects of low-level requests: followed as in httpx, never with the token to other origins, never for creates."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from support.colours import Clock, connect, got, scripted
from support.faults import Faults, answer, refusing_url

from replicate import APIConnectionError, APIStatusError, InternalServerError
from replicate_api.types import UNSET

API = "https://api.replicate.com"


class Pages:
    """Redirects or responds by path; all other requests get a status or are echoed."""

    def __init__(self, *answers: Any, **places: tuple[int, str]) -> None:
        self.answers, self.places = list(answers), places
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        body = request.read().decode()
        name = request.url.path.rpartition("/")[2]
        if name in self.places:
            status, location = self.places[name]
            return httpx.Response(status, headers={"Location": location}, json={"detail": "moved"})
        if self.answers:
            return httpx.Response(self.answers.pop(0), json={"detail": "no"})
        return httpx.Response(200, json={"method": request.method, "url": str(request.url), "body": body})

    @property
    def sent(self) -> list[tuple[str, str]]:
        return [(each.method, str(each.url)) for each in self.requests]


def followed_by_httpx(pages: Pages, method: str, url: str, body: dict[str, Any]) -> httpx.Response:
    with httpx.Client(transport=httpx.MockTransport(pages), follow_redirects=True) as plain:
        return plain.request(method, url, **body)


@pytest.mark.parametrize("body", [{}, {"json": {"a": 1}}, {"content": "text"}, {"files": {"f": b"abc"}}])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "QUERY"])
async def test_they_are_followed_as_httpx_does(colour: str, method: str, status: int, body: dict[str, Any]) -> None:
    """The request to the new location is the one that httpx sends there."""
    pages, expected = Pages(old=(status, "new?a=b")), Pages(old=(status, "new?a=b"))
    reference = followed_by_httpx(expected, method, f"{API}/v1/old", body)
    response = await got(scripted(colour, pages).request(method, "/old", **body))
    assert pages.sent == expected.sent
    ours, theirs = pages.requests[1], expected.requests[1]
    assert ours.url == f"{API}/v1/new?a=b"
    assert ours.headers["Authorization"] == "Bearer r8_test"
    if "files" in body:  # each form has a boundary of its own
        assert (b"abc" in ours.content) is (b"abc" in theirs.content)
    else:
        assert json.loads(response.content or "{}") == json.loads(reference.content or "{}")


@pytest.mark.parametrize("place", ["https://elsewhere.test/x", "http://api.replicate.com/x", f"{API}:444/x"])
@pytest.mark.parametrize("status", [302, 307])
async def test_nothing_secret_goes_to_another_origin(colour: str, status: int, place: str) -> None:
    """Another origin, and whatever it redirects to, gets neither the token nor the client's headers and parameters."""
    pages = Pages(old=(status, place), x=(status, f"{API}/v1/back"))
    client = scripted(colour, pages, default_headers={"X-Secret": "s"}, default_query={"secret": "s"})
    await got(client.post("/old", json={"a": 1}, headers={"X-Mine": "s", "Accept": "text/x"}))
    first, *others = pages.requests
    assert (first.headers["X-Secret"], first.url.params["secret"]) == ("s", "s")
    assert [str(each.url) for each in others] == [place, f"{API}/v1/back"]
    for each in others:
        assert not {"authorization", "x-secret", "x-mine"} & set(each.headers)
        assert each.headers["Accept"] == "text/x"
        assert each.content == (b'{"a":1}' if status == 307 else b"")


async def test_the_type_of_a_body_is_sent_with_it(colour: str) -> None:
    """A body that is sent to another origin keeps its type; if it is dropped, so is its type."""
    for status in (307, 303):
        pages = Pages(old=(status, "https://elsewhere.test/x"))
        await got(scripted(colour, pages).post("/old", content="a", headers={"Content-Type": "text/x"}))
        assert pages.requests[1].headers.get("Content-Type") == ("text/x" if status == 307 else None)


def test_no_token_on_the_wire() -> None:
    """On real connections, only the API's own origin gets the token, and the body arrives."""
    with Faults(answer()) as other, Faults(answer("307 Moved", b"", f"Location: {other.origin}/there")) as api:
        connect("blocking", base_url=api.base_url).post("/old", json={"a": 1})
        assert b"r8_test" in api.requests[0]
        [request] = other.requests
        assert request.startswith(b"POST /there ")
        assert b"r8_test" not in request
        assert request.endswith(b'\r\n\r\n{"a":1}')


@pytest.mark.parametrize("option", [{"follow_redirects": False}, {"options": {"follow_redirects": False}}])
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/old", "/predictions", "https://elsewhere.test/old"])
async def test_a_redirect_that_is_not_followed_is_the_response(
    colour: str, method: str, option: dict[str, Any], path: str
) -> None:
    """`follow_redirects=False` returns the redirect itself, without an error, whole or streamed."""
    pages = Pages(old=(302, "/new"), predictions=(302, "/new"))
    client = scripted(colour, pages)
    response = await got(getattr(client, method)(path, **option))
    assert (response.status_code, response.headers["location"], response.json()) == (302, "/new", {"detail": "moved"})
    streamed = await got(getattr(client, method)(path, stream=True, **option))
    assert (streamed.status_code, await got(streamed.json())) == (302, {"detail": "moved"})
    assert len(pages.requests) == 2


@pytest.mark.parametrize("value", [True, None, UNSET])
async def test_redirects_are_followed_by_default(colour: str, value: Any) -> None:
    """Redirects are followed by default, and with True; invalid values are refused before anything is sent."""
    pages = Pages(old=(302, "/new"))
    assert (await got(scripted(colour, pages).get("/old", follow_redirects=value))).json()["url"] == f"{API}/new"
    with pytest.raises(TypeError, match="follow_redirects must be True or False, not 1"):
        await got(scripted(colour, pages).get("/old", follow_redirects=1))
    assert len(pages.requests) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "path", ["/predictions", "/models/o/n/predictions/", f"{API}/v1/models/o/n/versions/v/trainings"]
)
async def test_a_create_is_not_sent_elsewhere(colour: str, status: int, path: str) -> None:
    """A create is not sent to another location, whatever the redirect; the error says where it leads."""
    pages = Pages(**{path.rstrip("/").rpartition("/")[2] or "": (status, "/v2/new")})
    pages.places[""] = (status, "/v2/new")
    with pytest.raises(APIStatusError, match=f"{status}") as raised:
        await got(scripted(colour, pages).post(path, json={}, follow_redirects=True))
    assert raised.value.hint == f"It points to {API}/v2/new: if that is the API, set base_url to {API}."
    assert len(pages.requests) == 1


@pytest.mark.parametrize("status", [302, 307])
async def test_the_methods_that_create_follow_none(colour: str, status: int) -> None:
    """A create by its own method follows no redirect either; it raises the status error, since nothing was started."""
    pages = Pages(predictions=(status, "/v2/new"), trainings=(status, "/v2/new"))
    client = scripted(colour, pages)
    for create in (
        lambda: client.predictions.create("o/n", {}),
        lambda: client.deployments.predictions.create("o/n", {}),
        lambda: client.trainings.create("o/n:v", {}, destination="me/mine"),
        lambda: client.run("o/n", {}),
    ):
        with pytest.raises(APIStatusError, match=f"{status}"):
            await got(create())
    assert [each.method for each in pages.requests] == ["POST"] * 4


async def test_the_number_of_redirects_is_limited(colour: str) -> None:
    """After 10 redirects, the next one is an error."""
    pages = Pages(old=(302, "old"))
    with pytest.raises(APIStatusError, match="302 Found"):
        await got(scripted(colour, pages).post("/old"))
    assert len(pages.requests) == 11


async def test_a_redirected_post_is_not_repeated(colour: str) -> None:
    """A retry after a POST was redirected starts at the new location, and its error says that the POST was sent."""
    pages = Pages(500, 200, old=(303, "new"))
    client = scripted(colour, pages)
    Clock(client)
    await got(client.post("/old", json={}))
    assert [method for method, _ in pages.sent] == ["POST", "GET", "GET"]

    with Faults(answer("303 See other", b"", f"Location: {refusing_url()}")) as api:
        client = connect(colour, base_url=api.base_url)
        Clock(client)
        with pytest.raises(APIConnectionError) as raised:
            await got(client.post("/old", json={}))
        assert raised.value.sent
        assert len(api.requests) == 1


async def test_a_retry_of_a_repeatable_request_starts_over(colour: str) -> None:
    """The retry starts at the first location, since the redirect may change."""
    pages = Pages(500, 200, old=(307, "new"))
    client = scripted(colour, pages)
    Clock(client)
    await got(client.put("/old", json={}))
    assert [url.rpartition("/")[2] for _, url in pages.sent] == ["old", "new", "old", "new"]


async def test_a_body_is_not_sent_twice_after_it_arrived(colour: str) -> None:
    """A POST that was redirected by a 307 and failed raises an error, and is not retried."""
    pages = Pages(500, old=(307, "new"))
    with pytest.raises(InternalServerError):
        await got(scripted(colour, pages).post("/old", json={}))
    assert len(pages.requests) == 2
