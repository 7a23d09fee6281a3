"""Answers are data: whatever one holds ends as a value, or as an error of this package with what was started."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest
from reliability.odd import SCENARIOS, Recorder, Replay, World, play, world_of
from reliability.odd_values import changes
from support.colours import RUN, leaves_streams

if TYPE_CHECKING:
    from reliability.odd_values import Exchange

    from replicate.local import Server

pytestmark = leaves_streams

ANSWERS = int(os.environ.get("FAULT_PLANS", "2000")) // 2
"""The number of odd answers to blocking calls. Asynchronous calls get fewer."""


class Recordings:
    """What the local server answers to the calls of each scenario."""

    def __init__(self, server: Server, world: World) -> None:
        self.server, self.world = server, world
        self._made: dict[str, list[Exchange]] = {}

    def of(self, name: str) -> list[Exchange]:
        """Return the exchanges of a scenario. Nothing in them is odd."""
        if name not in self._made:
            recorder = Recorder(self.server)
            RUN["blocking"](play(name, self.world, "blocking", recorder))
            recorder.close()
            self._made[name] = recorder.exchanges
        return self._made[name]


@pytest.fixture(scope="module")
def recordings(shared_books: Server, tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    return Recordings(shared_books, world_of(shared_books, tmp_path_factory.mktemp("odd")))


@pytest.mark.parametrize("colour", ["blocking", "asyncio"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_an_odd_answer(recordings: Recordings, name: str, colour: str) -> None:
    """With one odd value in the answers, calls give values or errors of this package, and everything of them works."""
    exchanges = recordings.of(name)
    share = ANSWERS // len(SCENARIOS) // (1 if colour == "blocking" else 10) + 1
    every = [*changes(exchanges)]
    for change in random.Random(f"{name} {colour}").sample(every, min(share, len(every))):
        replay = Replay(exchanges, change)
        try:
            RUN[colour](play(name, recordings.world, colour, replay))
            replay.check()
        except Exception as error:
            error.add_note(ascii(f"with {change}"))
            raise
