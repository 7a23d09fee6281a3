"""Calls that fail in every way: the behaviours of a server and the call of a client."""

from __future__ import annotations

import io
import json
import os
import signal
from contextlib import aclosing
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from support.colours import RUN, Clock, collect, got
from support.faults import CLOSE_READ, RESET_READ, RESET_UNREAD, SILENCE, STALLED, answer, refusing_url

import replicate
from replicate import FileOutput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

TOKEN = "r8_WalkedThroughByManyTools0123456789"
VERSION = "a" * 64
EMPTY = answer(body=b'{"results": [], "next": null, "previous": null}')


class Alarm(Exception):  # noqa: N818 - not an error
    """Raised by a signal handler or by the caller's code."""


class Case(NamedTuple):
    """The behaviours of the server, the call of the client, and the options of the client."""

    behaviours: tuple[Any, ...]
    act: Callable[[Any, str], Awaitable[Any]]
    options: Mapping[str, Any] = MappingProxyType({})


def failing(status: str, body: bytes = b'{"detail": "no"}', *headers: str) -> bytes:
    return answer(status, body, "Content-Type: application/json", *headers)


def prediction(**changes: Any) -> bytes:
    data = {"id": "p1", "status": "succeeded", "input": {}, "output": "a", "version": VERSION, "urls": {}}
    return answer("201 Created", json.dumps({**data, **changes}).encode())


async def account(client: Any, place: str) -> Any:
    return await got(client.account.get())


async def get(client: Any, place: str) -> Any:
    return await got(client.get("/account"))


async def closed(client: Any, place: str) -> Any:
    await got(client.close())
    return await got(client.account.get())


async def read_in_pieces(client: Any, place: str) -> Any:
    response = await got(client.get("/account", stream=True))
    return await collect(response.iter_bytes())


async def read_by_hand(client: Any, place: str) -> Any:
    response = await got(client.get("/account", stream=True))
    return await got(response.http_response.read() if client._session.blocking else response.http_response.aread())


async def events(client: Any, place: str) -> Any:
    kind = replicate.Stream if client._session.blocking else replicate.AsyncStream
    return await collect(await got(client.get("/events", stream=True, stream_cls=kind)))


async def left_in_the_middle(client: Any, place: str) -> Any:
    response = await got(client.get("/account", stream=True))
    if client._session.blocking:
        for _ in response.iter_bytes():
            raise Alarm
    async with aclosing(response.iter_bytes()) as pieces:
        async for _ in pieces:
            raise Alarm


async def download(client: Any, place: str) -> Any:
    return await got(FileOutput(f"{place}/files/a.png", client).read())


async def upload(client: Any, place: str) -> Any:
    return await got(client.files.create(io.BytesIO(b"content")))


async def create(client: Any, place: str) -> Any:
    Clock(client)  # so that it does not wait before it looks for what it has started
    return await got(client.predictions.create(version=VERSION, input={"a": 1}))


async def run(client: Any, place: str) -> Any:
    return await got(client.run(f"me/model:{VERSION}", input={"a": 1}))


async def webhooks(client: Any, place: str) -> Any:
    return await got(client.webhooks.default.secret())


async def pages(client: Any, place: str) -> Any:
    return await collect(client.predictions.list())


async def bad_input(client: Any, place: str) -> Any:
    return await got(client.predictions.create(version=VERSION, input={"a": float("nan")}))


async def bad_header(client: Any, place: str) -> Any:
    return await got(client.account.get(extra_headers={"x-a": "a\nb"}))


async def bad_path(client: Any, place: str) -> Any:
    return await got(client.get("http://[bad/account"))


async def bad_callback(client: Any, place: str) -> Any:
    def on_update(_: Any) -> None:
        raise Alarm

    return await got(client.run("me/model", input={}, on_update=on_update))


async def raw(client: Any, place: str) -> Any:
    return await got(client.account.with_raw_response.get())


async def streaming(client: Any, place: str) -> Any:
    opening = client.account.with_streaming_response.get()
    if client._session.blocking:
        with opening as response:
            return response.read()
    async with opening as response:
        return await response.read()


def echoing(request: bytes) -> bytes:
    return failing("422 No", json.dumps({"detail": request.decode()}).encode())


def interrupting(number: int) -> Callable[[bytes], Any]:
    def behave(_: bytes) -> str:
        os.kill(os.getpid(), number)
        return SILENCE

    return behave


NEXT = answer(body=b'{"results": [{"id": "p1"}], "next": "predictions?cursor=2", "previous": null}')
ONCE: dict[str, Any] = {"max_retries": 0}
HURRIED: dict[str, Any] = {"max_retries": 0, "timeout": 0.2}
PATIENT: dict[str, Any] = {"max_retries": 0, "timeout": 10}
CASES = {
    **{str(status): Case((failing(f"{status} Bad"),), account, ONCE) for status in (400, 401, 402, 403, 404, 409, 413)},
    **{str(status): Case((failing(f"{status} Bad"),), account, ONCE) for status in (422, 429, 500, 503)},
    "echo": Case((echoing,), account, ONCE),
    "redirect": Case((failing("301 Moved", b"", "Location: /v2/account"),) * 2, account, ONCE),
    "redirect of a POST": Case((failing("307 Moved", b"", "Location: /v1/other"),), create, ONCE),
    "reset before": Case((RESET_UNREAD,), account, ONCE),
    "reset": Case((RESET_READ,), account, ONCE),
    "closed by the server": Case((CLOSE_READ,), account, ONCE),
    "sent again": Case((RESET_READ, failing("404 No")), account, {"max_retries": 1}),
    "silence": Case((SILENCE,), account, HURRIED),
    "garbage": Case((b"garbage\r\n\r\n",), account, ONCE),
    "no JSON": Case((answer(body=b"<html>"),), account, ONCE),
    "no JSON, by hand": Case((failing("404 No"),), get, ONCE),
    "cut off": Case((answer("200 OK", b"{}", "Content-Length: 99"),), account, ONCE),
    "not packed": Case((answer("200 OK", b"{}", "Content-Encoding: gzip"),), account, ONCE),
    "stalled": Case((STALLED,), account, HURRIED),
    "stalled in pieces": Case((STALLED,), read_in_pieces, HURRIED),
    "cut off in pieces": Case((answer("200 OK", b"{}", "Content-Length: 99"),), read_in_pieces, ONCE),
    "stalled by hand": Case((STALLED,), read_by_hand, HURRIED),
    "left in the middle": Case((STALLED,), left_in_the_middle, ONCE),
    "events": Case(
        (answer("200 OK", b"data: a\n\n", "Content-Length: 99", "Content-Type: text/event-stream"),), events
    ),
    "closed client": Case((), closed, ONCE),
    "download": Case((failing("404 No"),), download, ONCE),
    "download broken": Case((RESET_READ,), download, ONCE),
    "upload": Case((failing("500 No"),), upload, ONCE),
    "upload broken": Case((RESET_READ,), upload, ONCE),
    "create in doubt": Case((RESET_READ, EMPTY), create, ONCE),
    "create broken off": Case((answer("201 Created", b"{}", "Content-Length: 99"), EMPTY), create, ONCE),
    "create refused": Case((failing("422 No"),), create, ONCE),
    "failed": Case((prediction(status="failed", error="no"),), run, ONCE),
    "callback": Case((prediction(),), bad_callback, ONCE),
    "webhooks": Case((failing("404 No"),), webhooks, ONCE),
    "pages": Case((NEXT, failing("500 No")), pages, ONCE),
    "bad input": Case((), bad_input, ONCE),
    "bad header": Case((), bad_header, ONCE),
    "bad path": Case((), bad_path, ONCE),
    "raw": Case((failing("404 No"),), raw, ONCE),
    "streaming": Case((answer("200 OK", b"{}", "Content-Length: 99"),), streaming, ONCE),
    "Ctrl-C": Case((interrupting(signal.SIGINT),), account, PATIENT),
    "Ctrl-C in pieces": Case((interrupting(signal.SIGINT),), read_in_pieces, PATIENT),
    "signal": Case((interrupting(signal.SIGTERM),), account, PATIENT),
    "refused": Case((), account, {**ONCE, "base_url": refusing_url()}),
}


def raised(colour: str, work: Callable[[], Any]) -> BaseException:
    """Run a coroutine in a colour, and return what it raises."""
    try:
        RUN[colour](work())
    except BaseException as error:  # noqa: BLE001 - of any kind
        return error
    raise AssertionError("nothing was raised")
