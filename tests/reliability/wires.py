"""Calls over raw sockets: requests sent in part, responses to others, and settings of the environment."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import httpx
from support.faults import Faults, answer, read_request, reset
from support.relay import DROP, Relay, is_create

from replicate import Replicate
from replicate._http.connections import client_factory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reliability.conftest import Place

EARLY_RESET = "reset the connection when the head of the request has come"
REPEAT = "hand the request on, and answer with what the last one was answered with"
CLOSING = "keep the connection, and reset it when another request comes over it"
LONG = "x" * 20_000_000
"""More than the buffers between two sockets hold."""


class Wire(Relay):
    """A relay with more faults, which records the request lines. A fault of bytes is a response to the head alone."""

    def __init__(self, port: int, *faults: str | bytes | None) -> None:
        super().__init__(port, *faults)
        self.asked: list[str] = []
        self._last = b""

    def handle(self, connection: socket.socket) -> None:
        head = connection.recv(65536, socket.MSG_PEEK)
        self.asked.append(head.split(b"\r\n")[0].decode())
        fault = self.faults[0] if self.faults and is_create(head) else None
        if fault == EARLY_RESET or isinstance(fault, bytes):
            self.faults.pop(0)
            connection.recv(65536)
            if isinstance(fault, bytes):
                connection.sendall(fault)
            reset(connection)
        elif fault in (REPEAT, CLOSING):
            self.faults.pop(0)
            self._answer(connection, fault)
        else:
            self._relay(connection)

    def _relay(self, connection: socket.socket) -> None:
        request = read_request(connection)
        fault = self.faults.pop(0) if is_create(request) and self.faults else None
        if fault == DROP:
            reset(connection)
            return
        assert fault is None or isinstance(fault, str)
        self._hand_on(request, connection, fault)

    def _answer(self, connection: socket.socket, fault: str) -> None:
        near, far = socket.socketpair()
        with near, far:
            self._hand_on(read_request(connection), near, None)
            near.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := far.recv(65536):
                answer += chunk
        if fault == REPEAT:
            connection.sendall(self._last or answer)
            self._last = answer
            return
        connection.sendall(answer.replace(b"connection: close\r\n", b""))
        if connection.recv(1):
            reset(connection)


def over(
    *faults: str | bytes | None,
    before: Callable[[Replicate, Place], object] = lambda _, __: None,
    long: bool = False,
    environment: Mapping[str, str] | None = None,
    interrupted: bool = False,
    another: bool = False,
    model: str = "me/official",
    **options: Any,
) -> Callable[[Place], Any]:
    """Run a model over a wire with faults at its creates."""

    def call(place: Place) -> Any:
        with patch.dict(os.environ, environment or {}), Wire(place.server.port, *faults) as wire:
            client = Replicate(bearer_token=place.server.token, base_url=wire.base_url)
            transport: Any = client._session.transport

            async def sleep(seconds: float) -> None:
                if interrupted:
                    raise KeyboardInterrupt
                place.clock.time += seconds

            transport.sleep, transport.now = sleep, lambda: place.clock.time
            place.line.follow(()).asked = wire.asked
            with client:
                before(client, place)
                wire.asked.clear()
                inputs = {**place.fresh(), **({"more": LONG} if long else {})}
                if another:
                    started_by_another(place, inputs)
                return client.run(model, inputs, **{"timeout": 100, **options})

    return call


def idle(client: Replicate, place: Place) -> None:
    """Leave an idle connection that the API may close just then."""
    with patch.object(client_factory, "KEEP_ALIVE", 0.0):
        client.run("me/official", place.fresh())


def one_before(client: Replicate, place: Place) -> None:
    """Run a model."""
    client.run("me/official", place.fresh())


def tunnel(place: Place) -> Any:
    """Run a model through a proxy that refuses every tunnel."""
    with Faults(answer("502 Bad Gateway")) as proxy:
        http = httpx.Client(proxy=proxy.origin)
        with Replicate(bearer_token="r8_test", base_url="https://api.invalid/v1", http_client=http) as client:
            place.line.follow(()).asked = []
            return client.with_options(max_retries=0).run("me/official", place.fresh())


def untrusting(place: Place) -> Any:
    """Run a model while the file of trusted certificates is missing."""
    with (
        patch.dict(os.environ, {"SSL_CERT_FILE": "missing.pem"}),
        Replicate(bearer_token="r8_test", base_url="https://127.0.0.1:9/v1") as client,
    ):
        place.line.follow(()).asked = []
        return client.run("me/official", place.fresh())


def started_by_another(place: Place, inputs: dict[str, str]) -> None:
    """Start a prediction that does not end, as another program would."""
    httpx.post(
        f"{place.server.base_url}/predictions",
        json={"version": place.by_version("me/endless"), "input": inputs},
        headers={"Authorization": f"Bearer {place.server.token}"},
    ).raise_for_status()
