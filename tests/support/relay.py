"""A relay between a client and a server, which injects a fault into each create."""

from __future__ import annotations

import socket
from threading import Event

from support.faults import read_request, reset
from support.listening import Listening

DROP = "reset the connection, without handing the request on"
LOSE = "hand the request on, and reset the connection instead of answering"
CLOSE = "hand the request on, and close the connection instead of answering"
GATEWAY = "hand the request on, and answer 502 instead"
GARBLE = "hand the request on, and answer with a page of HTML instead"
CUT = "hand the request on, and break the answer off in its middle"
HOLD = "hand the request on, and keep the answer back until `release` is set"

ACTED = (LOSE, CLOSE, GATEWAY, GARBLE, CUT)
"""After these faults, the server has acted on the request, and the client does not know."""


class Relay(Listening):
    """Handles each create with the next of the faults, and relays the rest faithfully.

    A fault may also be the bytes of a response to send, or None to relay the create.

    `creates` counts the creates that came. `release` sends the response that HOLD keeps back.
    """

    def __init__(self, port: int, *faults: str | bytes | None) -> None:
        super().__init__()
        self.faults = list(faults)
        self.creates = 0
        self.release = Event()
        self._target = ("127.0.0.1", port)

    def let_go(self) -> None:
        self.release.set()

    def handle(self, connection: socket.socket) -> None:
        request = read_request(connection)
        fault: str | bytes | None = None
        if is_create(request):
            self.creates += 1
            fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, bytes):
            connection.sendall(fault)
        elif fault == DROP:
            reset(connection)
        else:
            self._hand_on(request, connection, fault)

    def _hand_on(self, request: bytes, connection: socket.socket, fault: str | None) -> None:
        with socket.create_connection(self._target) as server:
            server.sendall(request.replace(b"Connection: keep-alive", b"Connection: close", 1))
            if fault is None:
                while chunk := server.recv(65536):
                    connection.sendall(chunk)
                return
            received = b""
            while chunk := server.recv(65536):
                received += chunk
        if fault == HOLD:
            self.release.wait(20)
            connection.sendall(received)
        elif fault == LOSE:
            reset(connection)
        elif fault == GATEWAY:
            connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        elif fault == GARBLE:
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\n<html>")
        elif fault == CUT:
            connection.sendall(received[:-20])


def is_create(request: bytes) -> bool:
    """Return whether a request starts a prediction or a training."""
    method, path = request.split(b" ", 2)[:2] if request else (b"", b"")
    return method == b"POST" and path.endswith((b"/predictions", b"/trainings"))
