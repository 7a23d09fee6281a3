"""Models that take and return files, with their own server, and clients of it."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator  # noqa: TC003 - the server reads the annotations of the models
from pathlib import Path  # noqa: TC003 - as above
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from support.colours import connect

from replicate.local import Model
from replicate.local import server as local_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from replicate.local import Server


def digest(file: Path) -> str:
    """Return the digest of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def digests(files: list[Path]) -> str:
    """Return the digests of files."""
    return json.dumps([digest(file) for file in files])


def look(image: Path) -> str:
    """Return the format, the size and the pixels of a picture."""
    with Image.open(image) as opened:
        return json.dumps([opened.format, *opened.size, opened.convert("RGB").tobytes().hex()])


def echo(value: dict) -> dict:  # type: ignore[type-arg]  # a type that the server knows
    """Return the value."""
    return value


def repeat(text: str) -> str:
    """Return the text."""
    return text


def draw(colour: str = "red") -> bytes:
    """Draw a picture."""
    file = io.BytesIO()
    Image.new("RGB", (2, 1), colour).save(file, "PNG")
    return file.getvalue()


def draw_all(colours: list[str]) -> Iterator[bytes]:
    """Draw pictures one by one."""
    yield from map(draw, colours)


def say(text: str) -> Iterator[str]:
    """Yield a text word by word."""
    for word in text.split():
        yield word + " "


def fail() -> str:
    """Fail."""
    raise RuntimeError("out of paint")


MODELS = {f"me/{each.__name__}": Model(each, official=True) for each in (digest, digests, look, echo, repeat, draw)}
MODELS |= {f"me/{each.__name__.replace('_', '-')}": Model(each, official=True) for each in (draw_all, say, fail)}
ITERATORS = {"you/draw-all": draw_all, "you/say": say}
"""Models that run by a version, which yields their items as they are made."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with local_server({**MODELS, **ITERATORS}) as srv:
        yield srv


@pytest.fixture
def clients(colour: str, server: Server) -> Iterator[Callable[..., Any]]:
    """Yield a function that makes clients of the server."""
    made: list[Any] = []

    def make(srv: Server | None = None, **options: Any) -> Any:
        place = srv or server
        made.append(connect(colour, **{"bearer_token": place.token, "base_url": place.base_url, **options}))
        return made[-1]

    yield make
    if colour == "blocking":  # the event loop closes the connections of the other colours
        for client in made:
            client.close()


@pytest.fixture
def client(clients: Callable[..., Any]) -> Any:
    return clients()


@pytest.fixture
def asked(server: Server) -> Callable[[], list[str]]:
    """Return a function that returns the requests of this test, as "POST /files"."""
    before = len(server.requests)
    return lambda: [f"{each.method} {each.path.removeprefix('/v1')}" for each in server.requests[before:]]
