"""Common parts of all requests that start something: input, webhooks, time to wait, deadline."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from replicate.local.problems import Problem
from replicate.local.routes.request import cloud_of, origin_of
from replicate.local.validation import Complaint, Schema, complaints, is_object, refusal
from replicate.local.webhooks import can_be_called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from replicate.local.clock import Clock
    from replicate.local.models import Version
    from replicate.local.prediction import Prediction
    from replicate.local.schema import Signature

COMMON: dict[str, Schema] = {
    "input": {"type": "object"},
    "webhook": {"type": "string", "nullable": True},
    "webhook_completed": {"type": "string", "nullable": True},
    "webhook_events_filter": {
        "type": "array",
        "nullable": True,
        "items": {"type": "string", "enum": ["start", "output", "logs", "completed"]},
    },
}
PREDICTION: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["input"],
    "properties": {**COMMON, "stream": {"type": "boolean", "nullable": True}},
}
_HOOKS = ("webhook", "webhook_completed")
_EVENTS = ("output", "completed")  # the default of `webhook_events_filter`
_WAIT = re.compile(r"wait(?:=([0-9]{1,9}))?")
_LONGEST_WAIT = 60
_DURATION = re.compile(r"(?:(\d{1,12})h)?(?:(\d{1,12})m)?(?:(\d{1,12})s?)?")
_LONGEST_LIFE = 10 * 365 * 24 * 3600


def check(body: Any, form: Schema, signature: Signature) -> dict[str, Any]:
    """Return the body if it matches a schema, and its input a function's signature; raise the API's 422 if not."""
    found = list(complaints(body, form, {}))
    if is_object(body):
        if is_object(given := body.get("input")):
            found += complaints(given, signature.input, signature.shared, "input")
        found += _strangers(body)
    if found:
        raise refusal(found)
    return dict(body)


def _strangers(body: dict[str, Any]) -> Iterator[Complaint]:
    for name in _HOOKS:
        if isinstance(url := body.get(name), str) and not can_be_called(url):
            yield Complaint(
                "not_local",
                name,
                f"The local server calls addresses of this machine only, such as http://127.0.0.1:8000/hook, not {url}",
            )


def follow(request: Request, run: Prediction, body: dict[str, Any]) -> None:
    """Send the webhooks in a body for a run."""
    webhooks = cloud_of(request).webhooks
    if url := body.get("webhook"):
        webhooks.follow(run, url, body.get("webhook_events_filter") or _EVENTS)
    if url := body.get("webhook_completed"):
        webhooks.follow(run, url, ("completed",))


async def predict(
    request: Request, body: Any, version: Version, form: Schema = PREDICTION, deployment: str | None = None
) -> Response:
    """Run a version, and answer at once, or after the time in the request's `Prefer: wait`."""
    body = check(body, form, version.signature)
    cloud, origin = cloud_of(request), origin_of(request)
    prefer, seconds = _wait_of(request)
    allowed = _deadline_of(request)
    entry = cloud.models.entry_of(version)
    entry.runs += 1
    prediction = cloud.predictions.create(
        model=version.reference,
        version="hidden" if entry.official else version.id,
        deployment=deployment,
        input=body["input"],
        origin=origin,
        deadline=cloud.clock.now() + timedelta(seconds=allowed) if allowed else None,
    )
    answer = prediction.to_json(origin)
    if allowed:
        cloud.clock.after(allowed, prediction.expire)
    follow(request, prediction, body)
    cloud.engine.submit(
        prediction, version.signature, {"replicate_weights": version.weights} if version.weights else {}
    )
    if not seconds:
        return JSONResponse(answer, 201)
    await _finished(prediction, seconds, cloud.clock)
    if not prediction.finished:
        return JSONResponse(prediction.to_json(origin), 202)
    return JSONResponse(prediction.to_json(origin), 201, {"Preference-Applied": prefer})


def _wait_of(request: Request) -> tuple[str, int]:
    """Return the `Prefer` header and its seconds to wait; other preferences are ignored."""
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
    """Return the seconds in the `Cancel-After` header, such as `90`, `90s`, `5m`, `1h30m`; 0 without one."""
    text = request.headers.get("cancel-after")
    if text is None:
        return 0
    match = _DURATION.fullmatch(text.strip())
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    if not 0 < (total := hours * 3600 + minutes * 60 + seconds) <= _LONGEST_LIFE:
        raise Problem(400, f"Cancel-After must be a duration such as 90s or 5m, not {text!r}.", title="Invalid header")
    return total


async def _finished(prediction: Prediction, seconds: float, clock: Clock) -> None:
    """Wait until the prediction is finished, or the time is over."""
    loop, awake = asyncio.get_running_loop(), asyncio.Event()

    def listener() -> None:
        if prediction.finished:
            loop.call_soon_threadsafe(awake.set)

    stop_timer = clock.after(seconds, awake.set)
    with prediction.listening(listener):
        listener()  # it may have finished before the listener was added
        try:
            await awake.wait()
        finally:
            stop_timer()
