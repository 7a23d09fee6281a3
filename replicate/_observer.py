"""What an observer of a client can have."""

from __future__ import annotations

from replicate._annotations import resolve_lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import httpx

    from replicate import Prediction, Training  # as users know them: their own modules are above this one
    from replicate._errors import ReplicateException


class Observer:
    """A base for observers of a client, whose methods do nothing: override those that you need.

    `Replicate(observers=[…])` takes any object with one of these methods, be it a subclass of this or not. They are
    plain functions, also for an asynchronous client, and are called in place, one observer after the other. What they
    raise is logged once and ends no call; an interrupt, such as KeyboardInterrupt, ends it as at any other place.
    """

    def started(self, prediction: Prediction[Any] | Training[Any]) -> None:
        """Learn of a prediction or a training that the client has started, when its create is answered, or found."""

    def sending(self, request: httpx.Request, attempt: int) -> None:
        """Learn of a request before it is sent for the first time (1), or again (2, 3, …). The token is masked."""

    def received(self, response: httpx.Response, seconds: float) -> None:
        """Learn of an answer, whatever its status, and how long it took. Its `request` is that of `sending`."""

    def failed(self, error: ReplicateException, retry_in: float | None) -> None:
        """Learn of an error, and after how many seconds the request is sent again, or None if it is not."""

    def finished(self, prediction: Prediction[Any] | Training[Any]) -> None:
        """Learn of a prediction or a training when it is first seen to have ended, in whatever way."""


resolve_lazily(Observer)
