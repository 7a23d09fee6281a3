"""The types of the names of earlier versions and of the module's settings. Checked, never run."""

from __future__ import annotations

from typing import Any, assert_type

import httpx

import replicate
from replicate import types
from replicate._dual.colours import Async, Sync
from replicate.resources.predictions import EventStream
from replicate.types import models as model_types  # noqa: TC001 - nothing here is run


def settings() -> None:
    replicate.bearer_token = "r8_token"
    replicate.api_token = lambda: "r8_token"
    replicate.base_url = "https://api.replicate.com/v1"
    replicate.timeout = httpx.Timeout(5)
    replicate.max_retries = 3
    replicate.default_headers = {"X-One": "1"}
    replicate.http_client = httpx.Client()
    assert_type(replicate.default_client, replicate.Client)


def answers() -> None:
    found: types.ModelGetResponse[Sync] = replicate.models.get("owner/name")
    same: replicate.Model[Sync] = found
    assert_type(same.id, str)
    version: model_types.VersionGetResponse[Sync] = replicate.models.versions.get("owner", "name", "id")
    assert_type(version, replicate.Version[Sync])
    assert_type(replicate.get_path_url(found), str | None)


def parameters() -> None:
    one: types.PredictionCreateParams = {"version": "id", "input": {"prompt": "…"}, "cancel_after": "1m"}
    two: types.PredictionCreateParams = {"version": "id"}  # type: ignore[typeddict-item]  # pyright: ignore[reportAssignmentType]
    assert_type(replicate.predictions.create(**one), replicate.Prediction[Sync])
    assert_type(two["version"], str)


async def awaited() -> None:
    assert_type(await replicate.async_run("owner/model", {}), Any)
    async for event in await replicate.async_stream("owner/model", input={}):
        assert_type(event, replicate.ServerSentEvent)
    async for event in replicate.async_stream("owner/model", input={}):
        assert_type(event, replicate.ServerSentEvent)


def calls(client: replicate.Client) -> None:
    assert_type(replicate.stream("owner/model", {}, False), EventStream[Sync])  # noqa: FBT003 - as in earlier versions
    assert_type(client.stream("owner/model", input={}, use_async=True), EventStream[Async])
    assert_type(client.get(path="/custom"), Any)
    assert_type(client.copy(set_default_query={}), replicate.Client)
    client.copy(timeot=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def sentinels(event_source: replicate.Stream[Any]) -> None:
    replicate.Client(timeout=replicate.NOT_GIVEN)
    replicate.Client(timeout=replicate.omit)
    for event in event_source:
        assert_type(event, replicate.ServerSentEvent)
