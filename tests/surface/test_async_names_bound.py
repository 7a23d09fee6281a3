"""Predictions from version 1's `async_*` methods, also from errors, iterators and callbacks, have both colours."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

import replicate
from replicate import Client, ModelError, PredictionTimeout, RunError, StreamError

VERSION = "o/n:" + "0" * 64
SCHEMA = {"components": {"schemas": {"Output": {"type": "array", "items": {}, "x-cog-array-type": "iterator"}}}}
STREAM = "https://api.replicate.com/v1/stream"


class Api:
    """Responds to a create with `started`, to a GET with `later`, and changes both on a cancel."""

    def __init__(self) -> None:
        self.started: dict[str, Any] = {"status": "processing", "output": ["a"]}
        self.later: dict[str, Any] = {"status": "processing", "output": ["a"]}
        self.events = "event: output\ndata: a\nid: 1\n\n"
        self.requests: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v1")
        self.requests.append(f"{request.method} {path}")
        known = {"id": "p1", "input": {}, "urls": {"stream": STREAM}}
        if "/versions/" in path:
            return httpx.Response(200, json={"id": "0" * 64, "openapi_schema": SCHEMA})
        if path == "/stream":
            return httpx.Response(200, text=self.events, headers={"Content-Type": "text/event-stream"})
        if path.endswith("/cancel"):
            self.later = {"status": "canceled"}
            self.events = 'event: done\ndata: {"reason": "canceled"}\nid: 2\n\n'
            return httpx.Response(200, json={**known, **self.later})
        if request.method == "POST":
            known["input"] = json.loads(request.content)["input"]
            return httpx.Response(201, json={**known, **self.started})
        return httpx.Response(200, json={**known, **self.later})


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def client(api: Api) -> Any:
    with Client("r8_test", transport=httpx.MockTransport(api), poll_interval=0.001) as made:
        yield made


async def check_both(prediction: Any, status: str) -> None:
    """Assert that a prediction can be reloaded both by blocking and by awaiting."""
    assert prediction.reload() is prediction
    assert prediction.status == status
    prediction.status = "changed"
    assert await prediction.async_reload() is prediction
    assert prediction.status == status


@pytest.mark.parametrize("module", [False, True])
def test_the_prediction_of_a_model_error(client: Client, api: Api, monkeypatch: Any, *, module: bool) -> None:
    """`error.prediction` of `async_run` has a blocking `reload`, and so has that of an iterator's error."""
    api.started = api.later = {"status": "failed", "error": "no"}
    monkeypatch.setattr(replicate, "default_client", client)
    owner: Any = replicate if module else client

    async def main() -> None:
        with pytest.raises(ModelError) as caught:
            await owner.async_run("o/n", input={})
        await check_both(caught.value.prediction, "failed")
        prediction: Any = await owner.predictions.async_create(VERSION, {})
        with pytest.raises(ModelError) as caught:
            assert [item async for item in prediction.async_output_iterator()] == []
        await check_both(caught.value.prediction, "failed")

    asyncio.run(main())


def test_the_prediction_of_a_timeout(client: Client, api: Api) -> None:
    """`error.prediction` of `predictions.async_wait` and of `async_run` has both colours."""
    anything: Any = client

    async def main() -> None:
        with pytest.raises(PredictionTimeout) as caught:
            await anything.predictions.async_wait("p1", timeout=0.01)
        await check_both(caught.value.prediction, "processing")
        with pytest.raises(PredictionTimeout) as caught:
            await anything.async_run("o/n", input={}, timeout=0.01)
        await check_both(caught.value.prediction, "canceled")
        assert isinstance(caught.value.__cause__, PredictionTimeout | None)

    asyncio.run(main())


def test_the_prediction_of_a_stream_error(client: Client, api: Api) -> None:
    """The prediction of a StreamError has both colours, also when the error is raised again."""
    api.events = "event: error\ndata: no\nid: 1\n\nevent: done\ndata: {}\nid: 2\n\n"
    api.later = {"status": "failed", "error": "no"}
    anything: Any = client

    async def main() -> None:
        prediction = await anything.predictions.async_create(VERSION, {})
        for events in (await anything.async_stream("o/n", input={}), prediction.async_stream()):
            for _ in range(2):
                with pytest.raises(StreamError) as caught:
                    _ = [event async for event in events]
                await check_both(caught.value.prediction, "failed")

    asyncio.run(main())


@pytest.mark.parametrize("way", ["run", "stream", "stream use_async"])
def test_the_prediction_of_an_iterator(client: Client, api: Api, way: str) -> None:
    """`iterator.prediction.cancel()` blocks, as on a blocking client; the iterator does not cancel again."""
    anything: Any = client

    async def main() -> None:
        if way == "run":
            iterator = await anything.async_run(VERSION, input={})
        elif way == "stream":
            iterator = await anything.async_stream(VERSION, input={})
        else:
            iterator = await anything.stream(VERSION, input={}, use_async=True)
        prediction = iterator.prediction
        assert iterator.prediction is prediction
        await check_both(prediction, "processing")
        assert str(await anext(iterator)) == "a"
        assert prediction.cancel().status == iterator.prediction.status == "canceled"
        await iterator.aclose()
        assert api.requests.count("POST /predictions/p1/cancel") == 1
        await check_both(prediction, "canceled")

    asyncio.run(main())


def test_the_prediction_of_an_iterator_is_updated(client: Client, api: Api) -> None:
    """`iterator.prediction` has the state that the iterator has seen last, or a later one from a reload."""
    anything: Any = client

    async def main() -> None:
        iterator = await anything.async_run(VERSION, input={})
        prediction = iterator.prediction
        api.later = {"status": "processing", "output": ["a"], "logs": "more"}
        prediction.reload()
        assert iterator.prediction.logs == "more"
        api.events, api.later = "event: done\ndata: {}\n\n", {"status": "succeeded", "output": ["a", "b"]}
        assert [item async for item in iterator] == ["a", "b"]
        assert iterator.prediction is prediction
        assert (prediction.status, prediction.output) == ("succeeded", ["a", "b"])
        assert prediction.reload().status == "succeeded"

    asyncio.run(main())


def test_a_second_reader_does_not_disturb_the_first(client: Client, api: Api) -> None:
    """The error of a second reader has a prediction with both colours; the first reader's own is not affected."""
    anything: Any = client

    async def main() -> None:
        iterator = await anything.async_run(VERSION, input={})
        iterator._reading = True
        with pytest.raises(RunError, match="being read already") as caught:
            await anext(iterator)
        assert caught.value.prediction is iterator.prediction
        assert not iterator._prediction._session.blocking
        iterator._reading = False
        await iterator.cancel()
        assert iterator.prediction.status == "canceled"
        await iterator.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("way", ["wait", "wait by id", "run", "stream", "stream use_async"])
def test_callbacks_get_predictions_of_both_colours(client: Client, api: Api, way: str, *, awaited: bool) -> None:
    """`on_update=` gets predictions with both colours; one that it cancels is not waited for any more."""
    anything: Any = client
    seen: list[Any] = []

    def look(prediction: Any) -> None:
        seen.append(prediction)
        prediction.cancel()

    async def look_later(prediction: Any) -> None:
        seen.append(prediction)
        await prediction.async_cancel()

    async def main() -> None:
        told = look_later if awaited else look
        prediction = await anything.predictions.async_create(VERSION, {})
        api.requests.clear()
        if way == "wait":
            assert await prediction.async_wait(on_update=told) is prediction is seen[0]
        elif way == "wait by id":
            assert await anything.predictions.async_wait("p1", on_update=told) is seen[0]
        elif way == "run":
            with pytest.raises(ModelError):
                await anything.async_run("o/n", input={}, on_update=told)
        else:
            stream = anything.async_stream if way == "stream" else anything.stream
            options = {} if way == "stream" else {"use_async": True}
            with pytest.raises(StreamError):
                _ = [event async for event in await stream("o/n", input={}, on_update=told, **options)]
        assert seen[0].status == "canceled"
        await check_both(seen[0], "canceled")

    asyncio.run(main())
    assert api.requests.count("POST /predictions/p1/cancel") == len(seen)


def test_a_callback_that_is_not_callable(client: Client) -> None:
    """It is refused, as by the blocking method."""
    anything: Any = client
    with pytest.raises(TypeError, match="on_update must be a function that takes a prediction, not str"):
        asyncio.run(anything.predictions.async_wait("p1", on_update="no"))
