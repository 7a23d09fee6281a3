"""The main features on one page: text, streamed text, a picture in and a picture out; blocking and async.

Run it with `scripts/demo.sh`: it starts a local server with three small models, and needs neither network nor token.
With `--live owner/model NAME=VALUE …` it runs that model on replicate.com instead.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import replicate
from replicate.local import server
from replicate.local.demo import MODELS

PICTURE = Path(__file__).with_name("lake.jpg")
STORY = """
Nobody had sailed on the lake for a year. On the last evening of summer a small boat with a red sail put out from the
southern shore. The boat had no motor, and the wind on the lake was hardly a wind. Stars came out. Whoever stood on the
shore that evening saw the sail on the lake turn from red to black against the sun. Nobody saw the boat come back.
"""


def text() -> None:
    """Run a model: as a function, or by its name."""
    hello = replicate.use("demo/hello")
    show('use("demo/hello")(name="Ada")', hello(name="Ada"))

    greeting = replicate.run("demo/hello", input={"name": "Grace", "language": "français"})
    show('run("demo/hello", input={"name": "Grace", "language": "français"})', greeting)


def stream() -> None:
    """Print a text while the model makes it."""
    summary = replicate.use("demo/summary", streaming=True)
    print('\nuse("demo/summary", streaming=True)(prompt=…, sentences=2)\n ', end="")
    for piece in summary(prompt=STORY, sentences=2):
        print(f"|{piece}", end="", flush=True)
    print()


async def several_at_once() -> None:
    """Run models concurrently, without threads."""
    hello = replicate.use("demo/hello", use_async=True)
    greetings = await asyncio.gather(*(hello(name="Ada", language=each) for each in ("deutsch", "español", "日本語")))
    show('await asyncio.gather(*(use("demo/hello", use_async=True)(language=…) …))', ", ".join(greetings))

    async with replicate.AsyncReplicate() as client:
        summary = await client.run("demo/summary", input={"prompt": STORY, "sentences": 1})
        show('await AsyncReplicate().run("demo/summary", input={"prompt": …})', summary)


def picture(folder: Path) -> None:
    """Send a picture, save the result, and print the paths of both."""
    poster = replicate.use("demo/poster")
    result = poster(image=PICTURE, colors=5)
    show(f'use("demo/poster")(image=Path("{PICTURE.name}"), colors=5)', result.url)

    saved = result.save(folder / "poster.png")
    print(f"\nThe picture went in as  {PICTURE}\nand came back as        {saved}")


def live(model: str, inputs: dict[str, Any], folder: Path) -> None:
    """Run a model on replicate.com, and save the files that it makes."""
    output = replicate.run(model, input=inputs)
    for item in output if isinstance(output, (list, Iterator)) else [output]:
        if isinstance(item, replicate.FileOutput):
            show(item.url, f"saved as {item.save(folder)}")
        else:
            print(item, end="", flush=True)
    print()


def show(call: str, result: object) -> None:
    """Print a call and its result."""
    print(f"\n{call}\n  {result}")


def value(argument: str) -> tuple[str, Any]:
    """Read NAME=VALUE, where the value is JSON, or plain text, or @FILE."""
    name, equals, given = argument.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{argument!r} is not of the form NAME=VALUE")
    if given.startswith("@"):
        return name, Path(given[1:])
    try:
        return name, json.loads(given)
    except ValueError:
        return name, given


def main() -> None:
    """Show the tour, or run one model on replicate.com."""
    parser = argparse.ArgumentParser(prog="demo.sh", description=__doc__)
    parser.add_argument("--live", metavar="OWNER/MODEL", help="run this model on replicate.com, at its price")
    parser.add_argument("--output", type=Path, default=Path("demo-output"), help="where files go (demo-output)")
    parser.add_argument("inputs", nargs="*", type=value, metavar="NAME=VALUE", help="inputs of the live model")
    options = parser.parse_args()
    folder = options.output.resolve()
    folder.mkdir(parents=True, exist_ok=True)

    if options.live:
        if not os.environ.get("REPLICATE_API_TOKEN"):
            sys.exit(
                "demo.sh: --live runs a model on replicate.com, which takes your API token: make one at "
                "https://replicate.com/account/api-tokens and set REPLICATE_API_TOKEN"
            )
        live(options.live, dict(options.inputs) or {"prompt": "a small boat with a red sail on a quiet lake"}, folder)
        return

    with server(MODELS) as local:
        print(f"A local server runs {', '.join(MODELS)} on {local.base_url}")
        # From here on, everything is the same as with replicate.com.
        os.environ.update(REPLICATE_BASE_URL=local.base_url, REPLICATE_API_TOKEN=local.token)
        text()
        stream()
        asyncio.run(several_at_once())
        picture(folder)


if __name__ == "__main__":
    main()
