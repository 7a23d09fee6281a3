"""The versions of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from replicate.local.problems import Problem, not_found
from replicate.local.routes.models import entry_of, private
from replicate.local.routes.request import cloud_of, page_of_all

if TYPE_CHECKING:
    from starlette.requests import Request

    from replicate.local.models import Version


async def list_(request: Request) -> Response:
    """Answer with the versions of a model, newest first; an official one shows none."""
    entry = entry_of(request)
    if entry.official:
        raise not_found()
    return JSONResponse(page_of_all(request, entry.versions[::-1], lambda version: version.to_json()))


async def get(request: Request) -> Response:
    """Answer with one version of a model."""
    return JSONResponse(version_of(request).to_json())


async def delete(request: Request) -> Response:
    """Delete a version of a private model, and its predictions, unless it is in use."""
    cloud, version = cloud_of(request), version_of(request)
    private(entry_of(request))
    if cloud.deployments.runs(version.id) or any(run.version == version.id for run in cloud.trainings.running()):
        raise Problem(
            409, "A version that is deployed, or being trained, cannot be deleted: end that first.", title="Conflict"
        )
    cloud.models.remove(version)
    cloud.predictions.forget(version.id)
    return Response(status_code=202)


def version_of(request: Request) -> Version:
    """Return the version in the path; raise the API's 404 if there is none."""
    version = cloud_of(request).models.version(request.path_params["version"], entry_of(request).reference)
    if version is None:
        raise not_found()
    return version


ROUTES = [
    Route("/models/{owner}/{name}/versions", list_),
    Route("/models/{owner}/{name}/versions/{version}", get),
    Route("/models/{owner}/{name}/versions/{version}", delete, methods=["DELETE"]),
]
