"""The base class for observers of a client."""

from __future__ import annotations

from replicate._annotations import resolve_lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import httpx

    from replicate import Prediction, Training  # as users know them: their own modules are above this one
    from replicate._errors import ReplicateException


class Observer:
    """A base class for observers of a client. Its methods do nothing: override those that you need.

    `Replicate(observers=[…])` takes any object with one or more of these methods; it need not be of a subclass. The
    methods are plain functions, even for an asynchronous client. They are called in place, one observer after the
    other. An exception in one is logged once and ends no call. An interrupt, such as KeyboardInterrupt, ends the call
    as it does elsewhere.
    """

    def started(self, prediction: Prediction[Any] | Training[Any]) -> None:
        """Handle the start of a prediction or training: its create was answered, or it was found later."""

    def sending(self, request: httpx.Request, attempt: int) -> None:
        """Handle a request before it is sent, for the first time (1) or as a retry (2, 3, …). The token is masked."""

    def received(self, response: httpx.Response, seconds: float) -> None:
        """Handle a response of any status, which took `seconds`. Its `request` is that of `sending`."""

    def failed(self, error: ReplicateException, retry_in: float | None) -> None:
        """Handle a failed attempt. The request is retried in `retry_in` seconds, or not at all if that is None."""

    def finished(self, prediction: Prediction[Any] | Training[Any]) -> None:
        """Handle the end of a prediction or training, when it is first seen: succeeded, failed or canceled."""


resolve_lazily(Observer)
