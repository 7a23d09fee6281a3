"""The results of low-level requests, whose types depend on `cast_to` and `stream`. Checked, never run."""

from __future__ import annotations

from typing import Any, assert_type

import httpx

import replicate
from replicate import APIResponse, AsyncReplicate, Replicate
from replicate._dual.colours import Async, Sync
from replicate.resources.predictions import Prediction


def blocking(client: Replicate, stream: bool) -> None:  # noqa: FBT001 - any value
    """Assert that the result has the requested type."""
    assert_type(client.get("/custom", timeout=3, params={"a": 1}), httpx.Response)
    assert_type(client.post(url="/custom", json={}), httpx.Response)
    assert_type(client.get("/custom", cast_to=dict), dict[str, Any])
    assert_type(client.put("/custom", cast_to=list[int], json={}), list[int])
    assert_type(client.patch("/custom", cast_to=Prediction[Sync]), Prediction[Sync])
    assert_type(client.delete("/custom", cast_to=replicate.NoneType), None)
    assert_type(client.delete("/custom", cast_to=None), Any)
    assert_type(client.query("/custom", cast_to=httpx.Response, content="text"), httpx.Response)
    assert_type(client.get("/custom", stream=True), APIResponse[Sync])
    assert_type(client.post("/custom", follow_redirects=False), httpx.Response)
    assert_type(client.get("/custom", stream=stream), Any)
    assert_type(client.request("GET", "/custom"), httpx.Response)
    assert_type(client.request("GET", "/custom", cast_to=dict), dict[str, Any])
    assert_type(client.request("GET", "/custom", cast_to=str), str)
    assert_type(client.request(method="GET", url="/custom", stream=True), APIResponse[Sync])


async def awaited(client: AsyncReplicate) -> None:
    """Assert the same types for an asynchronous client."""
    assert_type(await client.get("/custom"), httpx.Response)
    assert_type(await client.post(url="/custom", cast_to=dict), dict[str, Any])
    assert_type(await client.put("/custom", cast_to=list[int]), list[int])
    assert_type(await client.patch("/custom", cast_to=Prediction[Async]), Prediction[Async])
    assert_type(await client.delete("/custom", cast_to=None), Any)
    assert_type(await client.query("/custom", stream=True), APIResponse[Async])
    assert_type(await client.request("GET", "/custom"), httpx.Response)
    assert_type(await client.request("GET", "/custom", cast_to=dict), dict[str, Any])
    assert_type(await client.request("GET", "/custom", cast_to=str), str)
    assert_type(await client.request(method="GET", url="/custom", stream=True), APIResponse[Async])


def mistakes(client: Replicate) -> None:
    """Assert that each of these is an error; an unneeded ignore is an error too."""
    client.request("GET")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    client.get("/custom", "more")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    client.get("/custom", timeot=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
