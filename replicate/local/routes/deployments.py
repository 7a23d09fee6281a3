"""Deployments: create, get, list, update, delete, and predictions by them; and the hardware to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from replicate.local.cloud import USERNAME
from replicate.local.deployments import HARDWARE
from replicate.local.problems import Problem, no_such_version, not_found
from replicate.local.routes.request import cloud_of, form_of, json_of, page, place_of
from replicate.local.routes.starting import predict

if TYPE_CHECKING:
    from starlette.requests import Request

    from replicate.local.models import Version
    from replicate.local.validation import Schema

_SETTINGS: dict[str, Schema] = {
    "version": {"type": "string"},
    "hardware": {"type": "string", "enum": list(HARDWARE)},
    "min_instances": {"type": "integer", "minimum": 0, "maximum": 5},
    "max_instances": {"type": "integer", "minimum": 0, "maximum": 20},
}
_UPDATE: Schema = {"type": "object", "properties": _SETTINGS}
_CREATE: Schema = {
    "type": "object",
    "required": ["name", "model", *_SETTINGS],
    "properties": {"name": {"type": "string", "pattern": r"^[\w.-]+$"}, "model": {"type": "string"}, **_SETTINGS},
}


async def create(request: Request) -> Response:
    """Deploy a version of a model under a name."""
    body, deployments = await form_of(request, _CREATE), cloud_of(request).deployments
    if deployments.get(USERNAME, body["name"]):
        raise Problem(409, f"A deployment {USERNAME}/{body['name']} exists already.", title="Conflict")
    _version(request, body["version"], body["model"])
    return JSONResponse(deployments.create(body["name"], body["model"], body))


async def list_(request: Request) -> Response:
    """Answer with one page of deployments, newest first."""
    cloud = cloud_of(request)
    found = cloud.deployments.page(place_of(request), cloud.page_size + 1)
    return JSONResponse(page(request, found, lambda deployment: deployment))


async def get(request: Request) -> Response:
    """Answer with one deployment."""
    return JSONResponse(_deployment_of(request))


async def update(request: Request) -> Response:
    """Add a release of a deployment."""
    deployment, body = _deployment_of(request), await form_of(request, _UPDATE)
    if "version" in body:
        _version(request, body["version"], deployment["current_release"]["model"])
    return JSONResponse(cloud_of(request).deployments.update(deployment, body))


async def delete(request: Request) -> Response:
    """Delete a deployment."""
    deployment = _deployment_of(request)
    cloud_of(request).deployments.delete(deployment["owner"], deployment["name"])
    return Response(status_code=204)


async def predict_by_deployment(request: Request) -> Response:
    """Run the deployed version."""
    deployment = _deployment_of(request)
    release = deployment["current_release"]
    version = _version(request, release["version"], release["model"])
    name = f"{deployment['owner']}/{deployment['name']}"
    return await predict(request, await json_of(request), version, deployment=name)


async def list_hardware(_request: Request) -> Response:
    """Answer with all kinds of hardware; on this server they are only names."""
    return JSONResponse([{"name": name, "sku": sku} for sku, name in HARDWARE.items()])


def _deployment_of(request: Request) -> dict[str, Any]:
    deployment = cloud_of(request).deployments.get(request.path_params["owner"], request.path_params["name"])
    if deployment is None:
        raise not_found()
    return deployment


def _version(request: Request, identifier: str, model: str) -> Version:
    version = cloud_of(request).models.version(identifier, model)
    if version is None:
        raise no_such_version()
    return version


ROUTES = [
    Route("/deployments", create, methods=["POST"]),
    Route("/deployments", list_),
    Route("/deployments/{owner}/{name}", get),
    Route("/deployments/{owner}/{name}", update, methods=["PATCH"]),
    Route("/deployments/{owner}/{name}", delete, methods=["DELETE"]),
    Route("/deployments/{owner}/{name}/predictions", predict_by_deployment, methods=["POST"]),
    Route("/hardware", list_hardware),
]
