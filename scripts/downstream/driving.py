"""What all drivers use: it runs what a driver does with its package, and writes one line of JSON for each thing to the file OUTCOME."""

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
FUYU = "lucataco/fuyu-8b:42f23bc876570a46f5a90737086fbc4c3f79dd11753a28eaa39544dd391815e9"
LLAVA = "yorickvp/llava-13b:e272157381e2a3bf12df3a8edd1f38d1dbd736bbb7437277c8b34175f8fce358"
DIFFUSION = "stability-ai/stable-diffusion:27b93a2413e7f36cd83da926f3656280b2931564ff050bf9575f1fdf9bcd7478"
FLUX = "black-forest-labs/flux-schnell"
VIDEO = "minimax/video-01"
BROKEN = "local/broken"
PNG = b"\x89PNG\r\n\x1a\n"

_things: list[tuple[str, Callable[[], Any]]] = []


def thing(what: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Name a function that does something with a package and asserts its result; it may be asynchronous."""

    def named(function: Callable[[], Any]) -> Callable[[], Any]:
        _things.append((what, function))
        return function

    return named


def said(what: str, error: BaseException | str | None = None) -> None:
    """Say how something went."""
    lines = (error if isinstance(error, str) else _described(error)).strip().splitlines() if error else []
    with Path(os.environ["OUTCOME"]).open("a", encoding="utf-8") as outcome:
        outcome.write(json.dumps({"what": what, "ok": not lines, "error": " ".join(lines)}) + "\n")


def equal(value: Any, expected: Any) -> None:
    """Raise AssertionError, with both values, unless they are equal."""
    if not value == expected:  # noqa: SIM201 - what a package gives may define only one of the two
        raise AssertionError(f"{value!r} is not {expected!r}")


def download(url: str) -> bytes:
    """Return what is at an address of the server."""
    import httpx

    return httpx.get(url).raise_for_status().content


def drive() -> None:
    """Do all things, whatever becomes of the others."""
    equal(version("replicate"), os.environ["DRIVEN_WITH"])
    for what, function in _things:
        error = None
        try:
            result = function()
            if inspect.isawaitable(result):
                asyncio.run(_awaited(result))
        except Exception as raised:  # noqa: BLE001 - whatever it is, it is what the table shows
            traceback.print_exc()
            error = raised
        said(what, error)


async def _awaited(result: Any) -> Any:
    return await result


def _described(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}"
