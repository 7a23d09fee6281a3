"""llm-replicate: the models that it registers with `llm`, whose list lies in `models.json`."""

from __future__ import annotations

import json

import llm
from click.testing import CliRunner
from driving import VICUNA, drive, equal, thing
from llm.cli import cli

NAME, _, VERSION = VICUNA.partition(":")
FOLDER = llm.user_dir() / "replicate"
FOLDER.mkdir(parents=True, exist_ok=True)
(FOLDER / "models.json").write_text(
    json.dumps(
        [
            {"model": NAME, "model_id": "vicuna", "version": VERSION, "aliases": ["vicuna"]},
            {"model": "chat/vicuna-13b", "model_id": "chat", "version": VERSION, "aliases": ["chat"], "chat": True},
        ]
    )
)


@thing("prompt")
def prompt() -> None:
    equal(llm.get_model("vicuna").prompt("hello there").text(), "You said: hello there")


@thing("prompt, streamed")
def streamed() -> None:
    equal(list(llm.get_model("vicuna").prompt("hello there", stream=True)), ["You said:", " hello", " there"])


@thing("command line")
def command() -> None:
    done = CliRunner().invoke(cli, ["-m", "replicate-vicuna-13b", "hello there"], catch_exceptions=False)
    equal(done.output.strip(), "You said: hello there")


@thing("command line, not streamed")
def unstreamed() -> None:
    done = CliRunner().invoke(cli, ["-m", "vicuna", "--no-stream", "hello there"], catch_exceptions=False)
    equal(done.output.strip(), "You said: hello there")


if __name__ == "__main__":
    drive()
