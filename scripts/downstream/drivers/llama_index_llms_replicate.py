"""llama-index-llms-replicate: its LLM `Replicate`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from driving import BROKEN, LLAMA, LLAVA, VICUNA, drive, equal, thing
from llama_index.core.llms import ChatMessage
from llama_index.llms.replicate import Replicate


@thing("complete, official model")
def complete() -> None:
    equal(str(Replicate(model=LLAMA).complete("hello there")), "You said: hello there")


@thing("complete, by version")
def by_version() -> None:
    llm = Replicate(model=VICUNA, temperature=0.5, additional_kwargs={"top_p": 0.5})
    equal(llm.complete("hello there").text, "You said: hello there")


@thing("stream_complete")
def stream_complete() -> None:
    answers = list(Replicate(model=LLAMA).stream_complete("hello there"))
    equal("".join(answer.delta for answer in answers), "You said: hello there")
    equal(answers[-1].text, "You said: hello there")
    assert len(answers) > 1


@thing("chat")
def chat() -> None:
    answer = Replicate(model=LLAMA).chat([ChatMessage(role="user", content="hello")])
    equal(answer.message.content, "You said: user: hello assistant:")


@thing("stream_chat")
def stream_chat() -> None:
    answers = list(Replicate(model=LLAMA).stream_chat([ChatMessage(role="user", content="hello")]))
    equal(answers[-1].message.content, "You said: user: hello assistant:")
    equal("".join(answer.delta for answer in answers), "You said: user: hello assistant:")


@thing("acomplete")
async def acomplete() -> None:
    equal((await Replicate(model=LLAMA).acomplete("hello there")).text, "You said: hello there")


@thing("astream_complete")
async def astream_complete() -> None:
    answers = [answer async for answer in await Replicate(model=LLAMA).astream_complete("hello there")]
    equal(answers[-1].text, "You said: hello there")


@thing("achat")
async def achat() -> None:
    answer = await Replicate(model=LLAMA).achat([ChatMessage(role="user", content="hello")])
    equal(answer.message.content, "You said: user: hello assistant:")


@thing("image from an open file")
def image() -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "cat.png")
        path.write_bytes(b"12345")
        equal(Replicate(model=LLAVA, image=str(path)).complete("size").text, "size: 5 bytes")


@thing("failed prediction")
def failed() -> None:
    try:
        Replicate(model=BROKEN).complete("it")
    except Exception as error:  # noqa: BLE001 - an error of the stream, whose class differs between clients
        assert "cannot do it" in str(error), repr(error)
    else:
        raise AssertionError("no error")


if __name__ == "__main__":
    drive()
