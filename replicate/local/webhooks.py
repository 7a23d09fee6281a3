"""Sends the webhooks of predictions and trainings to programs on this machine: signed HTTP requests, in order.

The thread that changes a run composes the message at once; a task on the event loop sends one request after the other.
They are signed as https://www.standardwebhooks.com specifies.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs
import httpx

from replicate.local.files import is_loopback

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from replicate.local.clock import Clock
    from replicate.local.prediction import Prediction
    from replicate.local.store import Store

_PREFIX = "whsec_"
_RARELY = frozenset({"output", "logs"})
_PAUSE = timedelta(milliseconds=500)  # between two requests about output, and between two about logs
_RETRIES = (1, 2, 4, 8, 16, 32)  # seconds; the last request is sent about a minute after the first
_TIMEOUT = 10  # seconds of real time that a receiver has to answer


def can_be_called(url: str) -> bool:
    """Return whether a URL is one of this machine: the server calls no other."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and is_loopback(parts.hostname or "")
    except ValueError:
        return False


@attrs.frozen
class _Message:
    """The body of one request; `last` marks the end of the run, which is sent again until it is received."""

    body: bytes
    last: bool
    id: str = attrs.field(factory=lambda: f"msg_{secrets.token_hex(13)}")


class Webhooks:
    """The webhook requests of one server, and the secret that signs them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        key = store.record("secret", "webhooks") or base64.b64encode(secrets.token_bytes(24)).decode()
        store.keep("secret", "webhooks", key)
        self.secret: str = f"{_PREFIX}{key}"
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, run: Prediction, url: str, events: Collection[str]) -> None:
        """Send webhooks for some events of a run, which has not begun yet. Call it on the event loop."""
        told = _Told(run, events)
        run.listen(told.listen)
        task = asyncio.create_task(self._deliver(told, url))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, told: _Told, url: str) -> None:
        async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False, verify=False) as client:  # noqa: S501 - loopback
            while message := await told.messages.get():
                for pause in _RETRIES if message.last else ():
                    if await self._send(client, url, message):
                        break
                    await self._sleep(pause)
                else:
                    await self._send(client, url, message)

    async def _send(self, client: httpx.AsyncClient, url: str, message: _Message) -> bool:
        """Send a message; return whether it was received."""
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {
            "content-type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": sign(self.secret, message.id, timestamp, message.body),
        }
        try:
            async with client.stream("POST", url, content=message.body, headers=headers) as answer:
                return answer.status_code < 500
        except httpx.HTTPError:
            return False

    async def _sleep(self, seconds: float) -> None:
        over = asyncio.Event()
        stop_timer = self._clock.after(seconds, over.set)
        try:
            await over.wait()
        finally:
            stop_timer()


class _Told:
    """The messages about one run for one URL."""

    def __init__(self, run: Prediction, events: Collection[str]) -> None:
        self._run, self._events = run, events
        self._begun, self._place = False, 0
        self._latest: dict[str, datetime] = {}
        self._loop = asyncio.get_running_loop()
        self.messages: asyncio.Queue[_Message | None] = asyncio.Queue()

    def listen(self) -> None:
        """Compose messages for the changes, in the thread that makes them, before the next change."""
        for event in self._happened():
            if event in self._events and not self._is_early(event):
                body = json.dumps(self._run.to_json(self._run.origin), separators=(",", ":"), ensure_ascii=False)
                self._put(_Message(body.encode(), last=event == "completed"))
        if self._run.finished:
            self._put(None)

    def _happened(self) -> Iterator[str]:
        if self._run.started_at and not self._begun:
            self._begun = True
            yield "start"
        for event in self._run.events[self._place :]:
            self._place += 1
            if event.kind in _RARELY:
                yield event.kind
        if self._run.finished:
            yield "completed"

    def _is_early(self, event: str) -> bool:
        now = self._run.clock.now()
        if event in _RARELY and event in self._latest and now - self._latest[event] < _PAUSE:
            return True
        self._latest[event] = now
        return False

    def _put(self, message: _Message | None) -> None:
        with contextlib.suppress(RuntimeError):  # the server has stopped, and its event loop is closed
            self._loop.call_soon_threadsafe(self.messages.put_nowait, message)


def sign(secret: str, identifier: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a request."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    digest = hmac.digest(key, f"{identifier}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"
