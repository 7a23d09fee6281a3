"""What was started last: which operations tell of it, and the list of it, newest first."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from replicate._jobs.matching import recent, threshold
from replicate._json import elements
from replicate._objects.cursors import at

if TYPE_CHECKING:
    from replicate._http.session import Session

CLOCKS = timedelta(minutes=10)
"""How far this machine's clock may be from the API's."""
PAGES = 20


def endpoints(noun: str) -> tuple[Any, Any, Any]:
    """Give what lists, reads and cancels predictions or trainings."""
    if noun == "training":
        from replicate_api.api.trainings import trainings_cancel, trainings_get, trainings_list

        return trainings_list, trainings_get, trainings_cancel
    from replicate_api.api.predictions import predictions_cancel, predictions_get, predictions_list

    return predictions_list, predictions_get, predictions_cancel


async def newest(session: Session[Any], noun: str, sent: float) -> list[Any]:
    """List what was started since a moment of the transport's clock."""
    endpoint, now = endpoints(noun)[0], session.transport.now
    if noun == "training":
        request = endpoint.build_request()
    else:
        earliest = datetime.now(UTC) - timedelta(seconds=math.ceil(now() - sent)) - CLOCKS
        request = endpoint.build_request(created_after=earliest)
    found: dict[str, Any] = {}  # by their ids: what is started meanwhile moves the others to the next page
    for _ in range(PAGES):
        response = await session.send(request)
        page = session.parse(endpoint, response)
        since = threshold(response.headers.get("date"), datetime.now(UTC), now() - sent)
        results = elements(page.results)
        found |= {each.id: each for each in results if recent(each, since) and each.id not in found}
        if not page.next or not all(recent(each, since) for each in results):
            break
        request = at(session, page.next)
    return [*found.values()]
