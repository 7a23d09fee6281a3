"""The types that checkers infer for both clients. Checked by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, assert_type

import httpx

import replicate
from replicate import AsyncReplicate, Client, FileOutput, Replicate
from replicate._dual.colours import Async, Sync
from replicate._flows.output_iterator import OutputIterator
from replicate._flows.use import Run
from replicate._http.sse import ServerSentEvent
from replicate._jobs.updates import Timings
from replicate._objects.page import Page
from replicate.resources.files import File
from replicate.resources.models import Model
from replicate.resources.predictions import EventStream, Prediction
from replicate.resources.trainings import Training
from replicate.resources.versions import Version
from replicate_api import models
from replicate_api.api.account import account_get
from replicate_api.api.hardware import hardware_list
from replicate_api.types import Timestamp


def poster(image: Path, colors: int = 5) -> Path:
    """Stand in for the signature of a model, as a hint."""
    raise NotImplementedError


def blocking(client: Replicate, output: FileOutput[Sync]) -> None:
    """Assert the plain results of a blocking client."""
    prediction = client.predictions.create("o/n:v", {"prompt": "x"}, wait=5, webhook_events_filter=["start"])
    assert_type(prediction, Prediction[Sync])
    assert_type(prediction.id, str)
    assert_type(prediction.logs, str | None)
    assert_type(prediction.urls.get + "/x", str)
    assert_type(prediction.urls.web, str | None)
    assert_type(prediction.urls["get"], Any)
    assert_type(prediction.metrics, models.PredictionMetrics | None)
    if prediction.metrics:
        assert_type(prediction.metrics.predict_time, float | None)
    assert_type(prediction.created_at[:10], str)
    assert_type(prediction.created_at.replace("Z", "+00:00"), str)
    assert_type(prediction.created_at.replace(microsecond=0), Timestamp)
    assert_type(prediction.created_at.date(), date)
    assert_type(prediction.created_at - datetime.now(UTC), timedelta)
    assert_type(datetime.now(UTC) - prediction.created_at, timedelta)
    assert_type(prediction.created_at - timedelta(days=1), Timestamp)
    assert_type(prediction.created_at + timedelta(days=1), Timestamp)
    assert_type("at " + prediction.created_at, str)
    assert_type(prediction.created_at < datetime.now(UTC), bool)
    assert_type(prediction.created_at < "2026", bool)
    assert_type(prediction.wait(timeout=3), Prediction[Sync])
    assert_type(prediction.reload(), Prediction[Sync])
    assert_type(prediction.cancel(), Prediction[Sync])
    assert_type(client.predictions.get("x", timeout=3, max_retries=0), Prediction[Sync])
    assert_type(client.predictions.list(), Page[Sync, Prediction[Sync]])
    assert_type(client.predictions.list().get_next_page(), Page[Sync, Prediction[Sync]])
    for each in client.predictions.list():
        assert_type(each, Prediction[Sync])
    assert_type(client.models.get("o/n"), Model[Sync])
    assert_type(client.models.versions.get("o", "n", "v"), Version[Sync])
    assert_type(client.models.predictions.create("o/n", {}), Prediction[Sync])
    assert_type(client.files.create(Path("a.png")), File[Sync])
    assert_type(client.request("GET", "/custom"), httpx.Response)
    assert_type(client.call(account_get), models.Account)
    assert_type(client.call(hardware_list), list[models.Hardware])
    assert_type(client.with_options(timeout=5), Replicate)
    for event in client.stream("o/n", input={}):
        assert_type(event, ServerSentEvent)
    assert_type(output.read(10), bytes)
    assert_type(output.save("a.png"), Path | None)

    assert_type(client.use("o/n", hint=poster)(Path("a.png"), colors=3), Path)
    assert_type(client.use("o/n")(anything="goes"), Any)
    assert_type(client.use("o/n").create(anything="goes"), Run[Sync])
    assert_type(client.use("o/n").openapi_schema(), Mapping[str, Any] | None)
    assert_type(client.use("o/n", streaming=True)(prompt="x"), OutputIterator[Sync])


async def awaited(client: AsyncReplicate, output: FileOutput[Async], blocker: Replicate) -> None:
    """Assert the coroutines of an asynchronous client."""
    prediction = await client.predictions.create("o/n:v", {"prompt": "x"})
    assert_type(prediction, Prediction[Async])
    assert_type(await prediction.wait(), Prediction[Async])
    assert_type(await client.predictions.list(), Page[Async, Prediction[Async]])
    async for each in await client.predictions.list():
        assert_type(each, Prediction[Async])
    assert_type(await client.models.get("o/n"), Model[Async])
    assert_type(await client.files.create(b"x"), File[Async])
    assert_type(await client.get("/custom"), httpx.Response)
    assert_type(await client.call(account_get), models.Account)
    async for event in client.stream("o/n", input={}):
        assert_type(event, ServerSentEvent)
    assert_type(await output.read(10), bytes)
    assert_type(await client.use("o/n", hint=poster)(Path("a.png")), Path)
    assert_type(await client.use("o/n", streaming=True)(prompt="x"), OutputIterator[Async])
    assert_type(await blocker.use("o/n", use_async=True)(prompt="x"), Any)


async def watching(client: Replicate, other: AsyncReplicate) -> None:
    """Pass callbacks for updates, which can be coroutine functions on an asynchronous client."""
    made, training = client.predictions.get("x"), client.trainings.get("x")
    assert_type(made.wait(on_update=lambda run: run.status, progress=True), Prediction[Sync])
    assert_type(training.wait(on_update=lambda run: run.destination, progress=True), Training[Sync])
    assert_type(client.predictions.wait(made, on_update=note), Prediction[Sync])
    assert_type(client.trainings.wait(training, progress=True), Training[Sync])
    assert_type(await other.predictions.wait("x", on_update=note_later), Prediction[Async])
    assert_type(client.run("o/n", {}, on_update=note, progress=True), Any)
    assert_type(client.stream("o/n", {}, on_update=note), EventStream[Sync])
    assert_type(client.use("o/n", on_update=note, progress=True, timeout=5, cancel_on_exit=False)(a=1), Any)
    assert_type(await other.use("o/n", hint=poster, on_update=note_later)(Path("a.png")), Path)
    client.run("o/n", {}, on_update=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(made.timings.queued, float | None)
    assert_type(training.timings, Timings)
    assert_type(made.follow_logs(), Generator[str, None, None])
    assert_type((await other.predictions.get("x")).follow_logs(), AsyncGenerator[str, None])


def errors(error: replicate.ModelError, late: replicate.PredictionTimeout, other: replicate.RunError) -> None:
    """See the prediction that an error carries."""
    assert_type(error.prediction, Prediction[Any])
    assert_type(error.prediction.logs, str | None)
    assert_type(late.prediction, Prediction[Any])
    assert_type(other.prediction, Any)
    note(error.prediction)


def jobs(client: Replicate) -> None:
    """See that what acts on a prediction or a training gives it, and tells callbacks of it."""
    made, training = client.predictions.get("x"), client.trainings.get("x")
    assert_type(training.reload(), Training[Sync])
    assert_type(training.wait().cancel(), Training[Sync])
    assert_type(made.finished, bool)
    made.wait(on_update=lambda run: run.deployment)
    training.wait(on_update=note)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def note(run: Prediction) -> None:
    """Stand in for a callback."""


async def note_later(run: Prediction) -> None:
    """Stand in for an asynchronous callback."""


def module() -> None:
    """Assert that the module's functions have the types of the default client's methods."""
    assert_type(replicate.default_client, Client)
    assert_type(replicate.predictions.get("x"), Prediction[Sync])
    assert_type(replicate.run("o/n", {"prompt": "x"}, timeout=60, use_file_output=False), Any)
    assert_type(replicate.use("o/n", hint=poster)(Path("a.png")), Path)


def mistakes(client: Replicate, other: AsyncReplicate) -> None:
    """Assert that each of these is an error; an unneeded ignore is an error too."""
    client.predictions.get(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.predictions.get("x", timeot=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.run("o/n", input={}, webook="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.use("o/n", hint=poster)(picture="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    other.predictions.get("x").id  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnusedExpression]  # noqa: B018
    client.predictions.get("x").ststus  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnusedExpression]  # noqa: B018


async def streams(client: Replicate, other: AsyncReplicate) -> None:
    """Assert that streams are of one class in both colours."""
    stream = client.stream("o/n", input={}, use_file_output=False, cancel_on_exit=False, timeout=5)
    assert_type(stream, EventStream[Sync])
    assert_type(client.predictions.get("x").stream(), EventStream[Sync])
    assert_type(next(stream), ServerSentEvent)
    assert_type(stream.prediction, Prediction[Sync])
    assert_type(stream.close(), None)
    with stream as same:
        assert_type(same, EventStream[Sync])
    async for _ in stream:  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    awaited = other.stream("o/n", input={})
    assert_type(awaited, EventStream[Async])
    assert_type(await awaited, EventStream[Async])
    assert_type(await anext(awaited), ServerSentEvent)
    async with awaited as started:
        assert_type(started.prediction, Prediction[Async])
    await awaited.close()
    await awaited.aclose()
    for _ in awaited:  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    client.stream("o/n", inputs={})  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


async def loops(page: Page[Sync, int], items: OutputIterator[Sync]) -> None:
    """Iterate the results of a blocking client with `for`; `async for` is an error."""
    assert_type(list(page), list[int])
    assert_type(next(items), Any)
    with items as same:
        assert_type(same, OutputIterator[Sync])
    async for _ in page:  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    async for _ in items:  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    async with items:  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
        pass


async def other_loops(page: Page[Async, int], items: OutputIterator[Async]) -> None:
    """Iterate the results of an asynchronous client with `async for`; `for` is an error."""
    async with items as same:
        assert_type(same, OutputIterator[Async])
    assert_type(await items, Any)
    for _ in page:  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    for _ in items:  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    with items:  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
        pass
