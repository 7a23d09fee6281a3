"""Finding a model: collections, and search by words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from replicate.local.problems import Problem, not_found
from replicate.local.routes.request import cloud_of, origin_of, page_of_all

if TYPE_CHECKING:
    from starlette.requests import Request

    from replicate.local.cloud import Cloud
    from replicate.local.models import Entry

_PAGES = {
    "Create a prediction": "/docs/topics/predictions/create-a-prediction",
    "Deployments": "/docs/topics/deployments",
    "HTTP API": "/docs/reference/http",
    "Webhooks": "/docs/topics/webhooks",
}
_MOST = 50


async def search(request: Request) -> Response:
    """Answer with the models, collections and pages that contain words of the query, the best models first."""
    cloud, origin, query = cloud_of(request), origin_of(request), request.query_params.get("query", "").strip()
    if not query:
        raise Problem(400, "query must say what to look for.")
    limit = request.query_params.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= _MOST:
        raise Problem(400, f"limit must be a number from 1 to {_MOST}, not {limit!r}.")
    found = _models(cloud, query)[: int(limit)]
    collections = [_collection(cloud, slug, short=True) for slug in cloud.collections]
    return JSONResponse(
        {
            "query": query,
            "models": [
                {
                    "model": entry.to_json(origin),
                    "metadata": {"generated_description": None, "score": score, "tags": []},
                }
                for score, entry in found
            ],
            "collections": [each for each in collections if _score(query, each["name"], each["description"])],
            "pages": [{"name": name, "href": href} for name, href in _PAGES.items() if _score(query, name)],
        }
    )


async def search_models(request: Request) -> Response:
    """Answer with the models that contain words of the query, which is the body, or in the URL of a later page."""
    query = request.query_params.get("query") or (await request.body()).decode("utf-8", "replace").strip()
    origin, found = origin_of(request), _models(cloud_of(request), query)
    return JSONResponse(page_of_all(request, found, lambda pair: pair[1].to_json(origin), query=query))


async def list_collections(request: Request) -> Response:
    """Answer with all collections, without their models."""
    cloud = cloud_of(request)
    return JSONResponse(page_of_all(request, list(cloud.collections), lambda slug: _collection(cloud, slug)))


async def get_collection(request: Request) -> Response:
    """Answer with a collection and its models."""
    cloud, slug, origin = cloud_of(request), request.path_params["slug"], origin_of(request)
    if slug not in cloud.collections:
        raise not_found()
    models = [entry.to_json(origin) for name in cloud.collections[slug] if (entry := cloud.models.get(name))]
    return JSONResponse({**_collection(cloud, slug), "full_description": None, "models": models})


def _collection(cloud: Cloud, slug: str, *, short: bool = False) -> dict[str, Any]:
    references = cloud.collections[slug]
    name = slug.replace("-", " ").capitalize()
    shown = {"name": name, "slug": slug, "description": f"{name}: {', '.join(references)}"}
    return {**shown, "models": references} if short else shown


def _models(cloud: Cloud, query: str) -> list[tuple[float, Entry]]:
    """Return the public models that match with their scores, the best first."""
    scored = [
        (_score(query, entry.reference, entry.details.get("description") or ""), entry)
        for entry in cloud.models
        if entry.public
    ]
    return sorted(((score, entry) for score, entry in scored if score), key=lambda pair: pair[0], reverse=True)


def _score(query: str, *texts: str) -> float:
    """Return the fraction of the query's words that the texts contain."""
    text, words = " ".join(texts).lower(), re.findall(r"\w+", query.lower())
    return sum(word in text for word in words) / len(words) if words else 0.0


ROUTES = [
    Route("/search", search),
    Route("/models", search_models, methods=["QUERY"]),
    Route("/collections", list_collections),
    Route("/collections/{slug}", get_collection),
]
