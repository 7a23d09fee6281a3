"""Turning an answer that is an error into an exception that says what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from replicate._core.credentials import HOW_TO
from replicate._core.plain import elements, is_array, is_object, members
from replicate._core.retry import told_to_wait
from replicate.exceptions import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InsufficientCreditError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RequestTooLargeError,
    UnprocessableEntityError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

CLASSES: Mapping[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientCreditError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: RequestTooLargeError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}

HINTS: Mapping[int, str] = {
    401: HOW_TO,
    402: "Add credit or a payment method at https://replicate.com/account/billing.",
    413: "Put the file where the model can fetch it, and pass its URL.",
}


def error_of(response: httpx.Response, *, authorized: bool = True) -> APIStatusError:
    """Make the exception for an answer with an error status, whose content has been read."""
    status = response.status_code
    kind = CLASSES.get(status) or (InternalServerError if status >= 500 else APIStatusError)
    body = body_of(response)
    problem = members(body)
    detail = detail_of(problem.get("detail"))
    title = problem.get("title") if isinstance(problem.get("title"), str) else None
    said = ": ".join(text for text in (title, detail) if text) or excerpt(body)
    happened = f"{status} {response.reason_phrase}".strip()
    hint = HINTS.get(status)
    if status == 401 and not authorized:
        hint = f"No token was sent. {HOW_TO}"
    return kind(
        f"{happened} from {response.request.method} {response.request.url.path}: {said}",
        **{name: problem.get(name) for name in ("type", "instance") if isinstance(problem.get(name), str)},
        title=title,
        detail=detail,
        status=status,
        status_code=status,
        request=response.request,
        response=response,
        body=body,
        request_id=response.headers.get("x-request-id"),
        retry_after=told_to_wait(response.headers, problem),
        hint=hint,
    )


def body_of(response: httpx.Response) -> Any:
    """Read an answer's content: JSON if it is, text otherwise. An echo of the token is struck out."""
    content = response.content
    if token := response.request.headers.get("authorization", "").partition(" ")[2]:
        content = content.replace(token.encode(), b"[token]")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace")


def detail_of(detail: Any) -> str | None:
    """Put a problem's detail into words: it is a text, or a list of what is wrong with which field."""
    if is_array(detail):
        return "; ".join(filter(None, map(detail_of, detail))) or None
    if is_object(detail):
        where = ".".join(str(step) for step in elements(detail.get("loc")) if step != "body")
        text = str(detail.get("msg") or detail.get("message") or json.dumps(detail))
        return f"{where}: {text}" if where else text
    return str(detail).strip() if detail else None


def excerpt(body: Any, limit: int = 200) -> str:
    """Show the beginning of a content that is no problem document, in one line."""
    text = " ".join((body if isinstance(body, str) else json.dumps(body)).split())
    return f"{text[:limit]}…" if len(text) > limit else text or "no details were given"
