"""A server of one answer whose connections last."""

from __future__ import annotations

import contextlib
import socket
from threading import Thread
from typing import TYPE_CHECKING

from support.faults import answer, read_request

if TYPE_CHECKING:
    from typing import Self

ANSWER = answer("200 OK", b"secret").replace(b"Connection: close", b"Connection: keep-alive")


class Lasting:
    """Gives the same small file for every request, over connections that it never closes."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._held: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [Thread(target=self._serve, name="lasting")]

    def url(self, name: str) -> str:
        """Write the URL of this server, by a name of this machine."""
        return f"http://{name}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._held):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(20)
        for each in (self._listener, *self._held):
            each.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._held.append(connection)
                self._threads.append(Thread(target=self._answer, args=(connection,), name="lasting"))
                self._threads[-1].start()

    def _answer(self, connection: socket.socket) -> None:
        used = False
        with contextlib.suppress(OSError):
            while (request := read_request(connection)).strip():
                self.connections += not used
                used = True
                self.requests.append(request)
                connection.sendall(ANSWER.partition(b"secret")[0] if request.startswith(b"HEAD") else ANSWER)
