"""Handing a request with the token in it to httpx. What is raised leaves without the frames that hold the token."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import httpx

from replicate._dual.generators import without_asyncgen_hooks
from replicate._http.connections.interface import build_request
from replicate._http.connections.pool import with_timeout
from replicate._http.libraries import as_own_errors
from replicate._http.secrecy.frames import interruption
from replicate._http.secrecy.hiding import authorization, mask_response
from replicate._http.secrecy.scrubbing import cut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicate._http.libraries import Library
    from replicate._http.secrecy.hiding import Sealed


def send_request(client: Sealed[Any], request: Mapping[str, Any], library: Library, *, own: bool) -> httpx.Response:
    """Exchange a request for an answer, whose content has not been read."""
    outer = sys.exception()
    try:
        return _send(client, request, library, own=own)
    except BaseException as error:
        interrupt = interruption(error, outer)
        cut(error, outer, authorization(request.get("headers")))
        if interrupt is None:
            raise
    try:
        raise interrupt
    finally:
        del interrupt  # which has this frame in its traceback


async def send_request_async(
    client: Sealed[Any], request: Mapping[str, Any], library: Library, seconds: float, *, own: bool
) -> httpx.Response:
    """Exchange a request for an answer, whose content has not been read, in so many seconds."""
    outer = sys.exception()
    try:
        return await _send_async(client, request, library, seconds, own=own)
    except BaseException as error:
        cut(error, outer, authorization(request.get("headers")))
        raise


def _send(client: Sealed[Any], request: Mapping[str, Any], library: Library, *, own: bool) -> httpx.Response:
    with as_own_errors(library):
        made, how = build_request(client.open(), request, library, own=own)
        response: httpx.Response = mask_response(client.open().send(made, **how))
    return response


async def _send_async(
    client: Sealed[Any], request: Mapping[str, Any], library: Library, seconds: float, *, own: bool
) -> httpx.Response:
    with as_own_errors(library):
        made, how = build_request(client.open(), request, library, own=own)
        exchange = without_asyncgen_hooks(client.open().send(made, **how))
        response: httpx.Response = mask_response(await with_timeout(exchange, seconds, httpx.ReadTimeout))
    return response
