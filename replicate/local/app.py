"""The web application: which address is answered by what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from replicate.local import problems
from replicate.local.problems import Problem
from replicate.local.routes import account, files, models, predictions, streams

if TYPE_CHECKING:
    from replicate.local.cloud import Cloud

# What Replicate has and this server has not, so that the answer can say so.
_NOT_SERVED = {
    "/collections": ["GET"],
    "/collections/{slug}": ["GET"],
    "/deployments": ["GET", "POST"],
    "/deployments/{owner}/{name}": ["GET", "PATCH", "DELETE"],
    "/deployments/{owner}/{name}/predictions": ["POST"],
    "/hardware": ["GET"],
    "/models": ["POST", "QUERY"],
    "/models/{owner}/{name}": ["PATCH", "DELETE"],
    "/models/{owner}/{name}/examples": ["GET"],
    "/models/{owner}/{name}/readme": ["GET"],
    "/models/{owner}/{name}/versions/{version}": ["DELETE"],
    "/models/{owner}/{name}/versions/{version}/trainings": ["POST"],
    "/search": ["GET"],
    "/trainings": ["GET"],
    "/trainings/{id}": ["GET"],
    "/trainings/{id}/cancel": ["POST"],
    "/webhooks/default/secret": ["GET"],
}


def application(cloud: Cloud) -> Starlette:
    """Return the application that serves a cloud."""
    served = [*account.ROUTES, *models.ROUTES, *predictions.ROUTES, *streams.ROUTES, *files.ROUTES]
    missing = [Route(path, problems.not_served, methods=methods) for path, methods in _NOT_SERVED.items()]
    app = Starlette(
        routes=[*served, *missing],
        exception_handlers=dict.fromkeys((Problem, HTTPException, Exception), problems.on_error),
    )
    app.router.redirect_slashes = False
    app.state.cloud = cloud
    return app
