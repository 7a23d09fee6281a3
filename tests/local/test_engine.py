"""Which functions can be models, and how they print and return."""

# ruff: noqa: T201 - what a model prints is its log

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, Optional

import attrs
import pytest


class Size(Enum):
    SMALL = "s"


@dataclass
class Point:
    x: int


@attrs.define
class Line:
    points: list[Point]


async def later(text: str) -> str:
    print("waiting")
    await asyncio.sleep(0)
    return text[::-1]


async def later_in_parts(text: str) -> AsyncIterator[str]:
    for letter in text:
        await asyncio.sleep(0)
        yield letter


def iterator() -> Iterator[int]:
    return iter([1, 2])


def echo(
    number: float = 0,
    whole: int = 0,
    size: Size = Size.SMALL,
    files: Optional[list[Path]] = None,  # noqa: UP045
    content: bytes = b"",
    pair: tuple[int, ...] = (),
) -> dict[str, str]:
    values = {"number": number, "whole": whole, "size": size, "content": content, "pair": pair}
    read = [file.read_text() for file in files or []]
    return {name: repr(value) for name, value in values.items()} | {"files": repr(read)}


class Pydantic:
    def model_dump(self) -> dict[str, Any]:
        return {"like": "pydantic"}


RESULTS: dict[str, Any] = {
    "dumped": [Pydantic()],
    "none": None,
    "record": Line([Point(1)]),
    "mixed": {"size": Size.SMALL, "day": date(2025, 1, 2), "pair": (1, 2.5), 3: True},
}
MISTAKES: dict[str, tuple[Any, str]] = {
    "object": (object(), "the model returned object, which is not JSON"),
    "infinite": ([float("inf")], "the model returned inf, which JSON cannot say"),
    "missing": (Path("/no/such/file.png"), "No such file"),
}


def give(what: str) -> Any:
    return RESULTS[what] if what in RESULTS else MISTAKES[what][0]


def leave() -> None:
    sys.exit("enough")


def noisy(name: str) -> str:
    print(f"{name} out")
    print(f"{name} err", file=sys.stderr)
    worker = threading.Thread(target=print, args=("not a model's own thread",))
    worker.start()
    worker.join()
    sys.stderr.write("50%\r")
    sys.stderr.flush()
    sys.stdout.write("unfinished")
    return name


MODELS = {f"me/{each.__name__}": each for each in (later, later_in_parts, iterator, echo, give, leave, noisy)}


def test_a_coroutine_function_is_a_model(api: Any) -> None:
    """An asynchronous function is awaited, and its prints become logs."""
    prediction = api.run("me/later", {"text": "abc"})
    assert (prediction["output"], prediction["logs"]) == ("cba", "waiting\n")


def test_an_asynchronous_generator_is_a_model(api: Any) -> None:
    """Each item of an asynchronous generator is an item of the output."""
    prediction = api.run("me/later_in_parts", {"text": "abc"})
    assert (prediction["status"], prediction["output"]) == ("succeeded", ["a", "b", "c"])
    assert api.run("me/later_in_parts", {"text": ""})["output"] == []


def test_any_iterator_is_an_output(api: Any) -> None:
    """A function that returns an iterator counts as a generator."""
    assert api.run("me/iterator")["output"] == [1, 2]


def test_canceling_stops_a_busy_asynchronous_generator(serving: Any) -> None:
    """An asynchronous generator that does not notice its cancellation is closed at its next item."""
    started, go, closed = threading.Event(), threading.Event(), threading.Event()

    async def stubborn() -> AsyncIterator[str]:
        try:
            started.set()
            go.wait(20)
            yield "too late"
            raise AssertionError("asked for more")
        finally:
            closed.set()

    with serving({"me/stubborn": stubborn}) as api:
        created = api.create("me/stubborn").json()
        assert started.wait(10)
        api.post(created["urls"]["cancel"])
        go.set()
        assert closed.wait(10)
        assert api.get(created["urls"]["get"]).json()["output"] is None


def test_canceling_cancels_a_coroutine(serving: Any) -> None:
    """An asynchronous model is canceled at its `await`."""
    started, canceled = threading.Event(), threading.Event()

    async def endless() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            canceled.set()
            raise

    async def endless_parts() -> AsyncIterator[str]:
        yield "one"
        await endless()

    with serving({"me/endless": endless, "me/parts": endless_parts}) as api:
        for model in ("me/endless", "me/parts"):
            created = api.create(model).json()
            assert started.wait(10)
            assert api.post(created["urls"]["cancel"]).json()["status"] == "canceled"
            assert canceled.wait(10)
            started.clear()
            canceled.clear()


def test_inputs_have_the_types_of_the_annotations(api: Any) -> None:
    """JSON is converted to the annotated types: floats, integers, enumerations, files, tuples."""
    given = {
        "number": 3,
        "whole": 2.0,
        "size": "s",
        "files": ["data:text/plain,one", "data:;base64,dHdv"],
        "content": "data:,three",
        "pair": [1, 2],
    }
    assert api.run("me/echo", given)["output"] == {
        "number": "3.0",
        "whole": "2",
        "size": "<Size.SMALL: 's'>",
        "files": "['one', 'two']",
        "content": "b'three'",
        "pair": "(1, 2)",
    }
    assert api.run("me/echo", {"files": None})["output"]["files"] == "[]"


@pytest.mark.parametrize(
    ("what", "output"),
    [
        ("none", None),
        ("dumped", [{"like": "pydantic"}]),
        ("record", {"points": [{"x": 1}]}),
        ("mixed", {"size": "s", "day": "2025-01-02", "pair": [1, 2.5], "3": True}),
    ],
)
def test_results_become_json(api: Any, what: str, output: Any) -> None:
    """Records, enumerations, dates and collections are returned as JSON."""
    prediction = api.run("me/give", {"what": what})
    assert (prediction["status"], prediction["output"]) == ("succeeded", output)


@pytest.mark.parametrize("what", MISTAKES)
def test_a_result_that_is_not_json_fails(api: Any, what: str) -> None:
    """The prediction fails with an error that names the problem."""
    prediction = api.run("me/give", {"what": what})
    assert prediction["status"] == "failed"
    assert MISTAKES[what][1] in prediction["error"]


def test_a_model_that_exits_fails(api: Any) -> None:
    """`sys.exit` in a model fails its prediction and does not stop the server."""
    prediction = api.run("me/leave")
    assert (prediction["status"], prediction["error"]) == ("failed", "enough")


def test_prints_are_logs_of_their_own_prediction(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output and error of a model go to its logs only, including an unfinished last line."""
    predictions = [api.create("me/noisy", {"name": name}).json() for name in ("first", "second")]
    for name, created in zip(("first", "second"), predictions, strict=True):
        api.events(created)
        logs = api.get(created["urls"]["get"]).json()["logs"]
        assert logs.replace("\r", "\n").split("\n") == [f"{name} out", f"{name} err", "50%", "unfinished"]
    printed = capsys.readouterr()
    assert printed.out == "not a model's own thread\n" * 2
    assert printed.err == ""


def test_printing_is_unchanged_when_no_model_runs(api: Any) -> None:
    """The standard streams are the original ones again after the last model has ended."""
    before = sys.stdout, sys.stderr
    api.run("me/noisy", {"name": "x"})
    assert (sys.stdout, sys.stderr) == before


def test_the_number_of_workers_is_bounded(serving: Any) -> None:
    """With two workers, a third prediction stays `starting` until one of the two ends."""
    running, go = threading.Semaphore(0), threading.Event()

    def held() -> None:
        running.release()
        go.wait(20)

    with serving({"me/held": held}, workers=2) as api:
        created = [api.create("me/held").json() for _ in range(3)]
        assert running.acquire(timeout=10)
        assert running.acquire(timeout=10)
        states = [api.get(each["urls"]["get"]).json()["status"] for each in created]
        assert states == ["processing", "processing", "starting"]
        go.set()
        assert all(api.events(each)[-1][0] == "done" for each in created)


def test_printing_beside_a_running_model_is_safe() -> None:
    """A thread that prints while models start and end loses no output, and the process survives."""
    program = (
        "import sys, threading\n"
        "from replicate.local.printing import captured\n"
        "sys.setswitchinterval(1e-6)\n"
        "def models():\n"
        "    for _ in range(2000):\n"
        "        with captured(lambda text: None): pass\n"
        "thread = threading.Thread(target=models)\n"
        "thread.start()\n"
        "while thread.is_alive(): print('x', 'y')\n"
        "print('end')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.endswith("x y\nend\n")
