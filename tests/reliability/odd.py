"""Calls that use everything, whose responses are recorded from the local server and replayed with one odd value."""

from __future__ import annotations

import copy
import inspect
import io
import json
import pickle
import re
from collections.abc import AsyncIterable, Iterable
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from reliability.odd_values import Change, Exchange
from support.colours import Clock, collect, connect, got
from support.sample_models import version_of

from replicate import FileOutput, async_paginate, paginate
from replicate._objects.page import Page
from replicate.exceptions import ReplicateException, RunError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping
    from pathlib import Path

    from replicate.local import Server

API = "api.replicate.com"


def key_of(request: httpx.Request) -> str:
    """Return what distinguishes a request from others."""
    path = request.url.path
    if request.url.host != API:
        return f"{request.method} {request.url.copy_with(query=None)}"
    cursor = request.url.params.get("cursor")
    return f"{request.method} {path}" + (f"?cursor={cursor}" if cursor else "")


class Recorder(httpx.BaseTransport):
    """Sends requests for the API to a local server, and records what comes back."""

    def __init__(self, server: Server) -> None:
        self.server, self.token = httpx.URL(server.base_url), server.token
        self.inner, self.exchanges = httpx.HTTPTransport(), list[Exchange]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        key, here = key_of(request), httpx.URL(request.url)
        request.url = here.copy_with(scheme="http", host=self.server.host, port=self.server.port)
        request.headers["host"] = f"{self.server.host}:{self.server.port}"
        request.headers["authorization"] = f"Bearer {self.token}"
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
            self.exchanges[change.index] = change.make()
        self.left, self.asked = [*self.exchanges], list[httpx.Request]()
        self.started: list[str] = []
        """The ids of what was started and is known from the response, as far as they can be requested."""

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
        if key.startswith("POST ") and key.endswith(STARTS) and found.status < 300:
            with suppress(AttributeError, RecursionError, TypeError, ValueError):
                named = json.loads(found.content).get("id")
                self.started += [named] if re.fullmatch(r"\w+", named) else []
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


STARTS = ("/predictions", "/trainings")
POLLS = re.compile(r"GET /v1/(?:predictions|trainings)/[^/]+")


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
                value = None
                with suppress(ReplicateException):
                    value = getattr(thing, name)
                if depth and not callable(value):
                    self(value, depth - 1)
        convert(thing)

    def error(self, error: ReplicateException) -> None:
        """Look at an error."""
        assert isinstance(str(error) + repr(error) + repr(error.to_dict()), str)
        assert repr(pickle.loads(pickle.dumps(error)))
        assert all(isinstance(note, str) for note in getattr(error, "__notes__", ()))
        if error.prediction is not None:
            self(error.prediction)


def convert(thing: Any) -> None:
    """Show an object in a notebook, turn it into plain data, copy and pickle it."""
    if shown := getattr(thing, "_repr_mimebundle_", None):
        assert isinstance(shown(), dict)
    if hasattr(thing, "model_dump"):
        if not isinstance(thing, str):
            dict(thing)
        assert isinstance(thing.model_dump(), dict)
        assert isinstance(thing.to_json() + thing.json(exclude_none=True), str)
    if type(thing).__name__ not in UNPICKLED:
        for other in (pickle.loads(pickle.dumps(thing)), copy.copy(thing), copy.deepcopy(thing)):
            assert isinstance(repr(other), str)


SKIPPED = ("Progress", "endpoints", "keys", "elapsed", "content_type", "size")
"""Attributes that are no data, or need a request."""
UNPICKLED = (
    *("SyncEventStream", "AsyncEventStream", "SyncOutputIterator", "AsyncOutputIterator", "Run"),
    *("ModelVersions", "DeploymentPredictions", "BlockingAPIResponse", "AwaitedAPIResponse"),
)
"""Objects that cannot be pickled, or whose client cannot, as it has an HTTP client of the test."""


class User:
    """Uses the API in one way after the other. An error of this package ends one step."""

    def __init__(self, client: Any, started: list[str]) -> None:
        self.client, self.look, self.errors = client, Viewer(), list[ReplicateException]()
        self.started = started
        """The ids of what was started, which the source of the responses adds to."""

    @contextmanager
    def step(self) -> Generator[None]:
        """Note an error of this package. It must carry what the step has started."""
        before = len(self.started)
        try:
            yield
        except ReplicateException as error:
            self.errors.append(error)
            self.look.error(error)
            new = self.started[before:]
            carried = getattr(error.prediction, "id", None) if isinstance(error, RunError) else None
            if new and carried not in new:
                raise AssertionError(f"{new} was started, and the error has {carried}") from error

    async def do(self, call: Callable[[], Any]) -> Any:
        """Call a method, and return its result, or None if it fails with an error of this package."""
        result = None
        with self.step():
            result = await got(call())
        self.look(result)
        return result

    async def read(self, call: Callable[[], Any]) -> None:
        """Iterate over the result of a method."""
        stream, items = None, list[Any]()
        with self.step():
            stream = await got(call())
            if isinstance(stream, Iterable | AsyncIterable) and not isinstance(stream, FileOutput):
                await collect(stream, items)
        self.look(items)
        with suppress(ReplicateException):  # it may end with the same error again
            self.look(stream)


class World(NamedTuple):
    """What calls need to know of the server."""

    echo: str
    words: str
    writer: str
    folder: Path


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


async def uploads(world: World, client: Any, user: User) -> None:
    """Upload files for inputs, and pass on outputs."""
    inputs = {"text": "x", "file": b"abc"}
    for _ in range(2):
        await user.do(lambda: client.run("me/checker", inputs, timeout=30, file_encoding_strategy="url"))
    made = await user.do(lambda: client.predictions.create(world.echo, {"text": "x"}))
    if made is not None:
        await user.do(lambda: client.run("me/official", {"text": made}, timeout=30))


async def read_file(user: User, output: Any, folder: Path) -> None:
    await user.do(output.info)
    await user.do(output.read)
    await user.do(lambda: output.save(folder))
    await user.do(lambda: output.save(io.BytesIO()))
    await user.do(output.as_data_uri)
    user.look(output)


async def jobs(world: World, client: Any, user: User) -> None:
    """Create a prediction, and do with it what can be done."""
    made = await user.do(lambda: client.predictions.create(world.echo, {"text": "x"}, wait=True))
    made = made or await user.do(lambda: client.predictions.get("p1"))
    if made is None:
        return
    await user.do(lambda: made.wait(timeout=30))
    await user.do(made.reload)
    await user.do(made.cancel)
    await user.read(made.output_iterator)
    await user.read(made.follow_logs)
    await user.read(made.stream)
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
    page = await user.do(client.predictions.list)
    if not isinstance(page, Page):
        return
    await user.read(lambda: page)
    await user.read(lambda: (paginate if client._session.blocking else async_paginate)(client.predictions.list))
    await user.read(page.iter_pages)
    if page.has_next_page():
        await user.do(page.get_next_page)
    for each in page.results[:1]:
        if hasattr(each, "reload"):
            await user.do(lambda each=each: each.reload())


async def trainings(world: World, client: Any, user: User) -> None:
    """Start a training, and do with it what can be done."""
    made = await user.do(lambda: client.trainings.create(f"me/echo:{world.echo}", {"text": "x"}, "me/trained"))
    if made is not None:
        await user.do(lambda: made.wait(timeout=30))
        await user.do(made.reload)
        await user.do(made.cancel)
        if isinstance(made.id, str) and re.fullmatch(r"\w+", made.id):
            await user.do(lambda: client.trainings.get(made.id))
    await user.read(client.trainings.list)


async def models(world: World, client: Any, user: User) -> None:
    """Read about models."""
    model = await user.do(lambda: client.models.get("me/echo"))
    if model is not None:
        await user.do(model.reload)
        await user.read(model.versions.list)
        await user.do(lambda: model.versions.get(world.echo))
    await user.do(lambda: client.models.versions.get("me/echo", world.echo))
    await user.read(lambda: client.models.list(limit=3))
    await user.read(lambda: client.models.search("echo"))
    await user.read(lambda: client.models.examples.list("me/echo"))
    await user.do(lambda: client.models.readme.get("me/echo"))
    await user.do(lambda: client.search("echo"))


async def nouns(world: World, client: Any, user: User) -> None:
    """Read what else there is."""
    await user.do(client.account.get)
    await user.do(client.hardware.list)
    await user.read(client.collections.list)
    await user.do(lambda: client.collections.get("all"))
    await user.read(client.deployments.list)
    deployment = await user.do(lambda: client.deployments.get("local/books"))
    if deployment is not None:
        await user.do(lambda: deployment.predictions.create({"text": "x"}))
    stored = await user.do(lambda: client.files.create(b"abc"))
    await user.read(client.files.list)
    if stored is not None:
        await user.do(lambda: client.run("me/official", {"text": stored}, timeout=30))
    await user.do(client.webhooks.default.secret)


async def raw(world: World, client: Any, user: User) -> None:
    """Use complete responses and requests of one's own."""
    await user.do(lambda: client.get("/account", cast_to=dict))
    response = await user.do(client.account.with_raw_response.get)
    if response is not None:
        for method in (response.json, response.text, response.read, response.parse):
            await user.do(method)


SCENARIOS: Mapping[str, Callable[[World, Any, User], Awaitable[None]]] = {
    each.__name__: each
    for each in (
        *(runs, iterators, streams, functions, files, uploads, jobs, watched, lists, trainings, models, nouns, raw),
    )
}


async def play(name: str, world: World, colour: str, source: Recorder | Replay) -> list[ReplicateException]:
    """Run a scenario with the responses of a source, and return the errors that it met."""
    transport: Any = source if isinstance(source, Recorder) else httpx.MockTransport(source)
    kind = httpx.Client if colour == "blocking" else httpx.AsyncClient
    client = connect(colour, http_client=kind(transport=transport), allow_private_hosts=True)
    if isinstance(source, Replay):
        Clock(client)
    user = User(client, [] if isinstance(source, Recorder) else source.started)
    await SCENARIOS[name](world, client, user)
    return user.errors


def world_of(server: Server, folder: Path) -> World:
    """Return what scenarios know of a server."""
    return World(*(version_of(server, name) for name in ("me/echo", "me/spoken", "me/scribe")), folder)
