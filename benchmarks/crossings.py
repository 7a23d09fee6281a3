"""How far apart the code lies that a warm call of this client passes through, seen by `sys.setprofile`.

For each call: the files of the package that it enters; the functions, a generator's counted once however often it is
resumed, comprehensions not at all; and the crossings. The package is divided into its top-level folders and modules. A
crossing is the call of a function, or the resumption of a generator or a coroutine, whose nearest caller within the
package lies in another of them. Each is crossed back by a return, which is not counted again, and code outside of the
package, such as httpx, is passed over. Other threads than the caller's are not seen.

The server is `replicate.local`, whose models answer at once. How a stream is cut into chunks varies: of each figure,
the least of several rounds is given.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator  # noqa: TC003 - the server reads the models' annotations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import replicate
from replicate.local import Model, server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

ROUNDS = 5
PACKAGE = Path(replicate.__file__).parent


class Visit(NamedTuple):
    """What a call passed through."""

    files: int
    functions: int
    crossings: int


def visit(call: Callable[[], object], package: Path = PACKAGE) -> Visit:
    """Make a call, and count what it passes through in a package."""
    places: dict[str, str | None] = {}
    functions: set[tuple[str, str, int]] = set()
    crossings = 0

    def place(frame: FrameType) -> str | None:
        """Name the top-level folder or module of the package that a frame runs code of, if it does."""
        name = frame.f_code.co_filename
        if name not in places:
            path = Path(name)
            places[name] = path.relative_to(package).parts[0] if path.is_relative_to(package) else None
        return places[name]

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal crossings
        if event != "call" or (entered := place(frame)) is None:
            return
        code = frame.f_code
        if not code.co_name.endswith("comp>"):
            functions.add((code.co_filename, code.co_qualname, code.co_firstlineno))
        caller = frame.f_back
        while caller is not None and place(caller) is None:
            caller = caller.f_back
        crossings += caller is not None and place(caller) != entered

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return Visit(len({file for file, _, _ in functions}), len(functions), crossings)


def shout(text: str) -> str:
    """Say it louder."""
    return text.upper()


def words(text: str) -> Iterator[str]:
    """Say it word by word."""
    yield from text.split()


def report(rounds: int = ROUNDS) -> str:
    """Count for each call; return a Markdown table."""
    models = {"bench/shout": Model(shout, official=True), "bench/words": Model(words, official=True)}
    with server(models=models) as srv, srv.client() as client:
        asked = {"text": "hello to you"}
        known = client.predictions.create("bench/shout", input=asked, wait=True).id
        use = client.use("bench/shout")
        calls: Mapping[str, Callable[[], object]] = {
            "`run()`, one request": lambda: client.run("bench/shout", input=asked),
            "`use()()`": lambda: use(**asked),
            "`stream()`, to its end": lambda: [*client.stream("bench/words", input=asked)],
            "`predictions.get()`": lambda: client.predictions.get(known).status,
            "`predictions.list()`": lambda: client.predictions.list().results[0].status,
        }
        lines = ["| | files | functions | crossings |", "| --- | ---: | ---: | ---: |"]
        for name, call in calls.items():
            call()  # loads what is loaded once
            least = [min(each) for each in zip(*(visit(call) for _ in range(rounds)), strict=True)]
            lines.append(f"| {name} | {' | '.join(map(str, least))} |")
    return "\n".join(lines)
