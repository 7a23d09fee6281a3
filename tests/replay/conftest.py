"""Replay recorded traffic, or record it with `scripts/record.sh`."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml
from support.colours import Clock, connect, each_colour, pytest_pyfunc_call  # noqa: F401 - a fixture and a hook
from vcr import VCR

from replicate._files import cache as copies
from replicate.local import server
from replicate.local.demo import MODELS

sys.path.insert(0, str(Path(__file__).parent))

from scrubbing import LIVE, LOCAL, same_body, scrub_request, scrub_response

if TYPE_CHECKING:
    from collections.abc import Iterator

CASSETTES = Path(__file__).parents[2] / "cassettes"
RECORD = os.environ.get("REPLICATE_RECORD")
TOKEN = os.environ.get("REPLICATE_API_TOKEN")


class Cast(NamedTuple):
    """The models to run, with inputs: one returns text, one streams text, and one makes a picture of a picture."""

    text: tuple[str, dict[str, Any]]
    words: tuple[str, dict[str, Any]]
    picture: tuple[str, str]


CASTS = {
    "local": Cast(
        text=("demo/hello", {"name": "Ada"}),
        words=("demo/summary", {"prompt": "Boats float. Boats that float need no motor.", "sentences": 1}),
        picture=("demo/poster", "image"),
    ),
    "live": Cast(
        text=("replicate/hello-world", {"text": "Ada"}),
        words=("meta/meta-llama-3-8b-instruct", {"prompt": "Count from one to five.", "max_tokens": 32}),
        picture=("nightmareai/real-esrgan", "image"),
    ),
}


class Labelled:
    """YAML whose first line says where and when it was recorded."""

    def __init__(self, place: str) -> None:
        self.place = place

    def serialize(self, cassette: dict[str, Any]) -> str:
        label = {"recorded": {"place": self.place, "date": datetime.now(UTC).date().isoformat()}}
        return str(yaml.safe_dump({**label, **cassette}, sort_keys=False, allow_unicode=True, width=120))

    @staticmethod
    def deserialize(text: str) -> Any:
        return yaml.safe_load(text)


class Player(NamedTuple):
    """A client to replay or record with, and the models to run."""

    client: Any
    models: Cast


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Record in one colour, as the others replay the same cassettes."""
    if RECORD:
        items[:] = [item for item in items if "blocking" in item.name]


def recorder(place: str) -> VCR:
    vcr = VCR(
        record_mode="all" if RECORD else "none",
        serializer="labelled",
        match_on=["method", "uri", "said"],
        decode_compressed_response=True,
        before_record_request=scrub_request,
        before_record_response=scrub_response,
    )
    vcr.register_serializer("labelled", Labelled(place))
    vcr.register_matcher("said", same_body)
    return vcr


def play(cassette: Path, colour: str, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Player:
    """Replay a cassette to a client that has no network and needs no time."""

    def refuse(*_: object) -> None:
        raise AssertionError("a test that plays a cassette opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    place = yaml.safe_load(cassette.read_text("utf-8"))["recorded"]["place"]
    playing = stack.enter_context(recorder(place).use_cassette(str(cassette)))
    stack.callback(lambda: playing.all_played or pytest.fail("not all that was recorded was asked for"))
    client = connect(colour, base_url=f"{LIVE if place == 'live' else LOCAL}/v1")
    Clock(client)
    return Player(client, CASTS[place])


def record(cassette: Path, place: str, stack: ExitStack) -> Player:
    """Record a cassette from the local server or from Replicate."""
    cassette.unlink(missing_ok=True)
    settings: dict[str, Any] = {"bearer_token": TOKEN}
    if place == "local":
        srv = stack.enter_context(server(MODELS))
        settings = {"bearer_token": srv.token, "base_url": srv.base_url}
    stack.enter_context(recorder(place).use_cassette(str(cassette)))
    return Player(connect("blocking", **settings), CASTS[place])


@pytest.fixture
def player(
    request: pytest.FixtureRequest, colour: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Player]:
    """Yield a client that replays the cassette with the test's name."""
    cassette = CASSETTES / f"{request.function.__name__.removeprefix('test_')}.yaml"
    monkeypatch.setattr(copies, "cache", copies.Cache(tmp_path))
    with ExitStack() as stack:
        made = record(cassette, RECORD, stack) if RECORD else play(cassette, colour, stack, monkeypatch)
        yield made
        if colour == "blocking":
            made.client.close()
