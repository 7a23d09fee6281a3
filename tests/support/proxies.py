"""Proxies for HTTP and SOCKS 5 that run in a thread and connect to a server of the test."""

from __future__ import annotations

import re
import socket

from support.faults import read_request
from support.listening import Listening


class Proxy(Listening):
    """Forwards every request to a port of this machine, whatever its host. `asked` are the hosts, with the user.

    It speaks HTTP and SOCKS 5, and accepts any user name and password. A `silly` one answers everything with nonsense.
    """

    def __init__(self, port: int, *, silly: bool = False) -> None:
        super().__init__()
        self.asked: list[bytes] = []
        self._silly = silly
        self._target = ("127.0.0.1", port)

    def handle(self, connection: socket.socket) -> None:
        if self._silly:
            connection.recv(1)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        elif connection.recv(1, socket.MSG_PEEK) == b"\x05":
            self._socks(connection)
            self._hand_on(read_request(connection), connection)
        else:
            request = read_request(connection)
            self.asked.append(request.split(b" ")[1])
            self._hand_on(request, connection)

    def _socks(self, connection: socket.socket) -> None:
        methods = connection.recv(64)[2:]
        connection.sendall(b"\x05" + methods[:1])
        user = b""
        if methods[:1] == b"\x02":
            said = connection.recv(1024)
            user = said[2 : 2 + said[1]] + b"@"
            connection.sendall(b"\x01\x00")
        wanted = connection.recv(1024)
        host = wanted[5:-2] if wanted[3] == 3 else socket.inet_ntoa(wanted[4:8]).encode()
        self.asked.append(user + host)
        connection.sendall(b"\x05\x00\x00\x01" + bytes(6))

    def _hand_on(self, request: bytes, connection: socket.socket) -> None:
        with socket.create_connection(self._target) as server:
            request = request.replace(b"Connection: keep-alive", b"Connection: close", 1)
            request = re.sub(rb" http://[^/]*", b" ", request, count=1)
            server.sendall(re.sub(rb"(?i)host: [^\r]*", b"Host: localhost", request, count=1))
            while chunk := server.recv(65536):
                connection.sendall(chunk)


class Silent(Listening):
    """Accepts every connection, sends some bytes, and then stays silent."""

    def __init__(self, says: bytes = b"") -> None:
        super().__init__()
        self._says = says

    def handle(self, connection: socket.socket) -> None:
        connection.sendall(self._says)
        while connection.recv(1024):
            pass
