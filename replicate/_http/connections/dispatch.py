"""Sends requests with httpx. The frames that hold the token are removed from errors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import httpx

from replicate._dual.generators import without_asyncgen_hooks
from replicate._http.connections.bodies import prepared, with_body
from replicate._http.connections.interface import TIE, ThirdPartyRequest
from replicate._http.connections.pool import with_timeout
from replicate._http.libraries import as_own_errors, converted
from replicate._http.secrecy.frames import interruption
from replicate._http.secrecy.hiding import authorization, mask_response, true_headers
from replicate._http.secrecy.scrubbing import cut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicate._http.connections.deadline_backend import Exchange
    from replicate._http.libraries import Library
    from replicate._http.secrecy.hiding import Sealed


def send_request(
    client: Sealed[Any], request: Mapping[str, Any], library: Library, exchange: Exchange, *, own: bool
) -> httpx.Response:
    """Send a request within an exchange, and return the response, whose content has not been read."""
    outer = sys.exception()
    try:
        return _send(client, request, library, exchange, own=own)
    except BaseException as error:
        interrupt = interruption(error, outer)
        cut(error, outer, authorization(request.get("headers")))
        if interrupt is None:
            raise
    try:
        raise interrupt
    finally:
        del interrupt  # its traceback contains this frame


async def send_request_async(
    client: Sealed[Any], request: Mapping[str, Any], library: Library, exchange: Exchange, *, own: bool
) -> httpx.Response:
    """Send a request within an exchange, and return the response, whose content has not been read."""
    outer = sys.exception()
    try:
        return await _send_async(client, request, library, exchange, own=own)
    except BaseException as error:
        interruption(error, outer)  # marks what a signal handler has raised
        cut(error, outer, authorization(request.get("headers")))
        raise


def _send(
    client: Sealed[Any], request: Mapping[str, Any], library: Library, exchange: Exchange, *, own: bool
) -> httpx.Response:
    with as_own_errors(library):
        made, how = build_request(client.open(), request, library, own=own)
        if exchange.limited:
            exchange.limit(made)
        response: httpx.Response = mask_response(client.open().send(made, **how))
    return response


async def _send_async(
    client: Sealed[Any], request: Mapping[str, Any], library: Library, exchange: Exchange, *, own: bool
) -> httpx.Response:
    with as_own_errors(library):
        made, how = build_request(client.open(), request, library, own=own)
        if exchange.limited:
            exchange.limit(made)
        sending = without_asyncgen_hooks(client.open().send(made, **how))
        left = exchange.left_to_send() + TIE
        response: httpx.Response = mask_response(await with_timeout(sending, left, httpx.ReadTimeout))
    return response


def build_request(
    client: Any, request: Mapping[str, Any], library: Library, *, own: bool = False
) -> tuple[Any, dict[str, Any]]:
    """Return a request of a client's library, and the arguments to send it with.

    A ThirdPartyRequest is built by hand, so that a client's own headers, cookies and parameters are not merged into it.
    So is a request for a client of our `own`, which mostly has headers only, and takes much longer to merge them.
    """
    how = {"stream": True, "follow_redirects": False}
    raw = true_headers(request.get("headers"))
    arguments = converted(request, library)
    foreign = isinstance(request, ThirdPartyRequest)
    if not foreign and (not own or client.params or client.cookies.jar):
        return with_body(client.build_request(**{**arguments, "headers": raw}), request, library), how
    given = {name: value for name, value in arguments.items() if name not in ("timeout", "params", "headers")}
    given["extensions"] = {**given.get("extensions", {}), "timeout": httpx.Timeout(request["timeout"]).as_dict()}
    if foreign:
        given["headers"] = library.Headers(raw)
        return with_body(library.Request(**given), request, library), {**how, "auth": None}
    names = {name.lower() for name, _ in raw}
    headers = [*(header for header in client.headers.raw if header[0].lower() not in names), *raw]
    if "files" not in given and isinstance(given.get("content", b""), bytes):
        made = prepared(given, headers, library)
    else:
        made = library.Request(**given, headers=library.Headers(headers))
    return with_body(made, request, library), how
