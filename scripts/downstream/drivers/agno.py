"""agno: its `ReplicateTools`."""

from __future__ import annotations

import os

from agno.agent import Agent
from agno.tools.replicate import ReplicateTools
from driving import BROKEN, FLUX, LLAMA, PNG, VIDEO, download, drive, equal, thing

AGENT = Agent(telemetry=False)
os.environ["REPLICATE_API_KEY"] = os.environ["REPLICATE_API_TOKEN"]  # agno only checks its value


@thing("generate_media, images")
def images() -> None:
    result = ReplicateTools(model=FLUX).generate_media(AGENT, "a cat")
    equal(len(result.images or []), 2)
    equal([download(image.url)[:8] for image in result.images], [PNG, PNG])
    assert "Image generated successfully at https:" in result.content, result.content


@thing("generate_media, video")
def video() -> None:
    result = ReplicateTools(model=VIDEO).generate_media(AGENT, "a cat")
    equal([download(video.url) for video in result.videos or []], [b"a cat"])


@thing("generate_media, called as a tool")
def tool() -> None:
    tools = ReplicateTools(model=VIDEO)
    result = tools.functions["generate_media"].entrypoint(agent=AGENT, prompt="a cat")
    equal([download(video.url) for video in result.videos or []], [b"a cat"])


@thing("generate_media, model of text")
def text() -> None:
    result = ReplicateTools(model=LLAMA).generate_media(AGENT, "a cat")
    equal(result.content, "Unexpected output type: <class 'str'>")


@thing("generate_media, failed prediction")
def failed() -> None:
    equal(ReplicateTools(model=BROKEN).generate_media(AGENT, "it").content, "Error: cannot do it")


if __name__ == "__main__":
    drive()
