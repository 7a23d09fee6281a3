"""The models that the tests run, and the responses of scripted servers."""

import hashlib
import io
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from PIL import Image, ImageOps

from replicate.local import Model
from replicate.local import server as local_server

if TYPE_CHECKING:
    from replicate.local import Server


def shout(text: str = "hi", times: int = 1) -> str:
    """Say it louder."""
    print(f"shouting {text}")  # noqa: T201 - printed into the log
    return text.upper() + "!" * times


def words(text: str = "one two three") -> Iterator[str]:
    """Say it word by word."""
    for word in text.split():
        yield word + " "


def numbers(until: int = 3) -> Iterator[int]:
    """Count."""
    yield from range(until)


def negative(image: Path) -> bytes:
    """Invert the colours of a picture."""
    result = io.BytesIO()
    with Image.open(image) as picture:
        ImageOps.invert(picture.convert("RGB")).save(result, "PNG")
    return result.getvalue()


def digest(file: Path) -> str:
    """Return the digest of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def broken(text: str = "CUDA out of memory") -> str:
    """Fail."""
    for step in range(9):
        print(f"step {step}")  # noqa: T201 - printed into the log
    raise RuntimeError(text)


def link() -> str:
    """Return a text that looks like a file."""
    return "https://replicate.delivery/read-me.png"


MODELS = {
    "me/official": Model(shout, official=True),
    "me/community": shout,
    "me/words": Model(words, official=True),
    "me/numbers": numbers,
    "me/negative": Model(negative, official=True),
    "me/digest": Model(digest, official=True),
    "me/broken": broken,
    "me/link": link,
}


class Held:
    """A model that says one word, and the next one once the test allows it."""

    def __init__(self) -> None:
        self.started, self.go = threading.Event(), threading.Event()

    def text(self) -> str:
        """Return one text."""
        self.started.set()
        self.go.wait(20)
        return "done"

    def words(self) -> Iterator[str]:
        """Yield two words."""
        self.started.set()
        yield "first "
        self.go.wait(20)
        yield "second"

    @contextmanager
    def served(self, models: Mapping[str, Any], **options: Any) -> Iterator["Server"]:
        """Serve models, and let them go on at the end: a server that stops gives them half a second."""
        with local_server(models, **options) as srv:
            try:
                yield srv
            finally:
                self.go.set()

    def finish(self, srv: "Server") -> None:
        """Let the model go on, and wait until all predictions have finished."""
        self.go.set()
        for prediction in srv.predictions.running():
            done = threading.Event()
            with prediction.listening(lambda now=prediction, done=done: done.set() if now.finished else None):
                assert prediction.finished or done.wait(10)


def version_of(srv: "Server", name: str) -> str:
    """Return the id of the latest version of a server's model."""
    entry = srv.cloud.models.get(name)
    assert entry
    assert entry.latest
    return entry.latest.id


VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"


def prediction(status: str = "starting", **members: Any) -> dict[str, Any]:
    """Return a prediction as the API would."""
    return {
        "id": "p1",
        "model": "me/model",
        "version": "hidden",
        "input": {},
        "logs": "",
        "output": None,
        "error": None,
        "status": status,
        "created_at": "2025-01-01T00:00:00Z",
        "urls": {"get": "https://api.replicate.com/v1/predictions/p1"},
        **members,
    }


def model(*, output: Any = None, official: bool | None = True) -> dict[str, Any]:
    """Return a model as the API would, with the schema of its output."""
    schema = {"components": {"schemas": {"Output": output or {"type": "string"}}}}
    known = {} if official is None else {"is_official": official}
    return {"owner": "me", "name": "model", "latest_version": {"id": VERSION, "openapi_schema": schema}, **known}


def model_or_version(**options: Any) -> dict[str, Any]:
    """Return a response that serves for a model as well as for its version."""
    made = model(**options)
    return {**made, **made["latest_version"]}


class Script:
    """Responses of a server by method and path: each a JSON body, a response or a function. The last one repeats."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers, self.requests = answers, list[httpx.Request]()

    @property
    def asked(self) -> list[str]:
        """The requests so far, as "GET /models/me/model"."""
        return [f"{each.method} {each.url.path.removeprefix('/v1')}" for each in self.requests]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.requests.append(request)
        queue = self.answers.get(kind_of(request), [])
        if not queue and kind_of(request) == "list":
            queue = [{"results": []}]
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, httpx.Response):  # a response can be sent only once
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return httpx.Response(200, json=answer)


def kind_of(request: httpx.Request) -> str:
    """Return which of a script's responses a request is for."""
    if request.method == "POST":
        return "cancel" if request.url.path.endswith("/cancel") else "create"
    if request.url.path.endswith(("/predictions", "/trainings")):
        return "list"
    return "model" if "/models/" in request.url.path else "get"
