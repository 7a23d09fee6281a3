"""What `PredictionUrls` holds."""

from __future__ import annotations

from attrs import define

from ..types import UNSET, AttributeDict, GetText


@define(slots=False, kw_only=True, eq=False, repr=False)
class PredictionUrls(AttributeDict):
    """URLs about the prediction."""

    cancel: str
    """POST here to cancel it."""

    get: GetText  # pyright: ignore[reportIncompatibleMethodOverride]
    """GET here to read it again."""

    stream: str | None = UNSET
    """GET here with `Accept: text/event-stream` to receive output and logs as they come, as server-sent events
    `output`, `logs`, `error` and `done`. There only if the model can stream. The URL needs no token: treat it as a
    secret.
    """

    web: str | None = UNSET
    """Its page on the website."""
