"""The soak test finds what it is there for, and a short one finds nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

SOAK = Path(__file__).parents[1] / "benchmarks" / "soak.py"

if not SOAK.exists():
    pytest.skip("the benchmarks are not here: a wheel is tested", allow_module_level=True)


def test_a_short_soak() -> None:
    """A round of threads and a round of tasks, with faults and Ctrl-C, leave nothing behind."""
    sizes = ["--minutes", "0", "--threads", "4", "--calls", "5", "--tasks", "60"]
    run = subprocess.run([sys.executable, str(SOAK), *sizes], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.splitlines()[-1] == "0 faults"
    assert "requests spoiled so far" in run.stdout


def note(outcome: str, **more: Any) -> dict[str, Any]:
    return {"text": "a", "kind": "run", "outcome": outcome, "id": None, "error": None, **more}


def job(run_id: str = "p1", *, finished: bool = True) -> Any:
    return SimpleNamespace(id=run_id, finished=finished, input={"text": "a"})


@pytest.mark.parametrize(
    ("notes", "started", "log", "fault"),
    [
        ([note("right")], [job()], "", None),
        ([note("carried", id="p1")], [job()], "", None),
        ([note("not started")], [], "", None),
        ([note("in doubt")], [job(finished=False)], "", None),
        ([note("interrupted")], [job(finished=False)], "p1 could not be canceled", None),
        ([note("interrupted")], [job(finished=False)], "", "interrupted, and p1 goes on without a warning"),
        ([note("right")], [job(), job("p2")], "", "started 2 times"),
        ([note("right")], [], "", "was never started"),
        ([note("wrong: b")], [job()], "", "wrong: b"),
        ([note("foreign", error="KeyError: 1")], [job()], "", "foreign KeyError: 1"),
        ([note("not started", error="NotFoundError: x")], [job()], "", "raised NotFoundError: x, and was started"),
        ([note("carried", id="p2")], [job()], "", "with another prediction, or none"),
        ([note("right"), note("right")], [job()], "", "a is noted 2 times"),
        ([], [job()], "", "a has no note"),
    ],
)
def test_what_the_books_show(notes: list[Any], started: list[Any], log: str, fault: str | None) -> None:
    """A call that pays twice, loses something, or leaves something running is a fault."""
    spec = spec_from_file_location("soak", SOAK)
    assert spec is not None
    assert spec.loader is not None
    soak: Any = module_from_spec(spec)
    spec.loader.exec_module(soak)
    found = [*soak.Round(notes, started, log).faults()]
    assert len(found) == (fault is not None)
    assert fault is None or fault in found[0]
