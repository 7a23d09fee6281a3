"""langchain-community: its LLM `Replicate`."""

from __future__ import annotations

from typing import Any

from driving import BROKEN, DIFFUSION, LLAMA, PNG, VICUNA, download, drive, equal, thing
from langchain_community.llms import Replicate
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import PromptTemplate

import replicate


@thing("invoke, official model")
def invoke() -> None:
    equal(Replicate(model=LLAMA).invoke("hello there"), "You said: hello there")


@thing("invoke, by version, with model_kwargs")
def by_version() -> None:
    llm = Replicate(model=VICUNA, model_kwargs={"temperature": 0.5, "max_length": 100})
    equal(llm.invoke("hello there"), "You said: hello there")
    equal(llm.prompt_key, "prompt")


@thing("stream")
def stream() -> None:
    equal(list(Replicate(model=LLAMA).stream("hello there")), ["You said:", " hello", " there"])


@thing("stream, by version")
def stream_by_version() -> None:
    equal(list(Replicate(model=VICUNA).stream("hello there")), ["You said:", " hello", " there"])


@thing("streaming=True, with callbacks")
def streaming() -> None:
    tokens: list[str] = []

    class Handler(BaseCallbackHandler):
        def on_llm_new_token(self, token: str, **_: Any) -> None:
            tokens.append(token)

    llm = Replicate(model=LLAMA, streaming=True, callbacks=[Handler()])
    equal(llm.invoke("hello there"), "You said: hello there")
    equal("".join(tokens), "You said: hello there")


@thing("stop sequence, which cancels")
def stop() -> None:
    equal("".join(Replicate(model=LLAMA).stream("one two three", stop=[" two"])), "You said: one")
    equal(Replicate(model=LLAMA, stop=[" two"]).invoke("one two three"), "You said: one")


@thing("ainvoke")
async def ainvoke() -> None:
    equal(await Replicate(model=LLAMA).ainvoke("hello there"), "You said: hello there")


@thing("astream")
async def astream() -> None:
    equal("".join([chunk async for chunk in Replicate(model=LLAMA).astream("hello there")]), "You said: hello there")


@thing("batch")
def batch() -> None:
    equal(Replicate(model=LLAMA).batch(["a", "b"]), ["You said: a", "You said: b"])


@thing("chain")
def chain() -> None:
    made = PromptTemplate.from_template("tell {it}") | Replicate(model=LLAMA) | StrOutputParser()
    equal(made.invoke({"it": "all"}), "You said: tell all")


@thing("image model")
def image() -> None:
    url = Replicate(model=DIFFUSION, model_kwargs={"num_outputs": 1}).invoke("a cat")
    equal(download(url)[:8], PNG)


@thing("failed prediction")
def failed() -> None:
    try:
        Replicate(model=BROKEN).invoke("it")
    except RuntimeError as error:
        equal(str(error), "cannot do it")
    else:
        raise AssertionError("no error")


@thing("unknown model")
def unknown() -> None:
    try:
        Replicate(model="local/nothing").invoke("it")
    except replicate.exceptions.ReplicateError as error:
        equal(error.status, 404)
    else:
        raise AssertionError("no error")


if __name__ == "__main__":
    drive()
