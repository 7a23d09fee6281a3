"""Problem documents, `application/problem+json`, with which the API refuses a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


class Problem(Exception):  # noqa: N818 - the name in the API's media type
    """An exception for a refused request, with the body of the API's response."""

    def __init__(self, status: int, detail: str, *, title: str | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.body: dict[str, Any] = {"detail": detail, "status": status, **({"title": title} if title else {}), **more}


class ProblemResponse(JSONResponse):
    """A problem document as a response."""

    media_type = "application/problem+json"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.body, problem.status)


NOT_FOUND = "The requested resource could not be found."
MAY_NOT = "The specified version does not exist (or perhaps you don't have permission to use it?)"


def not_found(detail: str = NOT_FOUND) -> Problem:
    """Return the API's 404."""
    return Problem(404, detail)


def no_such_version() -> Problem:
    """Return the API's problem for a prediction of a version that it cannot run."""
    return Problem(422, MAY_NOT, title="Invalid version or not permitted")


def on_error(request: Request, error: Exception) -> Response:
    """Turn an exception from an endpoint or the router into a response."""
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
