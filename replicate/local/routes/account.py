"""The account that the token belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from replicate.local.cloud import USERNAME

if TYPE_CHECKING:
    from starlette.requests import Request


async def get(_request: Request) -> Response:
    """Answer who the user is: on this server always the same one."""
    return JSONResponse({"type": "user", "username": USERNAME, "name": "Local server"})


ROUTES = [Route("/account", get)]
