"""What a program still owns when Python exits is canceled then, whoever holds it."""

from __future__ import annotations

import atexit
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from replicate._dual.drive import drive
from replicate._http.connections.process import inheritors
from replicate.exceptions import ReplicateError

if TYPE_CHECKING:
    from replicate._http.session import Session

AT_EXIT = 10.0
"""Seconds that this may take in all. Ctrl-C ends it."""


class Block(Protocol):
    """A block that is to cancel something when it is left."""

    @property
    def run(self) -> Any:
        """What is to be canceled, if it is known."""

    @property
    def session(self) -> Session[Any] | None:
        """The session to cancel it by; None if nothing may have been started yet."""

    async def end(self, session: Session[Any], seconds: float = ...) -> None:
        """Cancel it by a session, within so many seconds."""


class ExitRegistry:
    """The blocks that are to cancel something when they are left, of this process. Threads share it."""

    def __init__(self) -> None:
        self._blocks: set[Block] = set()
        self._registered = False
        inheritors.add(self)

    def add(self, block: Block) -> None:
        """Note that a block has begun. From the first one on, this has its turn before the connections are closed."""
        if not self._registered:
            self._registered = True
            atexit.register(self.end)
            if util := sys.modules.get("multiprocessing.util"):  # whose processes do not end as others do
                util.Finalize(None, self.end, exitpriority=0)
        self._blocks.add(block)

    def remove(self, block: Block) -> bool:
        """Note that a block has ended. False if it was of another process, or has had its end already."""
        try:
            self._blocks.remove(block)
        except KeyError:
            return False
        return True

    def of(self, run: Any) -> Block | None:
        """Give the block that is to cancel a run, if one is."""
        return next((block for block in list(self._blocks) if run is not None and block.run is run), None)

    def end(self) -> None:
        """Cancel all there is, one after the other."""
        blocks, self._blocks = self._blocks, set()
        with suppress(KeyboardInterrupt):
            drive(cancel_all(list(blocks), AT_EXIT))

    def forget(self) -> None:
        """After a fork: leave to the parent process what is the parent's."""
        self._blocks, self._registered = set(), False


async def cancel_all(blocks: list[Block], seconds: float) -> None:
    """Cancel what blocks own, within so many seconds. Event loops are gone by then, so this is done by blocking."""
    for block in blocks:
        with suppress(ReplicateError):  # an HTTP client of the caller's may be of no use here
            if (own := block.session) is None:
                continue
            session = own if own.blocking else own.afresh()
            start = session.transport.now()
            await block.end(session, seconds)
            seconds -= session.transport.now() - start
            if session is not own:
                await session.transport.close()
        if seconds <= 0:
            return
