"""A server of raw sockets that handles each connection in a thread."""

from __future__ import annotations

import contextlib
import socket
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self


class Listening:
    """Accepts connections and passes each to `handle`, which an OSError may end. The block waits for all threads."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [Thread(target=self._serve, name=type(self).__name__.lower())]
        self._connections: list[socket.socket] = []
        self._closing = False

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def origin(self) -> str:
        return f"http://{self.address}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self.let_go()
        socket.create_connection(self._listener.getsockname()).close()
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()
        for each in (*self._connections, self._listener):
            each.close()

    def let_go(self) -> None:
        """End the connections, whose other sides stay open if a client is not closed."""
        for each in self._connections:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def handle(self, connection: socket.socket) -> None:
        """Serve a connection, which is closed afterwards."""
        raise NotImplementedError

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._closing:
                connection.close()
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a second small packet waits 40 ms else
            self._connections.append(connection)
            self._threads.append(Thread(target=self._handle, args=(connection,), name=self._threads[0].name))
            self._threads[-1].start()

    def _handle(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self.handle(connection)
