"""A server of raw sockets that keeps its clients waiting, but never so long that a single read times out."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from support.faults import answer, read_request
from support.listening import Listening

if TYPE_CHECKING:
    import socket

HEAD = "send one byte of a header after the other"
HINTS = "send one 1xx response after the other"
BODY = "send one byte of the body after the other"
HALF = "send half of the response in time, and nothing more"
UPLOAD = "read a little of the request after the other"
PEERS = (HEAD, HINTS, BODY, HALF)
PAUSE = 0.02
OK = b"HTTP/1.1 200 OK\r\n"
PARTS = {
    HEAD: (OK + b"X-A: ", b"a"),
    HINTS: (b"", b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"),
    BODY: (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    HALF: (OK + b"Content-Length: 9\r\n\r\n{", b""),
}
"""What a peer sends at first, and then again and again."""


class Hostile(Listening):
    """Answers the first requests with the given JSON, and treats all others as a peer does. `met` is set by those."""

    def __init__(self, peer: str, *first: bytes) -> None:
        super().__init__()
        self.peer, self.first = peer, list(first)
        self.met, self.end = Event(), Event()

    def let_go(self) -> None:
        self.end.set()
        super().let_go()

    def handle(self, connection: socket.socket) -> None:
        if self.peer == UPLOAD:
            self.met.set()
            while not self.end.wait(PAUSE) and connection.recv(1024):
                pass
            return
        if not read_request(connection).strip():
            return
        if self.first:
            connection.sendall(answer("200 OK", self.first.pop(0)))
            return
        self.met.set()
        begin, again = PARTS[self.peer]
        connection.sendall(begin)
        while not self.end.wait(PAUSE):
            connection.sendall(again)
