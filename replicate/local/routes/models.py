"""Models: create, get, list, update, delete, and the readme and examples of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from replicate.local.deployments import HARDWARE
from replicate.local.models import check_reference
from replicate.local.problems import Problem, not_found
from replicate.local.routes.request import check_accepted, cloud_of, form_of, origin_of, page_of_all
from replicate.local.routes.searching import search_models

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request

    from replicate.local.models import Entry
    from replicate.local.validation import Schema

_TEXT: Schema = {"type": "string", "nullable": True}
_DETAILS = dict.fromkeys(("description", "github_url", "license_url", "paper_url"), _TEXT)
_CREATE: Schema = {
    "type": "object",
    "required": ["owner", "name", "visibility", "hardware"],
    "properties": {
        "owner": {"type": "string"},
        "name": {"type": "string"},
        "visibility": {"type": "string", "enum": ["public", "private"]},
        "hardware": {"type": "string", "enum": list(HARDWARE)},
        "cover_image_url": _TEXT,
        **_DETAILS,
    },
}
_UPDATE: Schema = {"type": "object", "properties": {"readme": _TEXT, "weights_url": _TEXT, **_DETAILS}}


async def create(request: Request) -> Response:
    """Create a model without a version, for a training to add one."""
    body = await form_of(request, _CREATE)
    reference = f"{body.pop('owner')}/{body.pop('name')}"
    try:
        check_reference(reference)
    except ValueError as error:
        raise Problem(422, str(error), title="Invalid name") from error
    if cloud_of(request).models.get(reference):
        raise Problem(409, f"A model {reference} exists already.", title="Conflict")
    entry = cloud_of(request).models.create(reference, _known(body, _CREATE))
    return JSONResponse(entry.to_json(origin_of(request)), 201)


async def list_(request: Request) -> Response:
    """Answer with all public models, ordered by the age of their latest versions, newest first."""
    parameters, origin = request.query_params, origin_of(request)
    if "query" in parameters:  # a later page of a search
        return await search_models(request)
    by_model = parameters.get("sort_by") == "model_created_at"

    def moment(entry: Entry) -> datetime:
        return entry.created_at if by_model or not entry.latest else entry.latest.created_at

    entries = sorted((entry for entry in cloud_of(request).models if entry.public), key=moment)
    if parameters.get("sort_direction") != "asc":
        entries.reverse()
    return JSONResponse(page_of_all(request, entries, lambda entry: entry.to_json(origin)))


async def get(request: Request) -> Response:
    """Answer with one model."""
    return JSONResponse(entry_of(request).to_json(origin_of(request)))


async def update(request: Request) -> Response:
    """Change details of a model."""
    entry = entry_of(request)
    cloud_of(request).models.change(entry, _known(await form_of(request, _UPDATE), _UPDATE))
    return JSONResponse(entry.to_json(origin_of(request)))


async def delete(request: Request) -> Response:
    """Delete a private model that has no versions."""
    entry = private(entry_of(request))
    if entry.versions:
        raise Problem(409, "A model that has versions cannot be deleted: delete those first.", title="Conflict")
    cloud_of(request).models.delete(entry)
    return Response(status_code=204)


async def get_readme(request: Request) -> Response:
    """Answer with the readme of a model, if it has one."""
    readme = entry_of(request).details.get("readme")
    if not readme:
        raise not_found()
    check_accepted(request, PlainTextResponse.media_type)
    return PlainTextResponse(readme)


async def list_examples(request: Request) -> Response:
    """Answer with the examples of a model."""
    origin = origin_of(request)
    return JSONResponse(page_of_all(request, entry_of(request).examples, lambda example: example.to_json(origin)))


def entry_of(request: Request) -> Entry:
    """Return the model in the path; raise the API's 404 if there is none."""
    entry = cloud_of(request).models.get("{owner}/{name}".format_map(request.path_params))
    if entry is None:
        raise not_found()
    return entry


def private(entry: Entry) -> Entry:
    """Return a private model; raise the API's 403 for a public one, of which nothing can be deleted."""
    if entry.public:
        raise Problem(403, "Nothing of a public model can be deleted, only of a private one.", title="Forbidden")
    return entry


def _known(body: dict[str, Any], form: Schema) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name in form["properties"]}


ROUTES = [
    Route("/models", create, methods=["POST"]),
    Route("/models", list_),
    Route("/models/{owner}/{name}", get),
    Route("/models/{owner}/{name}", update, methods=["PATCH"]),
    Route("/models/{owner}/{name}", delete, methods=["DELETE"]),
    Route("/models/{owner}/{name}/readme", get_readme),
    Route("/models/{owner}/{name}/examples", list_examples),
]
