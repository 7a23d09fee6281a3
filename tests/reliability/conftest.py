"""A local server that records what was started, and clients whose connections have faults."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Iterator  # noqa: TC003 - the annotations are the models' schemas
from contextlib import asynccontextmanager
from pathlib import Path  # noqa: TC003 - as above
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from reliability.chaos import Chaos
from support.colours import Clock, connect, each_colour, pytest_pyfunc_call  # noqa: F401 - a fixture and a hook
from support.sample_models import version_of

from replicate import Replicate
from replicate._dual.drive import drive
from replicate.local import Model
from replicate.local import server as local_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from replicate.local import Server
    from replicate.local.prediction import Prediction

serial = itertools.count()
stop = threading.Event()


def echo(text: str) -> str:
    """Return the text."""
    return text


def words(text: str) -> Iterator[str]:
    """Yield the text word by word."""
    for word in text.split():
        yield word + " "


def endless(text: str) -> Iterator[str]:
    """Yield without end."""
    while not stop.wait(0.01):
        yield text


def broken(text: str) -> Iterator[str]:
    """Yield once, then fail."""
    yield text
    raise RuntimeError("out of llamas")


def learn(text: str) -> bytes:
    """Return the text as weights."""
    return text.encode()


def write(text: str) -> bytes:
    """Return the text as a file."""
    return text.encode()


def leaves(text: str) -> Iterator[bytes]:
    """Return each word as a file."""
    for word in text.split():
        yield f"{word} ".encode()


def check(text: str, file: Path) -> str:
    """Return the text, after reading a file."""
    file.read_bytes()
    return text


def paint(prompt: str) -> str:
    """Return what would be painted."""
    return prompt


MODELS = {
    "owner/model": Model(paint, official=True),
    "me/echo": Model(echo, train=learn),
    "me/official": Model(echo, official=True),
    "me/words": Model(words, official=True),
    "me/spoken": words,
    "me/writer": Model(write, official=True),
    "me/scribe": write,
    "me/leaves": leaves,
    "me/endless": endless,
    "me/broken": Model(broken, official=True),
    "me/unlucky": broken,
    "me/checker": check,
}


@pytest.fixture(scope="package")
def shared_books() -> Iterator[Server]:
    patience = sys.getswitchinterval()
    sys.setswitchinterval(patience / 10)  # server, models and client are threads of one process
    with local_server(MODELS) as server:
        with Replicate(bearer_token=server.token, base_url=server.base_url) as client:
            version = version_of(server, "me/echo")
            client.deployments.create(name="books", model="me/echo", version=version, **SCALE)
            client.models.create("me", "trained", visibility="private", hardware="cpu")
        yield server
        stop.set()
    sys.setswitchinterval(patience)


SCALE: dict[str, Any] = {"hardware": "cpu", "min_instances": 0, "max_instances": 1}
OFFICIAL = "hidden"
"""The version that the server records for an official model."""
KEPT = 30
"""The number of predictions that the server may hold before they are deleted, as it takes time to search them."""


def wait_for_end(run: Prediction) -> None:
    """Wait until a prediction or a training of the server has finished."""
    done = threading.Event()
    with run.listening(lambda: done.set() if run.finished else None):
        assert run.finished or done.wait(10)


class Place:
    """A client with faulty connections and its own clock, and the server's record of what it has started."""

    def __init__(self, server: Server, colour: str) -> None:
        self.server, self.colour = server, colour
        self.line = Chaos(blocking=colour == "blocking")
        kind = httpx.Client if colour == "blocking" else httpx.AsyncClient
        self.http = kind(transport=self.line)
        self.client: Any = connect(colour, bearer_token=server.token, base_url=server.base_url, http_client=self.http)
        self.clock = Clock(self.client)
        self.version = version_of(server, "me/echo")
        self.text = ""

    def by_version(self, name: str) -> str:
        """Return a model's name with its version."""
        return f"{name}:{version_of(self.server, name)}"

    def fresh(self) -> dict[str, str]:
        """Return an input that no other call has."""
        self.text = f"call {next(serial)}"
        return {"text": self.text}

    def started(self) -> list[Prediction]:
        """Return the predictions and trainings that the server has started with the latest input."""
        books = (self.server.predictions, self.server.trainings)
        return [each for book in books for each in itertools.islice(book, 10) if each.input.get("text") == self.text]

    def tidy(self) -> None:
        """Delete the server's predictions and trainings if there are many."""
        if len(self.server.predictions) > KEPT:
            for version in (OFFICIAL, *(version_of(self.server, name) for name in MODELS)):
                self.server.predictions.forget(version)
            self.server.trainings.forget(self.version)

    async def close(self) -> None:
        """Close the connections."""
        if isinstance(self.http, httpx.Client):
            self.http.close()
        else:
            await self.http.aclose()


@asynccontextmanager
async def placed(server: Server, colour: str) -> AsyncIterator[Place]:
    """Yield a place of a colour."""
    place = Place(server, colour)
    try:
        yield place
    finally:
        await place.close()


@pytest.fixture
def place(shared_books: Server) -> Iterator[Place]:
    """Yield a place with a blocking client."""
    made = Place(shared_books, "blocking")
    yield made
    drive(made.close())
