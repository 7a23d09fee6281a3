"""Odd answers: what calls got from the local server, replayed with one odd value in it, and everything used of it."""

from __future__ import annotations

import copy
import inspect
import io
import json
import pickle
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from support.colours import Clock, collect, connect, got
from support.sample_models import version_of

from replicate import FileOutput, async_paginate, paginate
from replicate._objects.page import Page
from replicate.exceptions import ReplicateException

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from pathlib import Path

    from replicate.local import Server

Step = str | int

DEEP = "900 deep"
ODD: dict[str, str] = {
    "null": "null",
    "true": "true",
    "zero": "0",
    "a negative number": "-1",
    "a fraction": "0.5",
    "a large float": "1e308",
    "a float out of range": "1e400",
    "NaN": "NaN",
    "infinity": "-Infinity",
    "a large int": "9" * 30,
    "an int of 5,000 digits": "9" * 5000,
    "an empty text": '""',
    "a space": '" "',
    "two dots": '".."',
    "a dot": '"."',
    "a slash": '"a/b"',
    "a path": '"/predictions?x=1"',
    "an unpaired surrogate": r'"\ud800"',
    "a reversal of the direction": r'"\u202e"',
    "an escape": r'"\u001b[2J\u0000"',
    "a line end": r'"a\r\nb: c"',
    "text beyond ASCII": '"\u00e4\u4e2d\U0001f999"',
    "10 kB of text": f'"{"x" * 10_000}"',
    "a URL": '"https://api.replicate.com/v1/predictions"',
    "a URL that is none": r'"https://[\ud800/"',
    "a URL with a bad port": '"https://a.test:99999999/x"',
    "a URL of 5,000 digits": f'"http://{"9" * 5000}/{"9" * 5000}"',
    "a data URI": '"data:image/png;base64,AAAA"',
    "an empty list": "[]",
    "a list in a list": "[[]]",
    "a list of null": "[null]",
    "a list of numbers": "[1, 2.5]",
    "a list of texts": '["a", "b"]',
    "a list of objects": '[{"a": 1}, {"id": ".."}]',
    "an empty object": "{}",
    "an object": '{"a": {}}',
    "an object with odd keys": r'{"": 1, "__class__": 2, "\ud800": 3, "id": [], "get": 1, "type": {}}',
    "a key twice": '{"a": 1, "a": [2]}',
    "lists, nested 900 deep": "[" * 900 + "]" * 900,
    "objects, nested 900 deep": '{"a":' * 900 + "1" + "}" * 900,
    "lists, nested 100,000 deep": "[" * 100_000 + "]" * 100_000,
    "the first year": '"0001-01-01T00:00:00Z"',
    "before the first year": '"0001-01-01T00:00:00+14:00"',
    "the last year": '"9999-12-31T23:59:59.999999Z"',
    "after the last year": '"9999-12-31T23:59:59-14:00"',
    "a date that is none": '"2024-02-30T25:61:00Z"',
    "a time only": '"12:30"',
    "a reference in a circle": '{"$ref": "#/components/schemas/Output", "allOf": null, "properties": []}',
    "an odd schema": '{"type": ["string", {}], "enum": [{"a": 1}, []], "default": {}, "x-order": "a", "anyOf": [{}, 1]}',
}
"""JSON texts of values that no answer should have."""
MISSING = "missing"

CONTENTS: dict[str, bytes] = {
    "nothing": b"",
    "half of an object": b'{"id": "p1", ',
    "no text": b"\xff\xfe\x00\xd8",
    "HTML": b"<html></html>",
    "two values": b"{}{}",
}
EVENTS: dict[str, bytes] = {
    "an id beyond ASCII": "event: output\nid: \u4e2d\u00e4\ndata: a\n\n".encode(),
    "an id of control characters": b"event: output\nid: \x1b\x7f\t\ndata: a\n\n",
    "an id of 10 kB": b"event: output\nid: " + b"x" * 10_000 + b"\ndata: a\n\n",
    "a name beyond ASCII": "event: \u4e2d\nid: 1\ndata: a\n\n".encode(),
    "bytes that are no text": b"event: output\nid: \xff\ndata: \xff\xfe\n\n",
    "a NUL": b"event: output\nid: \0\ndata: \0\n\n",
    "a retry of 400 digits": b"retry: " + b"9" * 400 + b"\nevent: output\nid: 1\ndata: a\n\n",
    "a retry of 18 digits": b"retry: " + b"9" * 18 + b"\nevent: output\nid: 1\ndata: a\n\n",
    "a retry of other digits": "retry: \u0661\nevent: output\nid: 1\ndata: a\n\n".encode(),
    "done, nested 900 deep": b"event: done\ndata: " + b"[" * 900 + b"]" * 900 + b"\n\n",
    "done, nested 100,000 deep": b"event: done\ndata: " + b"[" * 100_000 + b"]" * 100_000 + b"\n\n",
    "done for an odd reason": b'event: done\ndata: {"reason": {"a": [1e400, "\\ud800"]}}\n\n',
    "done with an int of 5,000 digits": b'event: done\ndata: {"reason": ' + b"9" * 5000 + b"}\n\n",
    "done with no JSON": b"event: done\ndata: {\n\n",
    "done without data": b"event: done\n\n",
    "an error": b'event: error\ndata: {"detail": [{}]}\n\n',
    "a URL that is none": b"event: output\nid: 1\ndata: https://[\n\n",
    "a data URI": b"event: output\nid: 1\ndata: data:image/png;base64,!\n\n",
}
HEADERS: dict[str, tuple[str | bytes, ...]] = {
    "date": ("Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -1400", "yesterday", "", b"\xff"),
    "retry-after": ("9" * 400, "-1", "nan", "1e400", "Mon, 01 Jan 0001 00:00:00 +1400", b"\xff"),
    "ratelimit-remaining": ("9" * 400, "-1", "nan", b"\xff"),
    "ratelimit-reset": ("9" * 400, "nan", "0.1", b"\xff"),
    "content-type": ("text/html; charset=nonsense", "application/json; charset=utf-16", "a; b; c=", b"\xff"),
    "content-disposition": ('attachment; filename="../.."', b"\xff", "attachment; filename*=utf-8''%ff"),
    "etag": (b"\xff", "", "W/x"),
    "x-request-id": (b"\xff", "x" * 10_000),
    "preference-applied": (b"\xff", "wait=x"),
    "location": ("", "..", "http://[", "/v1/predictions"),
}


class Exchange(NamedTuple):
    """A request and the response to it."""

    key: str
    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes

    @property
    def is_json(self) -> bool:
        return ("content-type", "application/json") in self.headers

    @property
    def is_stream(self) -> bool:
        return any(value.startswith("text/event-stream") for name, value in self.headers if name == "content-type")


class Change(NamedTuple):
    """What is odd: the place, the name of the odd value, and the response that has it."""

    index: int
    place: str
    name: str
    exchange: Exchange

    def __str__(self) -> str:
        return f"{self.exchange.key}: {self.place} is {self.name}"


def key_of(request: httpx.Request) -> str:
    """Return what distinguishes a request from others."""
    path = request.url.path
    if request.url.host != API:
        return f"{request.method} {request.url.copy_with(query=None)}"
    cursor = request.url.params.get("cursor")
    return f"{request.method} {path}" + (f"?cursor={cursor}" if cursor else "")


API = "api.replicate.com"


class Recorder(httpx.BaseTransport):
    """Sends requests for the API to a local server, and records what comes back."""

    def __init__(self, server: Server) -> None:
        self.server = httpx.URL(server.base_url)
        self.inner, self.exchanges = httpx.HTTPTransport(), list[Exchange]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        key, here = key_of(request), httpx.URL(request.url)
        request.url = here.copy_with(scheme="http", host=self.server.host, port=self.server.port)
        request.headers["host"] = f"{self.server.host}:{self.server.port}"
        response = self.inner.handle_request(request)
        content = response.read()
        ours = f"{self.server.host}:{self.server.port}".encode()
        content = content.replace(b"http://" + ours, f"https://{API}".encode())
        kept = ("content-type", "retry-after", "date", "preference-applied", "ratelimit-remaining", "ratelimit-reset")
        headers = tuple((name, value) for name, value in response.headers.items() if name in kept)
        self.exchanges.append(Exchange(key, response.status_code, headers, content))
        return httpx.Response(response.status_code, headers=headers, content=content)

    def close(self) -> None:
        self.inner.close()


MOST = 60
"""The number of requests of a call that are answered. Polls of what does not end get errors from then on."""


class Replay:
    """Answers requests as recorded, with at most one change."""

    def __init__(self, exchanges: list[Exchange], change: Change | None = None) -> None:
        self.exchanges = [*exchanges]
        if change:
            self.exchanges[change.index] = change.exchange
        self.left, self.asked = [*self.exchanges], list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        key = key_of(request)
        found = next((each for each in self.left if each.key == key), None)
        if found:
            self.left.remove(found)
        else:
            found = next((each for each in reversed(self.exchanges) if each.key == key), None)
        if found is None or len(self.asked) > MOST:
            return httpx.Response(404, json={"detail": "There is no such thing."})
        return httpx.Response(found.status, headers=found.headers, content=found.content)

    def check(self) -> None:
        """Fail if a request went to another resource, or a token to another host."""
        for request in self.asked:
            if request.url.host != API:
                assert "authorization" not in request.headers, request.url
                continue
            path = request.url.raw_path.partition(b"?")[0].decode()
            assert path.startswith("/v1/"), path
            assert not {"", ".", ".."} & {*path.removeprefix("/v1/").split("/")}, path
        others = [each for each in self.asked if not POLLS.fullmatch(key_of(each))]
        assert len(others) < MOST // 2, [str(each.url) for each in others]


POLLS = re.compile(r"GET /v1/(?:predictions|trainings)/[^/]+")


# ---- what is changed


def places(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Yield the path of each value in a JSON value, of the first item only in a list."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def replaced(value: Any, path: tuple[Step, ...], odd: str | None) -> bytes:
    """Return a JSON value as text, with another JSON text, or nothing, at a path."""
    root = [copy.deepcopy(value)]
    inner: Any = root
    *way, last = (0, *path)
    for step in way:
        inner = inner[step]
    if odd is None:
        del inner[last]
        return json.dumps(root[0] if root else None).encode()
    inner[last] = "@@odd@@"
    return json.dumps(root[0]).replace('"@@odd@@"', odd).encode("utf-8")


def changes(exchanges: list[Exchange]) -> Iterator[Change]:
    """Yield all changes of recorded exchanges."""
    for index, exchange in enumerate(exchanges):
        if exchange.is_json:
            yield from of_json(index, exchange)
        elif exchange.is_stream:
            yield from of_events(index, exchange)
        for name, content in CONTENTS.items():
            yield Change(index, "the content", name, exchange._replace(content=content))
        for name, values in HEADERS.items():
            for value in values:
                rest: Any = [(key, each) for key, each in exchange.headers if key != name]
                headers = (*rest, (name, value))
                yield Change(index, f"the header {name}", repr(value)[:40], exchange._replace(headers=headers))
        for status in (500, 404, 422, 429):
            for name in ("null", "a list of objects", "objects, nested 900 deep", "an int of 5,000 digits"):
                for body in ("{}", '{{"detail": {}, "title": {}, "status": {}, "type": {}}}'):
                    content = body.replace("{}", ODD[name]).replace("{{", "{").replace("}}", "}").encode()
                    odd = exchange._replace(status=status, content=content)
                    yield Change(index, f"the error {status}", name, odd)


def of_json(index: int, exchange: Exchange) -> Iterator[Change]:
    """Yield the changes of a JSON response."""
    value = json.loads(exchange.content)
    for path in places(value):
        where = ".".join(map(str, path)) or "the answer"
        if path and isinstance(path[-1], str):
            yield Change(index, where, MISSING, exchange._replace(content=replaced(value, path, None)))
        for name, odd in ODD.items():
            yield Change(index, where, name, exchange._replace(content=replaced(value, path, odd)))


def of_events(index: int, exchange: Exchange) -> Iterator[Change]:
    """Yield the changes of a stream of events: an odd one in the place of the first or of the last, or after all."""
    blocks = exchange.content.split(b"\n\n")
    for name, odd in EVENTS.items():
        for where, content in {
            "the first event": odd + b"\n\n".join(blocks[1:]),
            "the last event": b"\n\n".join([*blocks[:-2], b""]) + odd,
            "another event": odd + exchange.content,
        }.items():
            yield Change(index, where, name, exchange._replace(content=content))


# ---- what is done with it


class Viewer:
    """Uses everything of objects that needs no request, once for each state of an object."""

    def __init__(self) -> None:
        self._seen = set[tuple[type[Any], str]]()

    def __call__(self, thing: Any, depth: int = 2) -> None:
        """Look at an object of the package, at what it holds, or at the first items of a list."""
        for each in thing[:2] if isinstance(thing, list) else ():
            self(each, depth)
        kind = type(thing)
        if not kind.__module__.startswith("replicate"):
            return
        assert isinstance(repr(thing), str)
        if (state := (kind, repr(thing))) in self._seen:
            return
        self._seen.add(state)
        assert isinstance(str(thing) + f"{thing}", str)
        assert (thing == thing) in (True, False)  # noqa: PLR0124 - NaN is not equal to itself
        for name in dir(thing):
            if not name.startswith("_") and name not in SKIPPED:
                value = getattr(thing, name)
                if depth and not callable(value):
                    self(value, depth - 1)
        if shown := getattr(thing, "_repr_mimebundle_", None):
            assert isinstance(shown(), dict)
        if hasattr(thing, "model_dump"):
            dump(thing)
        if kind.__name__ not in UNPICKLED:
            for other in (pickle.loads(pickle.dumps(thing)), copy.copy(thing), copy.deepcopy(thing)):
                assert isinstance(repr(other), str)

    def error(self, error: ReplicateException) -> None:
        """Look at an error."""
        assert isinstance(str(error) + repr(error) + repr(error.to_dict()), str)
        assert repr(pickle.loads(pickle.dumps(error)))
        assert all(isinstance(note, str) for note in getattr(error, "__notes__", ()))
        if error.prediction is not None:
            self(error.prediction)


def dump(thing: Any) -> None:
    """Turn an object into plain data."""
    if not isinstance(thing, str):
        dict(thing)
    assert isinstance(thing.model_dump(), dict)
    assert isinstance(thing.to_json() + thing.json(exclude_none=True), str)


SKIPPED = ("Progress", "endpoints", "keys", "elapsed", "content_type", "size")
"""Attributes that are no data, or need a request."""
UNPICKLED = (
    *("SyncEventStream", "AsyncEventStream", "SyncOutputIterator", "AsyncOutputIterator", "Run"),
    *("ModelVersions", "DeploymentPredictions", "BlockingAPIResponse", "AwaitedAPIResponse"),
)
"""Objects that cannot be pickled, or whose client cannot, as it has an HTTP client of the test."""


class User:
    """Uses the API in one way after the other. An error of this package ends one step."""

    def __init__(self, client: Any, errors: list[ReplicateException]) -> None:
        self.client, self.errors, self.look = client, errors, Viewer()

    async def do(self, call: Callable[[], Any]) -> Any:
        """Call a method, and return its result, or None if it fails with an error of this package."""
        try:
            result = await got(call())
        except ReplicateException as error:
            self.errors.append(error)
            self.look.error(error)
            return None
        try:
            self.look(result)
        except ReplicateException as error:
            self.look.error(error)
        return result

    async def read(self, call: Callable[[], Any]) -> list[Any]:
        """Iterate over the result of a method."""
        items: list[Any] = []
        stream = await self.do(call)
        if stream is None:
            return items
        try:
            await collect(stream, items)
        except ReplicateException as error:
            self.errors.append(error)
            self.look.error(error)
        self.look(items)
        with suppress(ReplicateException):  # it may end with the same error again
            self.look(stream)
        return items


class World(NamedTuple):
    """What scenarios know of the server."""

    echo: str
    words: str
    writer: str
    folder: Path


def official(world: World, client: Any, user: User) -> Any:
    return [user.do(lambda: client.run("me/official", {"text": "x"}, timeout=30))]


async def runs(world: World, client: Any, user: User) -> None:
    """Run models by name and by version."""
    await user.do(lambda: client.run("me/official", {"text": "x"}, timeout=30))
    await user.do(lambda: client.run("me/echo", {"text": "x"}, timeout=30))
    await user.do(lambda: client.run(f"me/echo:{world.echo}", {"text": "x"}, timeout=30, wait=False))


async def iterators(world: World, client: Any, user: User) -> None:
    """Read an output item by item."""
    await user.read(lambda: client.run(f"me/spoken:{world.words}", {"text": "one two"}, timeout=30))


async def streams(world: World, client: Any, user: User) -> None:
    """Read the events of an output."""
    await user.read(lambda: client.stream("me/words", {"text": "one two"}, timeout=30))


async def functions(world: World, client: Any, user: User) -> None:
    """Call models as functions."""
    for options in ({}, {"streaming": True}):
        model = client.use("me/words", timeout=30, **options)
        repr(model)
        with suppress(TypeError, ValueError):
            inspect.signature(model)
        await user.do(model.openapi_schema)
        if options:
            await user.read(lambda model=model: model(text="one two"))
        else:
            await user.do(lambda model=model: model(text="one two"))
    run = await user.do(lambda: client.use("me/echo", timeout=30).create(text="x"))
    if run:
        await user.do(run.logs)
        await user.do(run.output)


async def files(world: World, client: Any, user: User) -> None:
    """Run models that make files, and read them."""
    output = await user.do(lambda: client.run("me/writer", {"text": "x"}, timeout=30))
    if isinstance(output, FileOutput):
        await read_file(user, output, world.folder)
    await user.do(lambda: client.save_all([output, {"a": [output]}], world.folder))
    await user.do(lambda: client.run("me/writer", {"text": "x"}, timeout=30, save_to=world.folder))
    outputs = await user.do(lambda: client.run("me/leaves", {"text": "a b"}, timeout=30))
    if any(isinstance(each, FileOutput) for each in outputs or ()):
        await user.do(lambda: client.save_all(outputs, world.folder))


async def read_file(user: User, output: Any, folder: Path) -> None:
    await user.do(lambda: output.info())
    await user.do(lambda: output.read())
    await user.do(lambda: output.save(folder))
    await user.do(lambda: output.save(io.BytesIO()))
    await user.do(lambda: output.as_data_uri())
    user.look(output)


async def jobs(world: World, client: Any, user: User) -> None:
    """Create a prediction, and do with it what can be done."""
    made = await user.do(lambda: client.predictions.create(world.echo, {"text": "x"}, wait=True))
    made = made or await user.do(lambda: client.predictions.get("p1"))
    if made is None:
        return
    await user.do(lambda: made.wait(timeout=30))
    await user.do(lambda: made.reload())
    await user.do(lambda: made.cancel())
    await user.read(lambda: made.output_iterator())
    await user.read(lambda: made.follow_logs())
    await user.read(lambda: made.stream())
    if isinstance(made.id, str) and re.fullmatch(r"\w+", made.id):
        await user.do(lambda: client.predictions.get(made.id))
        await user.do(lambda: client.predictions.wait(made.id, timeout=30))
        await user.do(lambda: client.predictions.cancel(made.id))


async def watched(world: World, client: Any, user: User) -> None:
    """Run a model with a callback and a progress display, and one that fails."""
    seen: list[Any] = []
    await user.do(lambda: client.run("me/echo", {"text": "x"}, timeout=30, on_update=seen.append, progress=True))
    for each in seen[:1]:
        user.look(each)
    await user.do(lambda: client.run("me/broken", {"text": "x"}, timeout=30))


async def lists(world: World, client: Any, user: User) -> None:
    """List predictions over several pages."""
    page = await user.do(lambda: client.predictions.list())
    if not isinstance(page, Page):
        return
    await user.read(lambda: page)
    await user.read(lambda: (paginate if client._session.blocking else async_paginate)(client.predictions.list))
    await user.read(lambda: page.iter_pages())
    if page.has_next_page():
        await user.do(lambda: page.get_next_page())
    for each in page.results[:1]:
        if hasattr(each, "reload"):
            await user.do(lambda each=each: each.reload())


async def trainings(world: World, client: Any, user: User) -> None:
    """Start a training, and do with it what can be done."""
    made = await user.do(lambda: client.trainings.create(f"me/echo:{world.echo}", {"text": "x"}, "me/trained"))
    if made is not None:
        await user.do(lambda: made.wait(timeout=30))
        await user.do(lambda: made.reload())
        await user.do(lambda: made.cancel())
        if isinstance(made.id, str) and re.fullmatch(r"\w+", made.id):
            await user.do(lambda: client.trainings.get(made.id))
    await user.read(lambda: client.trainings.list())


async def models(world: World, client: Any, user: User) -> None:
    """Read about models."""
    model = await user.do(lambda: client.models.get("me/echo"))
    if model is not None:
        await user.do(lambda: model.reload())
        await user.read(lambda: model.versions.list())
        await user.do(lambda: model.versions.get(world.echo))
    await user.do(lambda: client.models.versions.get("me/echo", world.echo))
    await user.read(lambda: client.models.list(limit=3))
    await user.read(lambda: client.models.search("echo"))
    await user.read(lambda: client.models.examples.list("me/echo"))
    await user.do(lambda: client.models.readme.get("me/echo"))
    await user.do(lambda: client.search("echo"))


async def nouns(world: World, client: Any, user: User) -> None:
    """Read what else there is."""
    await user.do(lambda: client.account.get())
    await user.do(lambda: client.hardware.list())
    await user.read(lambda: client.collections.list())
    await user.do(lambda: client.collections.get("all"))
    await user.read(lambda: client.deployments.list())
    deployment = await user.do(lambda: client.deployments.get("local/books"))
    if deployment is not None:
        await user.do(lambda: deployment.predictions.create({"text": "x"}))
    stored = await user.do(lambda: client.files.create(b"abc"))
    await user.read(lambda: client.files.list())
    if stored is not None:
        await user.do(lambda: client.run("me/official", {"text": stored}, timeout=30))
    await user.do(lambda: client.webhooks.default.secret())


async def raw(world: World, client: Any, user: User) -> None:
    """Use complete responses and requests of one's own."""
    await user.do(lambda: client.get("/account", cast_to=dict))
    response = await user.do(lambda: client.account.with_raw_response.get())
    if response is not None:
        for method in (response.json, response.text, response.read, response.parse):
            await user.do(method)


SCENARIOS: Mapping[str, Callable[[World, Any, User], Awaitable[None]]] = {
    each.__name__: each
    for each in (
        *(runs, iterators, streams, functions, files, jobs, watched, lists, trainings, models, nouns, raw),
    )
}


async def play(name: str, world: World, colour: str, transport: Any) -> list[ReplicateException]:
    """Run a scenario over a transport, and return the errors that it met."""
    kind = httpx.Client if colour == "blocking" else httpx.AsyncClient
    http = kind(transport=transport)
    client = connect(colour, http_client=http, allow_private_hosts=True)
    if not isinstance(transport, Recorder):
        Clock(client)
    errors: list[ReplicateException] = []
    await SCENARIOS[name](world, client, User(client, errors))
    return errors


def world_of(server: Server, folder: Path) -> World:
    """Return what scenarios know of a server."""
    return World(*(version_of(server, name) for name in ("me/echo", "me/spoken", "me/scribe")), folder)
