"""Handing a request with the token in it to httpx. What is raised leaves without the frames that hold the token."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import httpx

from replicate._dual.generators import undisclosed
from replicate._http.connections.interface import outgoing
from replicate._http.connections.pool import timed
from replicate._http.libraries import as_own_errors
from replicate._http.secrecy.frames import interruption
from replicate._http.secrecy.hiding import authorization, covered
from replicate._http.secrecy.scrubbing import cut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicate._http.libraries import Library
    from replicate._http.secrecy.hiding import Sealed


def delivered(client: Sealed[Any], request: Mapping[str, Any], library: Library, *, own: bool) -> httpx.Response:
    """Exchange a request for an answer, whose content has not been read."""
    outer = sys.exception()
    try:
        return _deliver(client, request, library, own=own)
    except BaseException as error:
        interrupt = interruption(error, outer)
        cut(error, outer, authorization(request.get("headers")))
        if interrupt is None:
            raise
    try:
        raise interrupt
    finally:
        del interrupt  # which has this frame in its traceback


async def delivered_within(
    client: Sealed[Any], request: Mapping[str, Any], library: Library, seconds: float, *, own: bool
) -> httpx.Response:
    """Exchange a request for an answer, whose content has not been read, in so many seconds."""
    outer = sys.exception()
    try:
        return await _deliver_within(client, request, library, seconds, own=own)
    except BaseException as error:
        cut(error, outer, authorization(request.get("headers")))
        raise


def _deliver(client: Sealed[Any], request: Mapping[str, Any], library: Library, *, own: bool) -> httpx.Response:
    with as_own_errors(library):
        made, how = outgoing(client.open(), request, library, own=own)
        response: httpx.Response = covered(client.open().send(made, **how))
    return response


async def _deliver_within(
    client: Sealed[Any], request: Mapping[str, Any], library: Library, seconds: float, *, own: bool
) -> httpx.Response:
    with as_own_errors(library):
        made, how = outgoing(client.open(), request, library, own=own)
        exchange = undisclosed(client.open().send(made, **how))
        response: httpx.Response = covered(await timed(exchange, seconds, httpx.ReadTimeout))
    return response
