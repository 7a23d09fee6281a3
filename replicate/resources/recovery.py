"""Finding out what became of a create whose answer was lost, so that nothing is paid for twice or left running.

The API has no name for a request that could be asked about. But it lists what was started, newest first, each with the
model and the input. What was started since the request went out, is what it asked for, and is not known to be another
create's, is what it started.
"""

from __future__ import annotations

import copy
import logging
import math
from collections import OrderedDict
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, cast

import httpx

from replicate._core.page import at
from replicate._core.plain import elements
from replicate._core.polling import Deadline
from replicate._core.problems import was_sent
from replicate._core.session import LAST_CHANCE
from replicate.exceptions import AmbiguousCreateError, APIError, APIResponseValidationError, ReplicateError
from replicate.resources.matching import Asked, fitting, recent, threshold
from replicate.resources.waiting import LAST_WILL, PASSING, TERMINAL, stop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from replicate._core.exchange import Transport
    from replicate._core.session import Session

log: logging.Logger = logging.getLogger("replicate")

PAUSES = (0.0, 1.0, 3.0)
"""Seconds to wait before each look: what is just being started may show late."""
HASTY = PAUSES[:2]
"""The same, where somebody waits for the program to end."""
CROWDED, CROWDED_LOOKS = 1.0, 90
"""Seconds between looks, and how many, while the same is asked for by other creates that are not answered yet."""
CLOCKS = timedelta(minutes=10)
"""How far this machine's clock may be from the API's."""
PAGES = 20
REMEMBERED = 10_000


class Ledger:
    """The creates of a client: those that are under way, and what is known to belong to one. Threads share it."""

    def __init__(self) -> None:
        self.under_way: dict[Create, None] = {}
        self._claims: OrderedDict[str, Create] = OrderedDict()

    def claim(self, run_id: str, create: Create) -> bool:
        """Note what a create has started. False if that is another one's: one of two that ask at once gets it."""
        if self._claims.setdefault(run_id, create) is not create:
            return False
        while len(self._claims) > REMEMBERED:
            self._claims.popitem(last=False)
        return True

    def is_free(self, run_id: str) -> bool:
        """Tell whether nobody has claimed it."""
        return run_id not in self._claims


class Create:
    """A request that starts something, and what became of it.

    Used as a block around it: where that is left by an interrupt while the request may be under way, what it may have
    started is looked for and canceled, unless `cancel` is False.
    """

    def __init__(self, session: Session[Any], noun: str, *, cancel: bool) -> None:
        self.session: Session[Any] = session
        self.noun: str = noun
        self._cancel = cancel
        self._ledger: Ledger = session.memory.setdefault(Ledger, Ledger())
        self.asked: Asked = Asked({}, {})
        self.sent: float = 0.0
        """When the request went out last."""
        self.out: bool = False
        """Whether it may have arrived."""
        self.lost: bool = False
        """Whether no answer will tell what became of it."""
        self.id: str | None = None
        """What it has started."""
        self._listed: Any = None
        self._found: list[str] = []
        self._crowded = False
        self._trouble: ReplicateError | None = None

    def watched(self, session: Session[Any]) -> Session[Any]:
        """Give a session by which the request is sent."""
        other = copy.copy(session)
        other.transport = cast("Transport", Outgoing(session.transport, self))
        return other

    def answered(self, run_id: str) -> None:
        """Note what the request has started."""
        self.id = run_id
        self._ledger.claim(run_id, self)

    async def __aenter__(self) -> None:
        self._ledger.under_way[self] = None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is not None and not isinstance(error, Exception) and self.out and self._cancel:
                await self.session.transport.shielded(self._call_off, LAST_WILL)
        finally:
            del self._ledger.under_way[self]

    async def _call_off(self) -> None:
        """Cancel what the request has started, if that can be found out quickly."""
        self.lost = True
        try:
            if self.id is None:
                await self._find(Deadline(self.session, LAST_WILL - LAST_CHANCE).bound(self.session), HASTY)
            if self.id is not None:
                await stop(self.session, endpoints(self.noun)[2], self.id)
        except Exception as error:  # noqa: BLE001 - something else is being raised already
            log.debug("looking for an interrupted %s failed: %s", self.noun, error)

    async def recovered(self, error: APIError) -> Any:
        """Give what the request has started though its answer was lost. Raise AmbiguousCreateError if none is found."""
        self.lost = True
        await self._find(self.session, PAUSES)
        if self.id is None:
            raise self._ambiguous(error) from error
        log.info("the answer to a create was lost; %s %s was started by it, and is taken up", self.noun, self.id)
        try:
            return await self.session.call(endpoints(self.noun)[1], self.id)
        except APIError:
            if self._listed.status in TERMINAL:
                self._listed.status = "processing"  # for a list may leave out the output: who waits looks again
            return self._listed

    async def _find(self, session: Session[Any], pauses: Sequence[float]) -> None:
        """Look for what the request has started, some times. That a look fails does not end the search."""
        looks = crowded = 0
        while looks < len(pauses) and crowded < CROWDED_LOOKS:
            if pause := CROWDED if self._crowded else pauses[looks]:
                if session.remaining() <= pause:
                    return
                await session.transport.sleep(pause)
            try:
                await self._look(session)
            except (*PASSING, APIResponseValidationError) as error:
                self._trouble = error
            except ReplicateError as error:
                self._trouble = error
                return
            else:
                self._trouble = None
            if self.id is not None or (self._found and not self._crowded):
                return
            crowded, looks = (crowded + 1, looks) if self._crowded else (crowded, looks + 1)

    async def _look(self, session: Session[Any]) -> None:
        """Look once, and take up what fits.

        Creates of this client that ask for the same may have started what fits just as well. Those that will be
        answered can be waited for; of those whose answers are lost, too, each may take any.
        """
        self._crowded = False
        listed = await newest(session, self.noun, self.sent)
        now = session.transport.now()
        rivals = [
            other
            for other in list(self._ledger.under_way)
            if other is not self and other.sent <= now and other.noun == self.noun and other.asked == self.asked
        ]
        fit = [each for each in fitting(self.asked, listed) if self._ledger.is_free(each.id)]
        self._found = [each.id for each in fit]
        self._crowded = bool(fit) and any(other.out and not other.lost for other in rivals)
        if self._crowded or len(fit) > 1 + sum(other.lost for other in rivals):
            return
        for each in fit:
            if self._ledger.claim(each.id, self):
                self.id, self._listed = each.id, each
                return

    def _ambiguous(self, error: APIError) -> AmbiguousCreateError:
        """Make the error for a create of which it is not known what became of it."""
        noun, ids = self.noun, ", ".join(self._found)
        where = f"Look for it in client.{noun}s.list() or at https://replicate.com/{noun}s"
        if self._trouble is not None:
            looked = f"Looking for it failed, too: {self._trouble.message}"
        elif ids:
            looked = f"What it asked for was started several times: {ids}."
            where = f"See which of {ids} is not yours otherwise, by client.{noun}s.get() or client.{noun}s.list(),"
        else:
            looked = f"It does not show among the {noun}s that were started since."
        return AmbiguousCreateError(
            f"It is not known whether the {noun} was started: {error.message} {looked}",
            hint=f"It was not sent again, since that might be charged twice. {where} before you start another.",
        )


class Outgoing:
    """A transport that notes when a create goes out, and when it has certainly come to nothing."""

    def __init__(self, inner: Transport, create: Create) -> None:
        self._inner, self._create = inner, create

    async def send(self, request: Mapping[str, Any], **how: Any) -> httpx.Response:
        """Exchange a request for an answer."""
        self._create.out, self._create.sent = True, self._inner.now()
        try:
            response = await self._inner.send(request, **how)
        except httpx.RequestError as error:
            self._create.out = was_sent(error)
            raise
        self._create.out = response.status_code != 429
        return response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


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
        earliest = datetime.now(timezone.utc) - timedelta(seconds=math.ceil(now() - sent)) - CLOCKS
        request = endpoint.build_request(created_after=earliest)
    found: list[Any] = []
    for _ in range(PAGES):
        response = await session.send(request)
        page = session.parse(endpoint, response)
        since = threshold(response.headers.get("date"), datetime.now(timezone.utc), now() - sent)
        results = elements(page.results)
        found += [each for each in results if recent(each, since)]
        if not page.next or not all(recent(each, since) for each in results):
            break
        request = at(session, page.next)
    return found
