"""A server of raw sockets that sends the head of a response, and the body when a test says so."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from support.faults import read_request, reset
from support.listening import Listening

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

PATIENCE = 10
"""The seconds after which the rest is sent anyway, as the test has failed."""


class Slow(Listening):
    """Answers each request with the status and the body that a function returns for it.

    The body is sent when `go` is set. For the first `breaking` responses, half of it is sent and the connection is
    reset.
    """

    def __init__(self, answer: Callable[[bytes], tuple[str, bytes]], *, breaking: int = 0) -> None:
        super().__init__()
        self.answer, self.breaking = answer, breaking
        self.requests: list[bytes] = []
        self.connections = 0
        self.go = Event()

    @property
    def asked(self) -> list[str]:
        """The method and path of each request, without its query."""
        return [" ".join(each.decode().split(" ", 2)[:2]).partition("?")[0] for each in self.requests]

    def let_go(self) -> None:
        self.go.set()
        super().let_go()

    def handle(self, connection: socket.socket) -> None:
        self.connections += 1
        while (request := read_request(connection)) != b"\r\n\r\n":
            self.requests.append(request)
            status, body = self.answer(request)
            length = [] if status.startswith("204") else [f"Content-Length: {len(body)}"]
            connection.sendall("\r\n".join([f"HTTP/1.1 {status}", *length, "", ""]).encode())
            self.go.wait(PATIENCE)
            if self.breaking:
                self.breaking -= 1
                connection.sendall(body[: len(body) // 2])
                reset(connection)
                return
            connection.sendall(body)
