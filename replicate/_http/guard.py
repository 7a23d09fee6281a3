"""Keeps requests for untrusted URLs off private hosts: URLs in outputs, which models write, and in redirects.

A host is checked by its name and address before anything is sent. The address that it resolves to is checked as soon as
a connection is made: httpcore's `trace` extension reports it before the request goes out. It does not report a reused
connection, which another request may have made. So the response's peer is checked too, before any of it is passed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import httpx

from replicate._http.connections.addresses import Unfetchable, check_address
from replicate._http.connections.interface import ALWAYS, ThirdPartyRequest
from replicate._http.error_responses import OF_THE_BODY
from replicate._http.libraries import library_of
from replicate._http.private_hosts import is_private, is_private_peer, is_same, plain
from replicate._http.redirects import origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicate._http.config import Config
    from replicate._http.connections.interface import Transport

    Origin = tuple[str, bytes, int | None]
    Reached = dict[Origin, set[str]]
    """The private addresses of hosts. An empty set means that a host was checked and is public."""


PRIVATE = "its host is private, and the client was not made with allow_private_hosts=True"
RESOLVED = "its host has a private address, and the client was not made with allow_private_hosts=True"
CAREFUL = (
    "Allow it only if files are really kept there: whoever wrote the URL may be after what only this machine can reach."
)


def is_allowed(url: httpx.URL | str, config: Config) -> bool:
    """Return whether an untrusted URL is allowed, judging by the URL alone. Any text can be passed."""
    try:
        host = host_of(httpx.URL(url))
    except (httpx.InvalidURL, UnicodeError):
        return False
    return config.allow_private_hosts or is_same(host, host_of(config.base_url)) or not is_private(host)


def host_of(url: httpx.URL) -> str:
    """Return a URL's host as it is resolved."""
    return url.raw_host.decode("ascii")


async def send_guarded(
    transport: Transport,
    arguments: dict[str, Any],
    config: Config,
    reached: Reached,
    *,
    stranger: bool,
    stream: bool,
    seconds: float,
    creates: bool = False,
) -> httpx.Response:
    """Send a request, as `exchange` does, unless its URL is untrusted and its host is private.

    The API's own host is always allowed; `allow_private_hosts` allows every host. `reached` collects the private
    addresses to which other requests have connections. Raises Unfetchable.
    """
    url: httpx.URL = arguments["url"]
    most = config.max_response_bytes
    if not isinstance(arguments, ThirdPartyRequest):
        response = await exchange(transport, arguments, stream=stream, seconds=seconds, creates=creates, most=most)
        if (known := origin(url)) not in reached:
            reached[known] = set()
            if address := private_peer(response, url, transport):
                reached[known].add(address)
        return response
    own = host_of(config.base_url)
    strict = stranger and not config.allow_private_hosts and not is_same(host_of(url), own)
    if strict and not is_allowed(url, config):
        raise Unfetchable(PRIVATE, hint=CAREFUL)
    if strict and not all(is_same(address, own) for address in reached.get(origin(url), ())):
        raise Unfetchable(RESOLVED, hint=CAREFUL)
    peer = Peer(url, own, reached, strict=strict)
    arguments["extensions"] = {"trace": peer.connects if transport.blocking else peer.connects_async}
    if not strict:
        return await exchange(transport, arguments, stream=stream, seconds=seconds, most=most)
    response = await exchange(transport, arguments, stream=True, seconds=seconds)
    try:
        peer.check(response, transport)
    except httpx.RequestError:
        await transport.close_response(response)
        raise
    if not stream:
        await transport.read(response, most)
    return response


class Peer:
    """Checks where a request's new connection leads, and closes it if that is not allowed.

    A connection to a host other than the URL's leads to a proxy. Only the proxy knows the final destination.
    """

    def __init__(self, url: httpx.URL, own: str, reached: Reached, *, strict: bool) -> None:
        self._url, self._own, self._reached, self._strict = url, own, reached, strict
        self._new = self._direct = False

    def connects(self, event: str, info: Mapping[str, Any]) -> None:
        """Check an event of a blocking connection. Raises Unfetchable."""
        if self._is_refused(event, info):
            info["return_value"].close()
            raise self._refusal()

    async def connects_async(self, event: str, info: Mapping[str, Any]) -> None:
        """Check an event of an asynchronous connection. Raises Unfetchable."""
        if self._is_refused(event, info):
            await info["return_value"].aclose()
            raise self._refusal()

    def check(self, response: httpx.Response, transport: Transport) -> None:
        """Check the peer that has responded. Raises Unfetchable, and httpx.ReadError if it cannot be determined."""
        if self._new and not self._direct:
            return  # through a proxy
        address = private_peer(response, self._url, transport)
        if address is not None and not is_same(address, self._own):
            self._note(address)
            raise Unfetchable(RESOLVED, hint=CAREFUL, sent=True)
        if not self._new and is_gone(response):
            raise httpx.ReadError("The connection was reset before it could be told where it leads")

    def _is_refused(self, event: str, info: Mapping[str, Any]) -> bool:
        if event == "connection.connect_tcp.started":
            self._direct = plain(str(info.get("host"))) == plain(host_of(self._url))
        if event != "connection.connect_tcp.complete":
            return False
        self._new = True
        address = address_of(info["return_value"]) if self._direct else None
        if address is None or not is_private_peer(address):
            return False
        if not self._strict:
            self._note(address)
        return self._strict and not is_same(address, self._own)

    def _note(self, address: str) -> None:
        self._reached.setdefault(origin(self._url), set()).add(address)

    def _refusal(self) -> Unfetchable:
        return Unfetchable(RESOLVED, hint=CAREFUL)


def address_of(stream: Any) -> str | None:
    """Return the address of a connection's peer, if it has one."""
    try:
        return plain(stream.get_extra_info("server_addr")[0])
    except Exception:  # noqa: BLE001 - any kind of stream, which may be closed
        return None


def private_peer(response: httpx.Response, url: httpx.URL, transport: Transport) -> str | None:
    """Return the private address that a response came from; None if the address is public or a proxy's."""
    stream: Any = response.extensions.get("network_stream")
    address = address_of(stream)
    if address is None or not is_private_peer(address):
        return None
    return None if stream.get_extra_info("server_addr")[1] != origin(url)[2] or is_proxied(url, transport) else address


def is_proxied(url: httpx.URL, transport: Transport) -> bool:
    """Return whether requests to a URL go through a proxy, as far as an httpx client shows it."""
    try:
        pool: Any = transport.client._transport_for_url(url)._pool  # noqa: SLF001 - there is no public way
    except Exception:  # noqa: BLE001 - any kind of client or transport
        return False
    return type(pool).__name__.endswith("Proxy") or getattr(pool, "_proxy", None) is not None


def is_gone(response: httpx.Response) -> bool:
    """Return whether a response came over the internet, but its connection no longer shows from where."""
    stream: Any = response.extensions.get("network_stream")
    try:
        family = stream.get_extra_info("socket").family
    except Exception:  # noqa: BLE001 - a mock, or any kind of stream
        return False
    return getattr(family, "name", "").startswith("AF_INET") and address_of(stream) is None


async def exchange(
    transport: Transport,
    request: Mapping[str, Any],
    *,
    stream: bool = False,
    seconds: float = ALWAYS,
    creates: bool = False,
    most: float = ALWAYS,
) -> httpx.Response:
    """Send a request. Raises Unfetchable if its address is invalid, or if the response redirects to an invalid one.

    The response is returned even if a hook of the caller's httpx client has raised HTTPStatusError for it.
    """
    check_address(request["url"])
    try:
        return await transport.send(request, stream=stream, seconds=seconds, creates=creates, most=most)
    except httpx.HTTPStatusError as error:
        return refused_by_hook(error.response)
    except (httpx.InvalidURL, httpx.RemoteProtocolError, UnicodeError) as error:
        # httpx parses the target of a redirect even if it is not followed. Only the context of some errors says why.
        odd: BaseException | None = error
        while odd is not None and type(odd).__name__ != "InvalidURL" and type(odd).__module__ != "idna.core":
            odd = odd.__context__
        if odd is None:
            raise
        reason = f"it redirects to what is no address: {odd}"
        raise Unfetchable(reason, sent=request["method"] not in ("GET", "HEAD")) from error


def refused_by_hook(response: Any) -> httpx.Response:
    """Return a copy of a response that its library has closed, with its content if a hook has read that."""
    library = library_of(response)
    headers = [header for header in response.headers.raw if header[0].lower() not in OF_THE_BODY]
    try:
        content = response.content
    except library.ResponseNotRead:
        content = b""
    status, extensions = response.status_code, response.extensions
    made = library.Response(status, headers=headers, content=content, request=response.request, extensions=extensions)
    return cast("httpx.Response", made)
