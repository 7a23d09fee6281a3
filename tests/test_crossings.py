"""The thermometer of `benchmarks/crossings.py`: what a call passes through, counted."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not here: a wheel is tested")

MODULES = {
    "door": "from made_up.rooms import kitchen\ndef enter(): return sorted([2, 1], key=kitchen.cook)",
    "rooms/kitchen": """
        from made_up.cellar import shelf
        def cook(number): return sum(each for each in [number, *taken()])
        def taken(): return list(shelf.bottles())
    """,
    "cellar/shelf": "def bottles():\n    yield 1\n    yield 2",
}


@pytest.fixture
def crossings(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module("crossings")


def test_it_counts_files_functions_and_crossings(
    crossings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A generator is one function, and crosses whenever it is resumed; code of others is passed over."""
    package = tmp_path / "made_up"
    for name, text in MODULES.items():
        path = package / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    door = import_module("made_up.door")
    assert sys.getprofile() is None

    visit = crossings.visit(door.enter, package)

    # cook is called twice by sorted, each time from the door; each bottles() is resumed three times, from the kitchen.
    assert visit == (3, 5, 2 + 2 * 3)
    assert sys.getprofile() is None
    assert crossings.visit(lambda: sum(range(9)), package) == (0, 0, 0)


def test_it_reports_the_calls_of_the_client(crossings: Any) -> None:
    """Every call enters some files, with at least a function in each."""
    _, _, *rows = crossings.report(rounds=1).splitlines()
    assert len(rows) == 5
    for row in rows:
        files, functions, crossed = (int(cell) for cell in row.strip("| ").split(" | ")[1:])
        assert 0 < files <= functions
        assert crossed > 0
