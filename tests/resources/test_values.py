"""The API judges values: any value that can be sent is sent as given, whether or not the API accepts it."""

from __future__ import annotations

import json
from functools import reduce
from typing import Any

import httpx
import pytest
from support.colours import got, scripted

from replicate import PermissionDeniedError

MODEL: dict[str, Any] = {"owner": "o", "name": "n", "hardware": "cpu", "visibility": "private"}
DEPLOYMENT: dict[str, Any] = {"name": "n", "model": "o/n", "version": "v", "hardware": "cpu"}
RELEASE: dict[str, Any] = {"min_instances": 0, "max_instances": 1}
TRAINING: dict[str, Any] = {"version": "o/n:v", "input": {}}
Call = tuple[str, tuple[Any, ...], dict[str, Any], dict[str, Any]]


class Server:
    """Responds to every request, and records it."""

    def __init__(self) -> None:
        self.requests = list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        urls = {"get": "https://files.test/x"}
        return httpx.Response(200, json={"id": "x", "status": "succeeded", "urls": urls, "results": []})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def client(colour: str, server: Server) -> Any:
    return scripted(colour, server)


MEMBERS: list[Call] = [
    *(
        ("models.create", (), {**MODEL, **given}, given)
        for given in (
            {"visibility": "odd"},
            {"owner": ""},
            {"name": "n/m"},
            {"name": 5},
            {"hardware": ""},
            {"description": 5},
        )
    ),
    ("models.update", ("o", "n"), {}, {}),
    ("models.update", ("o/n",), {"description": None}, {"description": None}),
    ("models.update", ("o/n",), {"readme": ["x"]}, {"readme": ["x"]}),
    *(
        ("deployments.create", (), {**DEPLOYMENT, **RELEASE, **given}, given)
        for given in (
            {"model": "model"},
            {"model": ""},
            {"model": "o/n:v"},
            {"name": ""},
            {"name": "me/"},
            {"name": 5},
            {"version": "o/n"},
            {"version": ""},
            {"version": "other/model:v"},
            {"version": "a b"},
            {"hardware": ""},
            {"min_instances": -1},
            {"max_instances": "abc"},
            {"min_instances": 5, "max_instances": 1},
            {"min_instances": 0.5, "max_instances": 10**9},
        )
    ),
    ("deployments.update", ("o", "n"), {}, {}),
    ("deployments.update", ("o/n",), {"hardware": ""}, {"hardware": ""}),
    ("deployments.update", ("o/n",), {"version": "http://x:1/y"}, {"version": "http://x:1/y"}),
    ("deployments.update", ("o/n",), {"min_instances": -1}, {"min_instances": -1}),
    *(
        ("trainings.create", (), {**TRAINING, "destination": destination}, {"destination": destination})
        for destination in ("destination", "", "a/b/c", "me/mine:v")
    ),
    *(("predictions.create", (), {"version": version}, {"version": version}) for version in ("", "not one", "a/b/c")),
    *(
        ("predictions.create", ("v", {}), given, given)
        for given in (
            {"webhook": "no url"},
            {"webhook": ""},
            {"webhook": 5},
            {"webhook_completed": "ftp://x"},
            {"webhook_events_filter": ["odd", 1]},
            {"webhook_events_filter": "completed"},
            {"webhook_events_filter": []},
            {"stream": "yes"},
        )
    ),
    ("trainings.create", (), {**TRAINING, "destination": "o/n", "webhook": "x"}, {"webhook": "x"}),
]


@pytest.mark.parametrize(("name", "args", "words", "members"), MEMBERS, ids=repr)
async def test_members_of_bodies(
    client: Any, server: Server, name: str, args: Any, words: Any, members: dict[str, Any]
) -> None:
    """A member of a body is sent as given, and an empty update as `{}`."""
    await got(reduce(getattr, name.split("."), client)(*args, **words))
    [request] = server.requests
    body = json.loads(request.read())
    assert {name: body[name] for name in members} == members
    assert members or body == {}


QUERIES: list[Call] = [
    *(("search", ("x",), {"limit": limit}, {"limit": str(limit)}) for limit in (0, -1, 10**9, "x")),
    *(("search", (text,), {}, {"query": text}) for text in ("", " ")),
    *(
        ("predictions.list", (), {word: value}, {word: str(value)})
        for word in ("created_after", "created_before")
        for value in ("yesterday", "", 5)
    ),
    ("predictions.list", (), {"source": "api"}, {"source": "api"}),
    ("models.list", (), {"sort_by": "odd"}, {"sort_by": "odd"}),
    ("models.list", (), {"sort_direction": "up"}, {"sort_direction": "up"}),
]


@pytest.mark.parametrize(("name", "args", "words", "query"), QUERIES, ids=repr)
async def test_queries(client: Any, server: Server, name: str, args: Any, words: Any, query: dict[str, Any]) -> None:
    """A query parameter is sent as given."""
    await got(reduce(getattr, name.split("."), client)(*args, **words))
    assert dict(server.requests[0].url.params) == {**query, **({"query": args[0]} if args else {})}


async def test_parts_of_a_signed_link(client: Any, server: Server, colour: str) -> None:
    """An expiry that is not a time, and an empty owner, are sent too."""
    await got(client.files.download("x", expiry="soon", owner="", signature=colour))
    assert dict(server.requests[0].url.params) == {"expiry": "soon", "owner": "", "signature": colour}


@pytest.mark.parametrize("after", ["soon", "5 minutes", "-1", "1\xb5s", "a\tb"])
async def test_when_to_cancel(client: Any, server: Server, after: str) -> None:
    """`cancel_after` can be any text that a header can hold, in the header's own character set."""
    await got(client.predictions.create("v", {}, cancel_after=after))
    [request] = server.requests
    assert dict(request.headers.raw)[b"Cancel-After"] == after.encode("latin-1")


@pytest.mark.parametrize("prefer", ["respond-async", "return=minimal", "wait=soon"])
async def test_a_preference_other_than_wait(client: Any, server: Server, prefer: str) -> None:
    """It is sent unchanged with the create, not with its files, and changes no timeout."""
    await got(client.predictions.create("v", {"file": bytes(300_000)}, prefer=prefer, extra_headers={"X-One": "1"}))
    assert [request.headers.get("prefer") for request in server.requests][-1] == prefer
    assert [request.headers.get("prefer") for request in server.requests][:-1] in ([], [None])
    assert server.requests[-1].extensions["timeout"]["read"] == 60


@pytest.mark.parametrize("kind", ["type", "png", "a b", "text/plain;"])
@pytest.mark.parametrize("word", ["type", "content_type"])
async def test_types_of_files(client: Any, server: Server, kind: str, word: str) -> None:
    """The type of a file can be any text that a header can hold."""
    await got(client.files.create(b"a", **{word: kind}))
    body = server.requests[0].read()
    assert f"Content-Type: {kind}\r\n\r\na\r\n".encode() in body
    assert f'name="type"\r\n\r\n{kind}\r\n'.encode() in body


@pytest.mark.parametrize("metadata", ["x", [1], 5])
async def test_metadata_of_files(client: Any, server: Server, metadata: Any) -> None:
    """Metadata that is not an object is sent too."""
    await got(client.files.create(b"a", metadata=metadata))
    assert b'name="metadata"' in server.requests[0].read()


async def test_a_search_text(client: Any, server: Server) -> None:
    """The search text can be empty."""
    await got(client.models.search(""))
    assert server.requests[0].read() == b""


@pytest.mark.parametrize(
    ("identifier", "path"), [("a b", b"a%20b"), (5, b"5"), ("p?x#y", b"p%3Fx%23y"), ("ł", b"%C5%82")]
)
async def test_identifiers(client: Any, server: Server, identifier: Any, path: bytes) -> None:
    """An identifier is an int, or any text, quoted as one segment of the path."""
    await got(client.predictions.get(identifier))
    assert server.requests[0].url.raw_path == b"/v1/predictions/" + path


@pytest.mark.parametrize(
    "token", ["My Bearer Token", "Bearer r8_x", "tok\xe9n", "a'b\"c", ' "My Token" ', "\tMy Token\r\n"]
)
async def test_tokens(colour: str, server: Server, token: str) -> None:
    """A token may contain spaces; only white space and quotes at its ends are removed."""
    client = scripted(colour, server, bearer_token=token)
    await got(client.get("/account"))
    expected = f"Bearer {token.strip().strip(chr(34))}".encode("latin-1")
    assert dict(server.requests[0].headers.raw)[b"Authorization"] == expected


def test_a_token_with_spaces_is_not_shown() -> None:
    """If the API repeats the token in an error, all of it is removed."""

    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403, json={"detail": f"no access with {request.headers['authorization']}"})

    client = scripted("blocking", echo, bearer_token="My Secret Token")
    with client, pytest.raises(PermissionDeniedError, match="no access") as caught:
        client.get("/account")
    assert "Secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "sent"), [("caf\xe9", b"caf\xe9"), ("\u0142", "\u0142".encode()), (b"\xff", b"\xff"), ("a", b"a")]
)
async def test_texts_of_headers(client: Any, server: Server, value: Any, sent: bytes) -> None:
    """A header value is sent as ISO 8859-1, or as UTF-8 if it does not fit, wherever it was set."""
    await got(client.get("/x", headers={"X-One": value}))
    await got(client.get("/x", extra_headers={"X-One": value}))
    assert [dict(request.headers.raw)[b"X-One"] for request in server.requests] == [sent, sent]


def test_methods_of_requests() -> None:
    """Any HTTP token is accepted as a method."""
    server = Server()
    with scripted("blocking", server) as client:
        client.request("X_CUSTOM.1", "/x")
    assert server.requests[0].method == "X_CUSTOM.1"
