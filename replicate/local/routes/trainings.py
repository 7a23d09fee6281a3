"""Trainings: create, get, list, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from replicate.local.problems import Problem, not_found
from replicate.local.routes.request import cloud_of, json_of, origin_of, page, place_of
from replicate.local.routes.starting import COMMON, check, follow
from replicate.local.routes.versions import version_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from replicate.local.training import Training
    from replicate.local.validation import Schema

_FORM: Schema = {
    "type": "object",
    "required": ["destination", "input"],
    "properties": {"destination": {"type": "string"}, **COMMON},
}


async def create(request: Request) -> Response:
    """Train a version; the result will be a version of the destination."""
    cloud, origin, version = cloud_of(request), origin_of(request), version_of(request)
    if version.training is None:
        raise Problem(
            422,
            f"{version.reference} cannot be trained: serve it as Model(function, train=…).",
            title="Version not trainable",
        )
    body = check(await json_of(request), _FORM, version.training)
    destination = cloud.models.get(body["destination"])
    if destination is None or destination.official:
        raise not_found("The specified training destination does not exist")
    training = cloud.trainings.create(
        model=version.reference,
        version=version.id,
        input=body["input"],
        origin=origin,
        destination=destination.reference,
        make_version=cloud.models.trained,
    )
    answer = training.to_json(origin)
    follow(request, training, body)
    cloud.engine.submit(training, version.training)
    return JSONResponse(answer, 201)


async def get(request: Request) -> Response:
    """Answer with one training."""
    return JSONResponse(_training_of(request).to_json(origin_of(request)))


async def cancel(request: Request) -> Response:
    """Cancel a training; a finished one does not change."""
    training = _training_of(request)
    training.cancel()
    return JSONResponse(training.to_json(origin_of(request)))


async def list_(request: Request) -> Response:
    """Answer with one page of trainings, newest first."""
    cloud, origin = cloud_of(request), origin_of(request)
    found = cloud.trainings.page(place_of(request), cloud.page_size + 1)
    return JSONResponse(page(request, found, lambda training: training.to_json(origin)))


def _training_of(request: Request) -> Training:
    training = cloud_of(request).trainings.get(request.path_params["id"])
    if training is None:
        raise not_found()
    return training


ROUTES = [
    Route("/models/{owner}/{name}/versions/{version}/trainings", create, methods=["POST"]),
    Route("/trainings", list_),
    Route("/trainings/{id}", get),
    Route("/trainings/{id}/cancel", cancel, methods=["POST"]),
]
