"""The table of faults in the documentation shows what the client was seen to do.

`WRITE_RELIABILITY=1 python -m pytest tests/reliability` writes it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from reliability import chaos
from reliability.conftest import OFFICIAL, Place, wait_for_end
from reliability.troubles import LIMITS, LOOKS, SECTIONS, Trouble, starting

import replicate
from replicate import ReplicateException
from replicate._dual.drive import drive

if TYPE_CHECKING:
    from replicate.local import Server

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
MARK = "## What happens when\n"
INTRODUCTION = """
Each row is a call that meets a fault. `tests/reliability` makes these calls against the [local server](local.md)
and writes this table: to change it, change the tests. "Requests" counts everything that the call sent; for a wait, only
what the wait sent. "Predictions" counts those that the server has afterwards.
"""
COLUMNS = "| what goes wrong | what the client does | what you get | requests | predictions |\n|---|---|---|---|---|\n"
LINES = (
    [],
    [chaos.RESET_AFTER],
    [chaos.REFUSED] * 4,
    [chaos.BROKEN_AFTER] * 2,
    [chaos.THROTTLED] * 4,
    [chaos.FINE, chaos.SLOW_AFTER, chaos.PAGE],
)
"""The faults with which the page's examples are run."""
ENDS = {"canceled": "canceled", "processing": "processing", "starting": "processing"}
"""What the table says of unfinished predictions. On a busy machine one may not have started yet."""
CASES = [trouble for section in SECTIONS.values() for trouble in section]


class Seen(NamedTuple):
    """The outcome of a call."""

    result: str
    requests: int
    predictions: str


@pytest.fixture(scope="module")
def seen(shared_books: Server) -> dict[Trouble, Seen]:
    """Make all calls, with pauses that are not random."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("random.uniform", lambda least, most: (least + most) / 2)
        return {trouble: measured(shared_books, trouble) for trouble in CASES}


def measured(server: Server, trouble: Trouble) -> Seen:
    """Make a call, and count what it sent and started."""
    place = Place(server, trouble.colour)
    place.tidy()
    try:
        result = asyncio.run(awaited(place, trouble)) if trouble.colour == "asyncio" else called(place, trouble)
        asked = len(place.line.plan.asked)
        gc.collect()
        started = place.started()
        for each in started:
            if each.model != "me/endless":  # a prediction that was left may need a moment more
                wait_for_end(each)
        ends = [ENDS[each.status] for each in started if each.status in ENDS]
        for each in started:
            each.cancel()
        return Seen(result, asked, f"{len(started)}{', ' + ends[0] if ends else ''}")
    finally:
        if trouble.colour == "blocking":
            drive(place.close())


def called(place: Place, trouble: Trouble) -> str:
    try:
        return told(trouble.call(place))
    except (ReplicateException, KeyboardInterrupt) as error:
        return f"`{type(error).__name__}`"


async def awaited(place: Place, trouble: Trouble) -> str:
    try:
        return told(await trouble.call(place))
    except asyncio.CancelledError as error:
        return f"`{type(error).__name__}`"
    finally:
        await place.close()


def told(result: object) -> str:
    return "" if result is None else "the result"


def test_the_page_is_current(seen: dict[Trouble, Seen]) -> None:
    """The table in docs/reliability.md matches the outcomes of the calls."""
    if not PAGE.parent.is_dir():
        pytest.skip("the documents stay behind when the installed wheel is tested")
    prose, _, _ = PAGE.read_text("utf-8").partition(MARK)
    text = prose + MARK + INTRODUCTION
    for section, troubles in SECTIONS.items():
        text += f"\n### {section}\n\n{COLUMNS}" + "".join(row(each, seen[each]) for each in troubles)
    if os.environ.get("WRITE_RELIABILITY"):
        PAGE.write_text(text, "utf-8")
    assert PAGE.read_text("utf-8") == text, "write it anew with WRITE_RELIABILITY=1"


def row(trouble: Trouble, seen: Seen) -> str:
    """Return a row of the table."""
    return f"| {trouble.name} | {trouble.does} | {seen.result} | {seen.requests} | {seen.predictions} |\n"


@pytest.mark.skipif(not PAGE.parent.is_dir(), reason="the documents stay behind when the installed wheel is tested")
@pytest.mark.parametrize("faults", LINES, ids=str)
def test_the_loops_of_the_page_pay_once(
    place: Place, faults: list[chaos.Fault], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's examples start one prediction at most, with every fault, and return its result."""
    monkeypatch.setitem(vars(replicate), "default_client", place.client)
    monkeypatch.setattr("time.sleep", lambda _: None)
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    loops = [block for block in blocks if "for attempt in" in block]
    assert len(loops) == 2
    for block in loops:
        place.server.predictions.forget(OFFICIAL)
        place.line.follow(faults, "*" if "run(" in block else LOOKS)
        exec(compile(block, PAGE.name, "exec"), names)
        assert len([run for run in place.server.predictions if run.model == "owner/model"]) == 1
    assert (names["output"], names["prediction"].output) == ("a boat", "a boat")


def test_nothing_is_started_twice(seen: dict[Trouble, Seen]) -> None:
    """No call in the table has started two predictions."""
    assert {each.predictions[0] for each in seen.values()} == {"0", "1"}


@pytest.mark.parametrize(("limit", "seconds"), [*zip(LIMITS, (2, 30, 3, 5), strict=True)], ids=str)
def test_a_rate_limit_sets_the_pause(place: Place, limit: object, seconds: float) -> None:
    """In whatever form a 429 says how long to wait, that is the pause before the next attempt."""
    starting(limit)(place)  # type: ignore[arg-type]
    [pause] = place.clock.sleeps
    assert seconds - 2 <= pause <= seconds + 0.5  # a date has whole seconds
