"""A local server whose books tell what was started, and clients on a line where things go wrong."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator  # noqa: TC003 - the annotations are the models' schemas
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from reliability.chaos import Chaos
from support.colours import Clock, connect, each_colour, pytest_pyfunc_call  # noqa: F401 - a fixture and a hook

from replicate.local import Model
from replicate.local import server as local_server

if TYPE_CHECKING:
    from replicate.local import Server
    from replicate.local.prediction import Prediction

serial = itertools.count()
stop = threading.Event()


def echo(text: str) -> str:
    """Say it again."""
    return text


def endless(text: str) -> Iterator[str]:
    """Never come to an end."""
    while not stop.wait(0.01):
        yield text


def learn(text: str) -> bytes:
    """Learn a text by heart."""
    return text.encode()


@pytest.fixture(scope="package")
def shared_books() -> Iterator[Server]:
    models = {
        "me/echo": Model(echo, train=learn),
        "me/official": Model(echo, official=True),
        "me/endless": Model(endless, official=True),
    }
    with local_server(models) as server:
        yield server
        stop.set()


class Place:
    """A client on a bad line, a clock of its own, and what the server knows of what it did."""

    def __init__(self, server: Server, colour: str) -> None:
        self.server = server
        self.line = Chaos(blocking=colour == "blocking")
        kind = httpx.Client if colour == "blocking" else httpx.AsyncClient
        self.client: Any = connect(
            colour, bearer_token=server.token, base_url=server.base_url, http_client=kind(transport=self.line)
        )
        self.clock = Clock(self.client)
        self.text = ""

    def fresh(self) -> dict[str, str]:
        """Give an input that no other call has."""
        self.text = f"call {next(serial)}"
        return {"text": self.text}

    def started(self) -> list[Prediction]:
        """Give the predictions that the server has started with the latest input."""
        return list(itertools.takewhile(lambda each: each.input == {"text": self.text}, self.server.predictions))


@pytest.fixture
def place(shared_books: Server, colour: str) -> Iterator[Place]:
    made = Place(shared_books, colour)
    yield made
    if colour == "blocking":
        made.client.close()
