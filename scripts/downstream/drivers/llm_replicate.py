"""llm-replicate: the models that it registers with `llm`, from the list in `models.json`."""

from __future__ import annotations

import json

import llm
from click.testing import CliRunner
from driving import LLAMA_2, VICUNA, drive, equal, thing
from llm.cli import cli

FOLDER = llm.user_dir() / "replicate"
FOLDER.mkdir(parents=True, exist_ok=True)
(FOLDER / "models.json").write_text(
    json.dumps(
        [
            {"model": model, "version": version, "aliases": [alias], "chat": alias == "llama"}
            for alias, (model, version) in {"vicuna": VICUNA.split(":"), "llama": LLAMA_2.split(":")}.items()
        ]
    )
)


@thing("prompt")
def prompt() -> None:
    equal(llm.get_model("vicuna").prompt("hello there").text(), "You said: hello there")


@thing("prompt, streamed")
def streamed() -> None:
    equal(list(llm.get_model("vicuna").prompt("hello there", stream=True)), ["You said:", " hello", " there"])


@thing("conversation")
def conversation() -> None:
    made = llm.get_model("llama").conversation()
    equal(made.prompt("one").text(), "You said: User: one Assistant:")
    again = "You said: User: one Assistant: You said: User: one Assistant: User: two Assistant:"
    equal(made.prompt("two").text(), again)


@thing("command line")
def command() -> None:
    done = CliRunner().invoke(cli, ["-m", "llama", "hello there"], catch_exceptions=False)
    equal(done.output.strip(), "You said: User: hello there Assistant:")


@thing("command line, not streamed")
def unstreamed() -> None:
    done = CliRunner().invoke(cli, ["-m", "llama", "--no-stream", "hello there"], catch_exceptions=False)
    equal(done.output.strip(), "You said: User: hello there Assistant:")


if __name__ == "__main__":
    drive()
