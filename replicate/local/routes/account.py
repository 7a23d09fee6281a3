"""The account that the token belongs to, and the secret of its webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from replicate.local.cloud import ACCOUNT
from replicate.local.routes.request import cloud_of

if TYPE_CHECKING:
    from starlette.requests import Request


async def get(_request: Request) -> Response:
    """Answer with the account: on this server always the same one."""
    return JSONResponse(ACCOUNT)


async def get_secret(request: Request) -> Response:
    """Answer with the secret that signs webhooks."""
    return JSONResponse({"key": cloud_of(request).webhooks.secret})


ROUTES = [Route("/account", get), Route("/webhooks/default/secret", get_secret)]
