"""Code for all drivers: it runs the functions of a driver, and writes a line of JSON for each to OUTCOME."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

LLAMA = "meta/meta-llama-3-8b-instruct"
VICUNA = "replicate/vicuna-13b:6282abe6a492de4145d7bb601023762212f9ddbbe78278bd6771c8b3b2f2a13b"
LLAMA_2 = "meta/llama-2-13b-chat:f4e2de70d66816a838a89eeeb621910adffb0dd0baba3976c96980970978018d"
FUYU = "lucataco/fuyu-8b:42f23bc876570a46f5a90737086fbc4c3f79dd11753a28eaa39544dd391815e9"
LLAVA = "yorickvp/llava-13b:e272157381e2a3bf12df3a8edd1f38d1dbd736bbb7437277c8b34175f8fce358"
DIFFUSION = "stability-ai/stable-diffusion:27b93a2413e7f36cd83da926f3656280b2931564ff050bf9575f1fdf9bcd7478"
FLUX = "black-forest-labs/flux-schnell"
VIDEO = "minimax/video-01"
DEFORUM = "deforum/deforum_stable_diffusion"
BROKEN = "local/broken"
PNG = b"\x89PNG\r\n\x1a\n"

_things: list[tuple[str, Callable[[], Any]]] = []


def thing(what: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Register a function, sync or async, that uses a package and asserts the result, under a name."""

    def named(function: Callable[[], Any]) -> Callable[[], Any]:
        _things.append((what, function))
        return function

    return named


def said(what: str, error: BaseException | str | None = None) -> None:
    """Write the outcome of one function."""
    lines = (error if isinstance(error, str) else _described(error)).strip().splitlines() if error else []
    with Path(os.environ["OUTCOME"]).open("a", encoding="utf-8") as outcome:
        outcome.write(json.dumps({"what": what, "ok": not lines, "error": " ".join(lines)}) + "\n")


def equal(value: Any, expected: Any) -> None:
    """Raise AssertionError, with both values, unless they are equal."""
    if value != expected:
        raise AssertionError(f"{value!r} is not {expected!r}")


def download(url: str) -> bytes:
    """Return the content of a URL of the server."""
    import httpx

    return httpx.get(url).raise_for_status().content


def drive() -> None:
    """Run all functions, even if some fail."""
    equal(version("replicate"), os.environ["DRIVEN_WITH"])
    with asyncio.Runner() as runner:  # one event loop for all: 1.0.7 stays with the first one that it uses
        for what, function in _things:
            error = None
            try:
                result = function()
                if inspect.iscoroutine(result):
                    runner.run(result)
            except Exception as raised:  # noqa: BLE001 - the table shows any error
                traceback.print_exc()
                error = raised
            said(what, error)


def _described(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}"
