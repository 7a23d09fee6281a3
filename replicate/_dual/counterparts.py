"""The prediction that `async_` methods act on, as a user of a blocking client sees it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from replicate._dual.colours import acting_through
from replicate_api.types import stored

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from replicate._dual.colours import ColouredSession


class Counterpart:
    """A prediction or training with the asynchronous session, and its counterpart for a blocking client.

    The two are kept in sync: `show` updates the counterpart from the source, and `take_back` updates the source if the
    counterpart has finished.
    """

    def __init__(self, source: Any, session: ColouredSession[Any], shown: Any = None) -> None:
        self.source = source
        self._session = session
        self._shown = acting_through(source, session) if shown is None else shown
        self._seen = None if shown is not None else changing_fields(source)

    def show(self) -> Any:
        """Return the object for the blocking client, always the same one."""
        self.take_back()
        if (seen := changing_fields(self.source)) != self._seen:
            self._shown.__dict__ = {**self.source.__dict__, "_bound": self._session}
            self._seen = seen
        return self._shown

    def take_back(self) -> None:
        """Mark the source as finished if its counterpart has finished, for example because the user canceled it."""
        if self._shown.finished and not self.source.finished:
            self.source.__dict__ = {**self._shown.__dict__, "_bound": self.source.__dict__["_bound"]}


def changing_fields(run: Any) -> tuple[Any, ...]:
    """Return the parts of a prediction or training that change while it runs."""
    return run.status, run.logs, stored(run, "output"), stored(run, "urls")


class OnUpdate:
    """An `on_update` of a blocking client's `async_` method. It gets a prediction that works in both colours."""

    def __init__(self, callback: Callable[[Any], object], session: ColouredSession[Any], owner: Any = None) -> None:
        self._callback, self._session, self._owner = callback, session, owner
        self.counterpart: Counterpart | None = None

    def __call__(self, run: Any) -> object:
        """Call the callback. If it returns an awaitable, return one too."""
        if self.counterpart is None or self.counterpart.source is not run:
            self.counterpart = Counterpart(run, self._session, self._owner)
        given = self._callback(self.counterpart.show())
        if inspect.isawaitable(given):
            return self._awaited(given)
        self.counterpart.take_back()
        return given

    async def _awaited(self, given: Awaitable[object]) -> object:
        result = await given
        assert self.counterpart is not None  # noqa: S101 - it has been called
        self.counterpart.take_back()
        return result
