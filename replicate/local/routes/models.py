"""Models and their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from replicate.local.problems import not_found
from replicate.local.routes.request import cloud_of, page, place_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from replicate.local.models import Entry


async def list_(request: Request) -> Response:
    """Answer with all models, those that were named last first."""
    cloud, place = cloud_of(request), place_of(request)
    entries = list(enumerate(cloud.models))
    ascending = request.query_params.get("sort_direction") == "asc"
    ordered = [(-number if ascending else number, entry) for number, entry in entries]
    ordered.sort(key=lambda numbered: numbered[0], reverse=True)
    if place.number is not None:
        start = place.number
        ordered = [pair for pair in ordered if (pair[0] > start if place.newer else pair[0] < start)]
    found = ordered[-cloud.page_size - 1 :] if place.newer else ordered[: cloud.page_size + 1]
    return JSONResponse(page(request, found, lambda entry: entry.to_json()))


async def get(request: Request) -> Response:
    """Answer with one model."""
    return JSONResponse(entry_of(request).to_json())


async def list_versions(request: Request) -> Response:
    """Answer with the versions of a model; an official one shows none."""
    entry = _community(request)
    return JSONResponse({"previous": None, "next": None, "results": [entry.version_json()]})


async def get_version(request: Request) -> Response:
    """Answer with one version of a model."""
    entry = _community(request)
    if request.path_params["version"] != entry.version:
        raise not_found()
    return JSONResponse(entry.version_json())


def entry_of(request: Request) -> Entry:
    """Return the model that the path names; raise the API's 404 if there is none."""
    entry = cloud_of(request).models.get("{owner}/{name}".format_map(request.path_params))
    if entry is None:
        raise not_found()
    return entry


def _community(request: Request) -> Entry:
    entry = entry_of(request)
    if entry.model.official:
        raise not_found()
    return entry


ROUTES = [
    Route("/models", list_),
    Route("/models/{owner}/{name}", get),
    Route("/models/{owner}/{name}/versions", list_versions),
    Route("/models/{owner}/{name}/versions/{version}", get_version),
]
