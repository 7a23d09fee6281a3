"""Refusals: what the API answers, as `application/problem+json`, when it will not do what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


class Problem(Exception):  # noqa: N818 - what the API's media type calls it
    """A refusal, with the body that the API sends for it."""

    def __init__(self, status: int, detail: str, *, title: str | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.body: dict[str, Any] = {"detail": detail, "status": status, **({"title": title} if title else {}), **more}


class ProblemResponse(JSONResponse):
    """A problem on the wire."""

    media_type = "application/problem+json"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.body, problem.status)


NOT_FOUND = "The requested resource could not be found."
MAY_NOT = "The specified version does not exist (or perhaps you don't have permission to use it?)"


def not_found(detail: str = NOT_FOUND) -> Problem:
    """Return the API's answer for what does not exist."""
    return Problem(404, detail)


def no_such_version() -> Problem:
    """Return the API's answer to a prediction with a version that it cannot run."""
    return Problem(422, MAY_NOT, title="Invalid version or not permitted")


def on_error(request: Request, error: Exception) -> Response:
    """Answer what an endpoint or the router raised."""
    match error:
        case Problem():
            problem = error
        case HTTPException(status_code=404):
            problem = not_found()
        case HTTPException(status_code=405):
            problem = Problem(405, f'Method "{request.method}" not allowed.')
        case HTTPException():
            problem = Problem(error.status_code, error.detail)
        case _:
            problem = Problem(500, f"The local server failed: {error!r}", title="Internal server error")
    return ProblemResponse(problem)
