"""List the jobs that were started recently, newest first."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from replicate._jobs.matching import recent, threshold
from replicate._json import elements
from replicate._objects.cursors import at
from replicate.exceptions import APITimeoutError

if TYPE_CHECKING:
    from replicate._http.session import Session
    from replicate._jobs.any_job import Endpoints

CLOCKS = timedelta(minutes=10)
"""The largest tolerated difference between this machine's clock and the API's."""
PAGES = 20


async def list_recent(session: Session[Any], endpoints: Endpoints, sent: float) -> list[Any]:
    """Return the jobs that were started since `sent`, a time of the transport's clock."""
    endpoint, now = endpoints.list, session.transport.now
    earliest = datetime.now(UTC) - timedelta(seconds=math.ceil(now() - sent)) - CLOCKS
    request = endpoint.build_request(**({"created_after": earliest} if endpoints.listed_by_time else {}))
    found: dict[str, Any] = {}  # by id: jobs that are started meanwhile push others to the next page
    for _ in range(PAGES):
        response = await session.send(request)
        page = session.parse(endpoint, response)
        since = threshold(response.headers.get("date"), datetime.now(UTC), now() - sent)
        results = elements(page.results)
        found |= {each.id: each for each in results if recent(each, since) and each.id not in found}
        if not page.next or not all(recent(each, since) for each in results):
            break
        if session.remaining() <= 0:
            raise APITimeoutError("The time was up before all pages of the list had been read.")
        request = at(session, page.next)
    return [*found.values()]
