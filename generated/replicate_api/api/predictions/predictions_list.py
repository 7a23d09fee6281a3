"""The operation `predictions_list`: `GET /predictions`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.prediction_page import PredictionPage
    from ...models.source_filter import SourceFilter


def build_request(
    *,
    created_after: datetime | None = types.UNSET,
    created_before: datetime | None = types.UNSET,
    source: SourceFilter | None = types.UNSET,
) -> types.Request:
    """List predictions.

    List the predictions of the account, whether made by API or on the website, 100 a page, newest
    first. A listed prediction may come without its output and logs; `predictions.get` has all of it.

    Parameters:
        created_after: Only predictions created at or after this moment. Give the offset from
            UTC.
        created_before: Only predictions created before this moment. Give the offset from UTC.
        source: `web` for only those predictions that were made on the website, which reach back
            14 days. Without it, predictions of every origin are listed.
    """
    return types.Request(
        "GET",
        "/predictions",
        query=types.query(
            created_after=created_after,
            created_before=created_before,
            source=source,
        ),
    )


def parse_response(content: bytes) -> PredictionPage:
    """Read the answer's JSON."""
    from ...models.prediction_page import PredictionPage

    return types.decode(content, PredictionPage.from_dict)
