"""A server of raw sockets that sends the beginning of an answer, and the rest when a test says so."""

from __future__ import annotations

import contextlib
import socket
from threading import Event, Thread
from typing import TYPE_CHECKING

from support.faults import read_request, reset

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

PATIENCE = 10
"""Seconds after which the rest is sent anyway, for the test has failed."""


class Slow:
    """Answers each request with the status and the body that a function of it gives.

    The body is sent when `go` is set. Of the first `breaking` answers half of it is, and the connection is reset.
    """

    def __init__(self, answer: Callable[[bytes], tuple[str, bytes]], *, breaking: int = 0) -> None:
        self.answer, self.breaking = answer, breaking
        self.requests: list[bytes] = []
        self.connections = 0
        self.go = Event()
        self._open: list[socket.socket] = []
        self._closing = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._serve, name="slow")

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    @property
    def asked(self) -> list[str]:
        """The method and path of each request, without its query."""
        return [" ".join(each.decode().split(" ", 2)[:2]).partition("?")[0] for each in self.requests]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self.go.set()
        socket.create_connection(self._listener.getsockname()).close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        threads = list[Thread]()
        while True:
            connection, _ = self._listener.accept()
            if self._closing:
                connection.close()
                break
            self.connections += 1
            self._open.append(connection)
            threads.append(Thread(target=self._handle, args=(connection,)))
            threads[-1].start()
        for thread in threads:
            thread.join()

    def _handle(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
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
