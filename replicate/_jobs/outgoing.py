"""Noting of a create when it goes out, and whether it may have arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._http.error_responses import may_have_arrived
from replicate._http.secrecy.hiding import authorization

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from replicate._http.connections.interface import Transport
    from replicate._http.connections.sending import Sending
    from replicate._jobs.recovery import Create


class Outgoing:
    """A transport that notes when a create goes out, and when it has certainly come to nothing."""

    def __init__(self, inner: Transport, create: Create) -> None:
        self._inner, self._create = inner, create

    async def send(self, request: Mapping[str, Any], **how: Any) -> httpx.Response:
        """Exchange a request for an answer."""
        await self._inner.prepare(request["url"])  # what fails here has sent nothing
        create, base_url = self._create, str(self._create.session.config.base_url)
        create.account = base_url.rstrip("/"), hash(authorization(request["headers"]))
        create.out, create.sent = True, self._inner.now()
        sending: Sending = request["extensions"]["trace"]
        try:
            response = await self._inner.send(request, **how, creates=True)
        except BaseException as error:
            create.out = may_have_arrived(error, sending)
            raise
        create.out = response.status_code != 429 and sending.arrived(otherwise=True)
        return response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
