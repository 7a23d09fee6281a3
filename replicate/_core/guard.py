"""Keeps what strangers name off private hosts: outputs, whose URLs models write, and redirects.

A host is checked by its name and address before anything is sent, and by what it resolves to as soon as a connection is
made: httpcore's `trace` extension shows that before the request goes out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from replicate._core.exchange import Foreign, Unfetchable
from replicate._core.private_hosts import is_private, is_same, plain
from replicate._core.redirects import origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicate._core.config import Config

    Origin = tuple[str, bytes, int | None]

PRIVATE = "its host is private, and the client was not made with allow_private_hosts=True"
RESOLVED = "its host has a private address, and the client was not made with allow_private_hosts=True"
CAREFUL = (
    "Allow it only if files are really kept there: whoever wrote the URL may be after what only this machine can reach."
)


def is_allowed(url: httpx.URL | str, config: Config) -> bool:
    """Tell whether a stranger may name a URL, as far as the URL itself tells. Any text may be asked about."""
    try:
        host = host_of(httpx.URL(url))
    except (httpx.InvalidURL, UnicodeError):
        return False
    return config.allow_private_hosts or is_same(host, host_of(config.base_url)) or not is_private(host)


def host_of(url: httpx.URL) -> str:
    """Give a URL's host as it is looked up."""
    return url.raw_host.decode("ascii")


def guard(arguments: dict[str, Any], config: Config, reached: set[Origin], *, stranger: bool, blocking: bool) -> None:
    """Have a request refused if a stranger has named its URL, and its host is private. Raises Unfetchable.

    The API's own host never is, and `allow_private_hosts` lets all pass. `reached` collects the private hosts that
    other requests have connections to: a connection that is used again is not looked at again.
    """
    if not isinstance(arguments, Foreign):
        return
    url: httpx.URL = arguments["url"]
    own = host_of(config.base_url)
    if is_same(host_of(url), own):
        return
    strict = stranger and not config.allow_private_hosts
    if strict and not is_allowed(url, config):
        raise Unfetchable(PRIVATE, hint=CAREFUL)
    if strict and origin(url) in reached:
        raise Unfetchable(RESOLVED, hint=CAREFUL)
    peer = Peer(url, own, reached, strict=strict)
    arguments["extensions"] = {"trace": peer.connects if blocking else peer.connects_async}


class Peer:
    """Sees where a request's new connection leads to, and closes it if it must not be.

    A connection to another host than the URL's is one to a proxy, which alone knows where it goes on to.
    """

    def __init__(self, url: httpx.URL, own: str, reached: set[Origin], *, strict: bool) -> None:
        self._url, self._own, self._reached, self._strict = url, own, reached, strict
        self._direct = False

    def connects(self, event: str, info: Mapping[str, Any]) -> None:
        """Look at an event of a blocking connection. Raises Unfetchable."""
        if self._is_refused(event, info):
            info["return_value"].close()
            raise self._refusal()

    async def connects_async(self, event: str, info: Mapping[str, Any]) -> None:
        """Look at an event of an asynchronous connection. Raises Unfetchable."""
        if self._is_refused(event, info):
            await info["return_value"].aclose()
            raise self._refusal()

    def _is_refused(self, event: str, info: Mapping[str, Any]) -> bool:
        if event == "connection.connect_tcp.started":
            self._direct = plain(str(info.get("host"))) == plain(host_of(self._url))
        if event != "connection.connect_tcp.complete" or not self._direct:
            return False
        address = address_of(info["return_value"])
        if address is None or not is_private(address) or is_same(address, self._own):
            return False
        if not self._strict:
            self._reached.add(origin(self._url))
        return self._strict

    def _refusal(self) -> Unfetchable:
        return Unfetchable(RESOLVED, hint=CAREFUL)


def address_of(stream: Any) -> str | None:
    """Give the address of who is at the other end of a connection, if it has one."""
    try:
        return plain(stream.get_extra_info("server_addr")[0])
    except Exception:  # noqa: BLE001 - a stream of whatever kind, which may have been closed
        return None
