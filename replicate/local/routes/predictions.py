"""Predictions: create, get, list, cancel."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from replicate.local.problems import Problem, no_such_version, not_found
from replicate.local.routes.models import entry_of
from replicate.local.routes.request import cloud_of, json_of, moment_of, origin_of, page, place_of
from replicate.local.validation import Schema, complaints, is_object, refusal

if TYPE_CHECKING:
    from starlette.requests import Request

    from replicate.local.clock import Clock
    from replicate.local.models import Entry
    from replicate.local.prediction import Prediction

_REQUEST: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["input"],
    "properties": {
        "input": {"type": "object"},
        "stream": {"type": "boolean", "nullable": True},
        "webhook": {"type": "string", "nullable": True},
        "webhook_completed": {"type": "string", "nullable": True},
        "webhook_events_filter": {
            "type": "array",
            "nullable": True,
            "items": {"type": "string", "enum": ["start", "output", "logs", "completed"]},
        },
    },
}
_VERSION_REQUEST: Schema = {
    **_REQUEST,
    "required": ["version", "input"],
    "properties": {"version": {"type": "string"}, **_REQUEST["properties"]},
}
_WAIT = re.compile(r"wait(?:=(\d+))?")
_LONGEST_WAIT = 60
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")


async def create_by_version(request: Request) -> Response:
    """Run what the body's `version` names."""
    match body := await json_of(request):
        case {"version": str(version)}:
            entry = cloud_of(request).models.by_version(version)
        case _:
            raise refusal(complaints(body, _VERSION_REQUEST, {}))
    if entry is None:
        raise no_such_version()
    return await _create(request, body, _VERSION_REQUEST, entry)


async def create_by_model(request: Request) -> Response:
    """Run an official model; a community model is not found here."""
    entry = entry_of(request)
    if not entry.model.official:
        raise not_found()
    return await _create(request, await json_of(request), _REQUEST, entry)


async def _create(request: Request, body: Any, form: Schema, entry: Entry) -> Response:
    _check(body, form, entry)
    cloud, origin = cloud_of(request), origin_of(request)
    prefer, seconds = _wait_of(request)
    allowed = _deadline_of(request)
    deadline = cloud.clock.now() + timedelta(seconds=allowed) if allowed else None
    prediction = cloud.predictions.create(entry, body["input"], origin, deadline)
    answer = prediction.to_json(origin)
    if allowed:
        cloud.clock.after(allowed, prediction.expire)
    cloud.engine.submit(prediction, entry)
    if not seconds:
        return JSONResponse(answer, 201)
    await _finished(prediction, seconds, cloud.clock)
    if not prediction.finished:
        return JSONResponse(prediction.to_json(origin), 202)
    return JSONResponse(prediction.to_json(origin), 201, {"Preference-Applied": prefer})


def _check(body: Any, form: Schema, entry: Entry) -> None:
    found = list(complaints(body, form, {}))
    if is_object(body) and is_object(given := body.get("input")):
        found += complaints(given, entry.signature.input, entry.signature.shared, "input")
    if found:
        raise refusal(found)


async def get(request: Request) -> Response:
    """Answer with one prediction."""
    return JSONResponse(_prediction_of(request).to_json(origin_of(request)))


async def cancel(request: Request) -> Response:
    """Cancel a prediction; one that is finished stays as it is."""
    prediction = _prediction_of(request)
    prediction.cancel()
    return JSONResponse(prediction.to_json(origin_of(request)))


async def list_(request: Request) -> Response:
    """Answer with one page of predictions, newest first."""
    cloud, origin = cloud_of(request), origin_of(request)
    after, before = moment_of(request, "created_after"), moment_of(request, "created_before")
    found = cloud.predictions.page(place_of(request), cloud.page_size + 1, after, before)
    if request.query_params.get("source") == "web":  # nothing here was started on a web page
        found = []
    return JSONResponse(page(request, found, lambda prediction: prediction.to_json(origin)))


def _prediction_of(request: Request) -> Prediction:
    prediction = cloud_of(request).predictions.get(request.path_params["id"])
    if prediction is None:
        raise not_found()
    return prediction


def _wait_of(request: Request) -> tuple[str, int]:
    """Return the `Prefer` header and how many seconds it asks to wait; other preferences are not for us."""
    prefer = request.headers.get("prefer", "").strip()
    if not prefer.startswith("wait"):
        return prefer, 0
    match = _WAIT.fullmatch(prefer)
    seconds = int(match[1] or _LONGEST_WAIT) if match else 0
    if not 1 <= seconds <= _LONGEST_WAIT:
        raise Problem(
            400, f"Prefer must be wait, or wait=N with N from 1 to 60, not {prefer!r}.", title="Invalid header"
        )
    return prefer, seconds


def _deadline_of(request: Request) -> int:
    """Return how many seconds the `Cancel-After` header allows, or 0: `90`, `90s`, `5m`, `1h30m`."""
    text = request.headers.get("cancel-after")
    if text is None:
        return 0
    match = _DURATION.fullmatch(text.strip())
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    if not (total := hours * 3600 + minutes * 60 + seconds):
        raise Problem(400, f"Cancel-After must be a duration such as 90s or 5m, not {text!r}.", title="Invalid header")
    return total


async def _finished(prediction: Prediction, seconds: float, clock: Clock) -> None:
    """Return when the prediction is finished, or the time is over."""
    loop, awake = asyncio.get_running_loop(), asyncio.Event()

    def listener() -> None:
        if prediction.finished:
            loop.call_soon_threadsafe(awake.set)

    stop_timer = clock.after(seconds, awake.set)
    with prediction.listening(listener):
        listener()  # it may have finished before anybody listened
        try:
            await awake.wait()
        finally:
            stop_timer()


ROUTES = [
    Route("/predictions", create_by_version, methods=["POST"]),
    Route("/predictions", list_),
    Route("/predictions/{id}", get),
    Route("/predictions/{id}/cancel", cancel, methods=["POST"]),
    Route("/models/{owner}/{name}/predictions", create_by_model, methods=["POST"]),
]
