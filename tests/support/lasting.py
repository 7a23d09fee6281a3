"""A server of one answer that keeps its connections open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.faults import answer, read_request
from support.listening import Listening

if TYPE_CHECKING:
    import socket

ANSWER = answer("200 OK", b"secret").replace(b"Connection: close", b"Connection: keep-alive")


class Lasting(Listening):
    """Sends the same small file for every request, over connections that it never closes."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[bytes] = []
        self.connections = 0

    def url(self, name: str) -> str:
        """Return the URL of this server, with one of this machine's names."""
        return f"http://{name}:{self.port}"

    def handle(self, connection: socket.socket) -> None:
        used = False
        while (request := read_request(connection)).strip():
            self.connections += not used
            used = True
            self.requests.append(request)
            connection.sendall(ANSWER.partition(b"secret")[0] if request.startswith(b"HEAD") else ANSWER)
