"""The types of names without a colour, such as `Prediction`. Checked, never run."""

from __future__ import annotations

from typing import Any, assert_type

import replicate


def shown(
    prediction: replicate.Prediction,
    file: replicate.FileOutput,
    items: replicate.OutputIterator,
    page: replicate.Page,
    events: replicate.Stream,
) -> None:
    """Assert that fields have their types, and results are Any, since it is unknown whether they are awaited."""
    assert_type(prediction, replicate.Prediction[Any])
    assert_type(prediction.id, str)
    assert_type(prediction.wait(timeout=3), Any)
    assert_type(file.read(), Any)
    assert_type(page, replicate.Page[Any, Any])
    assert_type(page.next, str | None)
    for each in (*page, *items):
        assert_type(each, Any)
    for told in prediction.stream():
        assert_type(told, replicate.ServerSentEvent)
    for event in events:
        assert_type(event, replicate.ServerSentEvent)


async def awaited(
    prediction: replicate.Prediction, file: replicate.AsyncFileOutput, page: replicate.Page, model: replicate.Model
) -> None:
    """Assert the same in asynchronous code."""
    assert_type(await prediction.wait(timeout=3), Any)
    assert_type(await file.read(), Any)
    assert_type(model.latest_version, replicate.Version | None)
    assert_type(await model.versions.list(), Any)
    async for each in page:
        assert_type(each, Any)
    async for event in prediction.stream():
        assert_type(event, replicate.ServerSentEvent)


def passed(client: replicate.Replicate) -> None:
    """Pass blocking objects where either colour is accepted, and vice versa."""
    prediction: replicate.Prediction = client.predictions.get("x")
    page: replicate.Page = client.predictions.list()
    client.predictions.cancel(prediction)
    client.deployments.predictions.create(client.deployments.get("o/n"), {})
    assert_type(page.has_next_page(), bool)


async def passed_on(client: replicate.AsyncReplicate) -> None:
    """Pass asynchronous objects where either colour is accepted."""
    prediction: replicate.Prediction = await client.predictions.get("x")
    await client.predictions.cancel(prediction)
