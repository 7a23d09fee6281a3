"""A server of raw sockets that does as a test says: it sends responses or garbage, stays silent, or breaks off."""

from __future__ import annotations

import contextlib
import socket
import struct
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

RESET_UNREAD = "reset the connection before reading the request"
RESET_READ = "reset the connection when the request is read"
CLOSE_READ = "close the connection when the request is read"
SILENCE = "read the request and never answer"
STALLED = "answer with half a body and nothing more"
ENDLESS = "answer with a body that never ends, byte by byte"
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def answer(status: str = "200 OK", body: bytes = b"{}", *headers: str) -> bytes:
    """Return a response. A `Content-Length` among the headers replaces the true one."""
    length = (
        []
        if any(header.lower().startswith("content-length") for header in headers)
        else [f"Content-Length: {len(body)}"]
    )
    return "\r\n".join([f"HTTP/1.1 {status}", "Connection: close", *length, *headers, "", ""]).encode() + body


class Faults:
    """Handles each connection with the next of its behaviours. The last one repeats.

    A behaviour is the bytes to send, a function that returns these for the request, or one of the constants above.
    `requests` are the requests that were read.
    """

    def __init__(self, *behaviours: bytes | str | Callable[[bytes], bytes]) -> None:
        self.behaviours = list(behaviours)
        self.requests: list[bytes] = []
        self.connections = 0
        self._held: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._serve, name="faults")

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        address = self._listener.getsockname()
        behaviours, self.behaviours = self.behaviours, []
        with contextlib.suppress(OSError):
            socket.create_connection(address).close()
        self._thread.join()
        self._listener.close()
        for held in self._held:
            held.close()
        self.behaviours = behaviours

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if not self.behaviours:
                connection.close()
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            behaviour = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
            with contextlib.suppress(OSError):
                self._handle(connection, behaviour)

    def _handle(self, connection: socket.socket, behaviour: bytes | str | Callable[[bytes], bytes]) -> None:
        if behaviour is RESET_UNREAD:
            reset(connection)
            return
        self.requests.append(read_request(connection))
        if callable(behaviour):
            behaviour = behaviour(self.requests[-1])
        if isinstance(behaviour, bytes):
            with connection:
                connection.sendall(behaviour)
        elif behaviour is RESET_READ:
            reset(connection)
        elif behaviour is CLOSE_READ:
            connection.close()
        elif behaviour is ENDLESS:
            with connection:
                connection.sendall(HEAD)
                while self.behaviours:
                    connection.sendall(b"1\r\n \r\n")
        else:
            self._held.append(connection)
            if behaviour is STALLED:
                connection.sendall(HEAD + b"1\r\n \r\n")


def read_request(connection: socket.socket) -> bytes:
    """Read a request with its body, or as much as comes before the other side closes the connection."""
    received = b""
    while b"\r\n\r\n" not in received and (more := connection.recv(65536)):
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    expected = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < expected and (more := connection.recv(65536)):
        body += more
    return head + b"\r\n\r\n" + body


def reset(connection: socket.socket) -> None:
    """Close a connection with RST: the other side gets ECONNRESET."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def refusing_url() -> str:
    """Return a base URL where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
