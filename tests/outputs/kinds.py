"""Every kind of output, with a model that makes it, and every way to get it."""

from __future__ import annotations

from collections.abc import Callable, Iterator  # noqa: TC003 - the annotations are the models' schemas
from pathlib import Path  # noqa: TC003 - as above
from typing import Annotated, Any, NamedTuple

import httpx
from support.colours import collect, connect, got

from replicate import FileOutput, OutputIterator, OutputList
from replicate._outputs.file_string import FileString
from replicate.local import Model, Server

URL = "https://replicate.delivery/read.me"
DATA = "data:text/plain;base64,aGVsbG8="


def text() -> str:
    return "hello"


def pieces() -> Iterator[str]:
    yield from ("one ", "two")


def words() -> Iterator[Annotated[str, "a word"]]:
    yield from ("one", "two")


def linked() -> Iterator[str]:
    yield from ("see ", URL)


def file() -> bytes:
    return b"content"


def file_in_a_uri() -> Path:
    return DATA  # type: ignore[return-value]  # the API sends small files so, in a blocking response


def files() -> Iterator[bytes]:
    yield from (b"one", b"two")


def file_list() -> list[bytes]:
    return [b"one", b"two"]


def numbers() -> list[int]:
    return [1, 2]


def record() -> dict:  # type: ignore[type-arg]  # a type that the server knows
    return {"image": b"content", "notes": {"masks": [b"content"], "score": 0.5}}


def number() -> float:
    return 0.5


def nothing() -> None:
    return None


def url() -> str:
    return URL


def data() -> str:
    return DATA


class Kind(NamedTuple):
    """A kind of output, and the function that makes it."""

    title: str
    function: Callable[[], Any]

    @property
    def name(self) -> str:
        return self.function.__name__.replace("_", "-")


KINDS = (
    Kind("a text", text),
    Kind("a text in pieces", pieces),
    Kind("a text in pieces, one of them a URL", linked),
    Kind("texts, one by one", words),
    Kind("a file", file),
    Kind("a file, as a `data:` URI", file_in_a_uri),
    Kind("files, one by one", files),
    Kind("a list of files", file_list),
    Kind("a list of numbers", numbers),
    Kind("an object with files in it", record),
    Kind("a number", number),
    Kind("nothing", nothing),
    Kind("a text that is one URL", url),
    Kind("a text that is a `data:` URI", data),
)
MODELS = {f"me/{kind.name}": Model(kind.function, official=True) for kind in KINDS}
MODELS |= {f"you/{kind.name}": Model(kind.function) for kind in KINDS}
"""The same kinds as community models of another owner, which run by a version."""


# ---- ways to get an output


def version_of(server: Server, kind: Kind) -> str:
    """Return the version of a kind's community model, with its name."""
    with server.client() as client:
        return f"you/{kind.name}:{client.models.get(f'you/{kind.name}').latest_version.id}"


async def created(client: Any, ref: str) -> Any:
    return (await got(client.predictions.create(model=ref, input={}, wait=20))).output


async def streamed(client: Any, ref: str) -> Any:
    return await got(client.use(ref, streaming=True)())


WAYS: dict[str, Callable[[Any, str], Any]] = {
    '`run("owner/name")`': lambda client, ref: got(client.run(ref)),
    '`run("owner/name:version")`': lambda client, ref: got(client.run(ref)),
    "`use(…)()`": lambda client, ref: got(client.use(ref)()),
    "`use(…, streaming=True)()`": streamed,
    "`prediction.output`": created,
}
NAME, VERSION, *_ = WAYS


async def shown(output: Any) -> str:
    """Return the types of an output as text. Iterators are read."""
    match output:
        case OutputIterator():
            return f"OutputIterator({await shown(await collect(output))})"
        case FileString():
            return "FileString"
        case FileOutput():
            return "FileOutput"
        case dict():
            return "{" + ", ".join([f"{key!r}: {await shown(value)}" for key, value in output.items()]) + "}"
        case list():
            inside = "[" + ", ".join([await shown(item) for item in output]) + "]"
            return f"OutputList({inside})" if isinstance(output, OutputList) else inside
        case _:
            assert type(output) in (str, int, float, type(None))
            return repr(output)


# ---- clients that know more or less of the models


class Hiding(httpx.HTTPTransport):
    """Answers 404 to lookups of models and versions, as if they were hidden from this account."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return hidden(request) or super().handle_request(request)


class AsyncHiding(httpx.AsyncHTTPTransport):
    """The asynchronous transport that answers 404 to lookups."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return hidden(request) or await super().handle_async_request(request)


def hidden(request: httpx.Request) -> httpx.Response | None:
    """Return the API's response to the lookup of a hidden model, or None for other requests."""
    if request.method == "GET" and "/models/" in request.url.path:
        return httpx.Response(404, json={"detail": "The requested resource could not be found.", "status": 404})
    return None


def client_of(server: Server, colour: str, *, hides: bool = False) -> Any:
    """Make a client that knows of no model yet. If the models are hidden, it cannot look them up."""
    options: dict[str, Any] = {"bearer_token": server.token, "base_url": server.base_url, "poll_interval": 0.01}
    if hides:
        blocking = colour == "blocking"
        made = httpx.Client(transport=Hiding()) if blocking else httpx.AsyncClient(transport=AsyncHiding())
        options["http_client"] = made
    return connect(colour, **options)


class Seen(NamedTuple):
    """The outputs of a first and a second call, with a known schema, and with a hidden one."""

    first: str
    again: str
    known: str
    hidden: str


async def seen(server: Server, colour: str, way: str, ref: str) -> Seen:
    """Get an output at every degree of knowledge of its schema."""
    fresh, knowing, ignorant = (client_of(server, colour, hides=hides) for hides in (False, False, True))
    assert await got(knowing.use(ref).openapi_schema())
    calls = [fresh, fresh, knowing, ignorant, ignorant]
    first, again, known, unknown, still = [await shown(await WAYS[way](client, ref)) for client in calls]
    assert unknown == still
    for client in (fresh, knowing, ignorant):
        await got(client.close())
    return Seen(first, again, known, unknown)
