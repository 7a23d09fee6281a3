"""A host of output files, which is not the API's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from support.faults import Faults, answer
from support.sessions import Hasty, HastyAsync, config

from replicate import FileOutput
from replicate._core.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = bytes(range(256)) * 1000


class Host(Faults):
    """Answers by its behaviours, and makes outputs that lie here."""

    def output(self, path: str = "/x/out.bin", *, blocking: bool = True) -> FileOutput[Any]:
        """Make an output of a session whose API is elsewhere."""
        session: Session[Any] = Session(config(max_retries=1), Hasty() if blocking else HastyAsync())
        return FileOutput(self.origin + path, session)


@contextmanager
def hosted(*behaviours: bytes | str) -> Iterator[Host]:
    """Run a host; without behaviours every file has the same content."""
    with Host(*(behaviours or [answer("200 OK", CONTENT)])) as host:
        yield host
