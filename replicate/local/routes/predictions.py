"""Predictions: create, get, list, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from replicate.local.problems import no_such_version, not_found
from replicate.local.routes.models import entry_of
from replicate.local.routes.request import cloud_of, json_of, moment_of, origin_of, page, place_of
from replicate.local.routes.starting import PREDICTION, predict
from replicate.local.validation import Schema, complaints, refusal

if TYPE_CHECKING:
    from starlette.requests import Request

    from replicate.local.prediction import Prediction

_BY_VERSION: Schema = {
    **PREDICTION,
    "required": ["version", "input"],
    "properties": {"version": {"type": "string"}, **PREDICTION["properties"]},
}


async def create_by_version(request: Request) -> Response:
    """Run the version or official model in the body's `version`."""
    match body := await json_of(request):
        case {"version": str(spelling)}:
            version = cloud_of(request).models.runnable(spelling)
        case _:
            raise refusal(complaints(body, _BY_VERSION, {}))
    if version is None:
        raise no_such_version()
    return await predict(request, body, version, _BY_VERSION)


async def create_by_model(request: Request) -> Response:
    """Run an official model; answer 404 for a community model."""
    entry = entry_of(request)
    if not entry.official or entry.latest is None:
        raise not_found()
    return await predict(request, await json_of(request), entry.latest)


async def get(request: Request) -> Response:
    """Answer with one prediction."""
    return JSONResponse(_prediction_of(request).to_json(origin_of(request)))


async def cancel(request: Request) -> Response:
    """Cancel a prediction; a finished one does not change."""
    prediction = _prediction_of(request)
    prediction.cancel()
    return JSONResponse(prediction.to_json(origin_of(request)))


async def list_(request: Request) -> Response:
    """Answer with one page of predictions, newest first."""
    cloud, origin = cloud_of(request), origin_of(request)
    after, before = moment_of(request, "created_after"), moment_of(request, "created_before")
    found = cloud.predictions.page(place_of(request), cloud.page_size + 1, after, before)
    if request.query_params.get("source") == "web":  # no prediction here was started on a web page
        found = []
    return JSONResponse(page(request, found, lambda prediction: prediction.to_json(origin)))


def _prediction_of(request: Request) -> Prediction:
    prediction = cloud_of(request).predictions.get(request.path_params["id"])
    if prediction is None:
        raise not_found()
    return prediction


ROUTES = [
    Route("/predictions", create_by_version, methods=["POST"]),
    Route("/predictions", list_),
    Route("/predictions/{id}", get),
    Route("/predictions/{id}/cancel", cancel, methods=["POST"]),
    Route("/models/{owner}/{name}/predictions", create_by_model, methods=["POST"]),
]
