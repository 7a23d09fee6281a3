"""The web application: the routes and their endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from replicate.local import problems
from replicate.local.problems import Problem
from replicate.local.routes import (
    account,
    deployments,
    files,
    models,
    predictions,
    searching,
    streams,
    trainings,
    versions,
)

if TYPE_CHECKING:
    from replicate.local.cloud import Cloud

_NOUNS = (account, searching, deployments, files, models, predictions, streams, trainings, versions)


def application(cloud: Cloud) -> Starlette:
    """Return the web application for a cloud."""
    app = Starlette(
        routes=[route for noun in _NOUNS for route in noun.ROUTES],
        exception_handlers=dict.fromkeys((Problem, HTTPException, Exception), problems.on_error),
    )
    app.router.redirect_slashes = False
    app.state.cloud = cloud
    return app
