"""Iterators count as generators, as in version 1, since instrumentation and frameworks check for that."""

from __future__ import annotations

import asyncio
import inspect
from types import AsyncGeneratorType, GeneratorType
from typing import Any

import httpx
import pytest
from support.colours import collect, got, scripted

from replicate import OutputIterator, RunError
from replicate.resources.predictions import EventStream

VERSION = "o/n:" + "0" * 64
SCHEMA = {"components": {"schemas": {"Output": {"type": "array", "items": {}, "x-cog-array-type": "iterator"}}}}


def api(request: httpx.Request) -> httpx.Response:
    """Respond with a prediction of two words, and with a version that yields them one by one."""
    if "/versions/" in request.url.path:
        return httpx.Response(200, json={"id": "0" * 64, "openapi_schema": SCHEMA})
    return httpx.Response(200, json={"id": "p1", "status": "succeeded", "output": ["a", "b"], "input": {}, "urls": {}})


async def iterator(client: Any, way: str) -> Any:
    return client.stream(VERSION, input={}) if way == "stream" else await got(client.run(VERSION, input={}))


@pytest.mark.parametrize("way", ["stream", "run"])
async def test_iterators_are_generators(colour: str, way: str) -> None:
    """Iterators are generators of their client's colour, and also instances of their own class."""
    client = scripted(colour, api)
    made = await iterator(client, way)
    blocking = colour == "blocking"
    assert isinstance(made, GeneratorType if blocking else AsyncGeneratorType)
    assert not isinstance(made, AsyncGeneratorType if blocking else GeneratorType)
    assert isinstance(made, EventStream if way == "stream" else OutputIterator)
    assert (inspect.isgenerator(made), inspect.isasyncgen(made)) == (blocking, not blocking)
    assert inspect.isawaitable(made) is not blocking
    if blocking and way == "stream":
        assert inspect.getgeneratorstate(made) == inspect.GEN_CREATED
    assert [str(item) for item in await collect(made)][:2] == ["a", "b"]


@pytest.mark.parametrize("way", ["stream", "run"])
def test_blocking_ones_are_driven_as_generators(way: str) -> None:
    """`yield from`, `send(None)` and `throw` work on blocking iterators."""
    client = scripted("blocking", api)

    def started() -> Any:
        return client.stream(VERSION, input={}) if way == "stream" else client.run(VERSION, input={})

    def passed_on() -> Any:
        yield from started()

    assert [str(item) for item in passed_on()][:2] == ["a", "b"]
    made = started()
    assert str(made.send(None)) == "a"
    with pytest.raises(TypeError, match="nothing can be sent"):
        made.send("b")
    with pytest.raises(KeyError):
        made.throw(KeyError("c"))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = made.nonsense


@pytest.mark.parametrize("way", ["stream", "run"])
def test_asynchronous_ones_are_driven_as_generators(way: str) -> None:
    """`asend(None)` and `athrow` work on asynchronous iterators."""

    async def main() -> None:
        client = scripted("asyncio", api)
        made: Any = client.stream(VERSION, input={}) if way == "stream" else await client.run(VERSION, input={})
        assert str(await made.asend(None)) == "a"
        with pytest.raises(TypeError, match="nothing can be sent"):
            await made.asend("b")
        with pytest.raises(KeyError):
            await made.athrow(KeyError("c"))
        with pytest.raises(RunError, match="left before its end"):
            await anext(made)

    asyncio.run(main())


def test_the_first_argument_of_a_model_error_is_its_text() -> None:
    """`error.args[0]` is the model's error, as in version 1."""
    failed = {"id": "p1", "status": "failed", "error": "out of memory", "input": {}, "urls": {}}
    client = scripted("blocking", lambda _: httpx.Response(200, json=failed))
    with pytest.raises(Exception, match="out of memory") as caught:
        client.run("o/n", input={})
    assert caught.value.args == ("out of memory",)
