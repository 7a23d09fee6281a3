"""The types of lists, settings and low-level requests. Checked by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_type

import httpx

from replicate import AsyncReplicate, Client, FileOutput, Observer, Replicate
from replicate._dual.colours import Async, Sync
from replicate._files.cache import Info
from replicate._http.connections.default_clients import DefaultAsyncHttpxClient, DefaultHttpxClient
from replicate._objects.page import Listing, Page, PageInfo
from replicate._objects.paginate import async_paginate, paginate
from replicate.exceptions import ReplicateError
from replicate.resources.predictions import Prediction

if TYPE_CHECKING:
    from replicate._objects.response import APIResponse


def files(output: FileOutput[Sync]) -> None:
    """Assert the types of a file's methods and details."""
    assert_type(output.read(3, max_bytes=5), bytes)
    assert_type(output.info(), Info)
    assert_type(output.save("a.png", progress=lambda done, total: (done, total)), Path | None)
    assert_type(output.size, int | None)
    assert_type(output.expires_at, datetime | None)


def blocking(client: Replicate, raw: APIResponse[Sync]) -> None:
    """Assert the pages and plain values of a blocking client."""
    page = client.predictions.list(limit=3, timeout=5)
    assert_type(page, Page[Sync, Prediction[Sync]])
    assert_type(client.predictions.list(page.next or ...), Page[Sync, Prediction[Sync]])
    assert_type(page.get_next_page(), Page[Sync, Prediction[Sync]])
    assert_type(page.next_page_info(), PageInfo | None)
    assert_type(page[0], Prediction[Sync])
    assert_type(page.iter_pages(), Generator[Page[Sync, Prediction[Sync]], None, None])
    assert_type(paginate(client.predictions.list), Generator[Page[Sync, Prediction[Sync]], None, None])
    assert_type(client.copy(bearer_token="r8_a", set_default_headers={}), Replicate)
    assert_type(client.api_token, str | None)
    assert_type(client.base_url, httpx.URL)
    assert_type(client.default_headers, Mapping[str, str])
    assert_type(client.poll_interval, float)
    assert_type(client.output_dir, Path | None)
    assert_type(client.allow_private_hosts, bool)
    assert_type(client.max_response_bytes, int)
    assert_type(client.observers, tuple[object, ...])
    assert_type(client.copy(observers=[Observer(), object()]), Replicate)
    assert_type(client.is_closed(), bool)
    assert_type(client.query("/models", content="text"), httpx.Response)
    assert_type(raw.read(), bytes)
    assert_type(raw.parse(), Any)
    assert_type(raw.iter_lines(), Generator[str, None, None])
    assert_type(Client(http_client=DefaultHttpxClient()).max_retries, int)
    assert_type(ReplicateError.from_response(httpx.Response(500)), ReplicateError)


async def awaited(client: AsyncReplicate, raw: APIResponse[Async]) -> None:
    """Await and iterate the results of an asynchronous client."""
    assert_type(client.predictions.list(), Listing[Prediction[Async]])
    assert_type(await client.predictions.list(), Page[Async, Prediction[Async]])
    async for each in client.predictions.list():
        assert_type(each, Prediction[Async])
    async for page in async_paginate(client.predictions.list):
        assert_type(page, Page[Async, Prediction[Async]])
    assert_type(await raw.text(), str)
    assert_type(raw.iter_bytes(), AsyncGenerator[bytes, None])
    assert_type(client.with_options(timeout=5, max_retries=0), AsyncReplicate)
    assert_type(client.copy(bearer_token="r8_a"), AsyncReplicate)
    assert_type(client.base_url, httpx.URL)
    assert_type(await client.close(), None)
    AsyncReplicate(http_client=DefaultAsyncHttpxClient())


def mistakes(client: Replicate, other: AsyncReplicate) -> None:
    """Assert that each of these is an error; an unneeded ignore is an error too."""
    client.copy(timeot=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.nonsense  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnusedExpression]  # noqa: B018
    other.predictions.list().results  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnusedExpression]  # noqa: B018
    for _ in other.predictions.list():  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportAttributeAccessIssue, reportUnknownVariableType]
        pass
