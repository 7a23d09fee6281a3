"""A host of output files that is not the API."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from support.faults import Faults, answer
from support.sessions import Hasty, HastyAsync, config

from replicate import FileOutput
from replicate._files import cache as copies
from replicate._http.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEPT: list[Session[Any]] = []
"""Sessions to keep until their event loop has ended. `cache` empties the list."""
CONTENT = bytes(range(256)) * 1000


class Host(Faults):
    """Answers by its behaviours, and makes outputs with its own URLs."""

    def output(self, path: str = "/x/out.bin", *, blocking: bool = True, **settings: Any) -> FileOutput[Any]:
        """Make an output of a session whose API is another host."""
        session = self.session(blocking=blocking, **settings)
        return FileOutput(self.origin + path, session)

    def session(self, *, blocking: bool = True, **settings: Any) -> Session[Any]:
        """Make a session and keep it, since trio warns of connections that are dropped early.

        The host is on this machine, and stands for one on the internet.
        """
        settings = {"max_retries": 1, "allow_private_hosts": True, **settings}
        session: Session[Any] = Session(config(**settings), Hasty() if blocking else HastyAsync())
        KEPT.append(session)
        return session

    @property
    def asked(self) -> list[tuple[str, str | None, str | None]]:
        """Each request's method, Range and If-Range."""
        return [
            (request.split()[0].decode(), field(request, "range"), field(request, "if-range"))
            for request in self.requests
        ]


@contextmanager
def hosted(*behaviours: bytes | str | Callable[[bytes], bytes]) -> Iterator[Host]:
    """Run a host. Without behaviours every file has the same content."""
    with Host(*(behaviours or [answer("200 OK", CONTENT)])) as host:
        yield host


@pytest.fixture
def host() -> Iterator[Host]:
    with hosted() as made:
        yield made


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test its own cache."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(copies, "cache", copies.Cache(folder))
    yield folder
    KEPT.clear()


def field(request: bytes, name: str) -> str | None:
    """Return a header of a request."""
    found = re.search(rb"(?im)^" + name.encode() + rb":[ ]*(.*?)\r$", request)
    return found[1].decode() if found else None


class Ranged:
    """A file that is served in parts. Each response breaks off after a number of bytes, except the last."""

    def __init__(self, *cuts: int, content: bytes = CONTENT, headers: tuple[str, ...] = ('ETag: "1"',)) -> None:
        self.cuts = [*cuts]
        self.content, self.headers = content, headers

    def __call__(self, request: bytes) -> bytes:
        cut = self.cuts.pop(0) if self.cuts else None
        start = 0
        validators = {header.partition(": ")[2] for header in self.headers}
        wanted, condition = field(request, "range"), field(request, "if-range")
        if wanted and (condition is None or condition in validators):
            start = int(wanted[6:].partition("-")[0])
        status, headers = "200 OK", [*self.headers, f"Content-Length: {len(self.content) - start}"]
        if start:
            status = "206 Partial Content"
            headers.append(f"Content-Range: bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        body = b"" if request.startswith(b"HEAD") else self.content[start:][:cut]
        return answer(status, body, *headers)
