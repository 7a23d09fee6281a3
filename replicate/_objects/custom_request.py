"""Requests without a generated endpoint: those of the client's `get`, `post` and `request`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping  # noqa: TC003 - a TypedDict's annotations may be evaluated
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from replicate._dual.signatures import check_keywords
from replicate._http.libraries import httpx
from replicate._http.options import REQUEST_OPTIONS, TOKEN, RequestOptions, check_mapping, check_query, merged
from replicate._json import check_json, is_iterable, is_mapping
from replicate._objects.response import APIResponse, converted
from replicate._wording import harmless
from replicate_api.types import UNSET, Part, Request, multipart, query

if TYPE_CHECKING:
    from replicate._http.session import Session


class SendOptions(RequestOptions, total=False):
    """Options of a low-level request."""

    json: Any
    """A JSON body; with `files`, the other fields of the form."""
    body: Any
    """The same as `json`."""
    content: bytes | str | None
    """A body that is sent unchanged."""
    files: Any
    """Files of a form, by name: bytes, an open binary file, or a tuple of a file name, one of these, and a type."""
    params: Mapping[str, Any] | None
    """Query parameters."""
    headers: Mapping[str, str] | None
    """Headers to add, or to replace."""
    follow_redirects: bool
    """Whether to follow redirects, as httpx does (default). With False, the redirect is returned, without an error."""
    options: Mapping[str, Any] | None
    """A dict, as in version 2: `headers`, `params`, `extra_json`, `timeout`, `max_retries`, `follow_redirects`."""


class RawOptions(SendOptions, total=False):
    """Options of a low-level request, and of its result."""

    cast_to: Any
    """Type to return instead of httpx's response: dict, str, bytes, None, a class of this package or of pydantic."""
    stream: bool
    """Return an APIResponse as soon as its headers have arrived. The caller iterates and closes it."""
    stream_cls: Any
    """With `stream=True`: `replicate.Stream` or `replicate.AsyncStream`, to read the response as events."""


SAME = {"headers": "extra_headers", "params": "extra_query", "extra_json": "extra_body"}
"""Names in version 2's `options` that are different here."""
ALONE = ("json", "body", "content")
"""At most one of these can be passed."""


async def exchange(session: Session[Any], method: str, url: str, options: Mapping[str, Any]) -> Any:
    """Send a request to a path below the API's base URL, or to a full URL. Returns the response, read."""
    check_keywords(options, (*RawOptions.__annotations__,))
    check_target(method, url)
    for name in ("headers", "options"):
        check_mapping(name, options.get(name))
    for name in ("params", "extra_query"):
        check_query(name, options.get(name))
    given = [name for name in ALONE if options.get(name, UNSET) is not UNSET]
    if len(given) > 1:
        raise TypeError(f"{'= and '.join(given)}= are the same: pass one of them")
    rest = {name: value for name in REQUEST_OPTIONS if (value := options.get(name, UNSET)) is not UNSET}
    rest = {**renamed(options.get("options") or {}), **rest}
    redirects = followed(options.get("follow_redirects", UNSET), rest.pop("follow_redirects", UNSET))
    headers: dict[str, str] = {**(options.get("headers") or {}), **(rest.get("extra_headers") or {})}
    params: dict[str, Any] = {**(options.get("params") or {}), **(rest.pop("extra_query", None) or {})}
    events = events_of(options)
    if events is not None:
        headers = merged({"Accept": "text/event-stream"}, headers)
    told = {name: value for name, value in headers.items() if value is not UNSET}
    request = Request(method.upper(), url, query(**params), told, **body_of(options))
    # They are set on the session too: the caller's headers take precedence over the client's.
    session = session.given({**rest, "extra_headers": headers})
    if (capture := session.capture) is not None:
        capture.keeps = False
    if options.get("stream"):
        response = await session.send(request, stream=True, redirects=redirects)
        if capture is not None:
            capture.note(response)
        answer: Any = APIResponse(session, response)
        return answer if events is None else events(answer, response)
    response = await session.answer(request, redirects=redirects)
    return converted(session, response, options.get("cast_to", httpx.Response))


def followed(*given: Any) -> bool:
    """Return whether to follow redirects, by the first value that is given. Raises TypeError if it is not a bool."""
    chosen = next((each for each in given if each is not UNSET and each is not None), True)
    if not isinstance(chosen, bool):
        raise TypeError(f"follow_redirects must be True or False, not {chosen!r}")
    return chosen


def events_of(options: Mapping[str, Any]) -> Any:
    """Return the class that reads a streamed response as events, or None. Raises TypeError without `stream=True`."""
    kind = options.get("stream_cls", UNSET)
    if kind is UNSET or kind is None:
        return None
    if not options.get("stream"):
        raise TypeError("stream_cls= says what to make of a streamed answer: pass stream=True with it")
    return kind


def check_target(method: Any, url: Any) -> None:
    """Raise TypeError or ValueError for an invalid method or URL."""
    for name, value in (("method", method), ("url", url)):
        if value is UNSET:
            raise TypeError(f"{name} is missing")
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if not TOKEN.fullmatch(method):
        raise ValueError(f"method must be one of HTTP, such as 'GET', not {method!r}")
    if not url.strip():
        raise ValueError("url must not be empty: it is a path, such as '/account', or a full URL")


def body_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a Request that make its body."""
    body = next((value for name in ("json", "body") if (value := options.get(name, UNSET)) is not UNSET), UNSET)
    if files := options.get("files"):
        if isinstance(files, (str, bytes)) or not is_iterable(files):
            raise TypeError(f"files must map names to files, not be {type(files).__name__}")
        named: Iterable[Any] = files.items() if is_mapping(files) else files
        return {"parts": (*multipart(body or {}), *(part(name, file) for name, file in named))}
    if body is not UNSET:
        check_json(body, "json" if options.get("json", UNSET) is not UNSET else "body")
    return {"json": body, "content": options.get("content")}


def part(name: Any, file: Any) -> Part:
    """Make a form part from a file, which is given as for httpx."""
    filename, content, *kind = cast("tuple[Any, ...]", file) if isinstance(file, tuple) else (None, file)  # type: ignore[redundant-cast]  # pyright needs it
    if not isinstance(name, str):
        raise TypeError(f"the name of a file must be a str, not {type(name).__name__}")
    if hasattr(content, "__fspath__"):
        raise TypeError(harmless(f"{name} must be open, or its content: pass open({str(content)!r}, 'rb')"))
    if not isinstance(content, (bytes, str)) and not hasattr(content, "read"):
        raise TypeError(harmless(f"{name} must be an open binary file or bytes, not {type(content).__name__}"))
    own = Path(str(getattr(content, "name", name))).name.encode("utf-8", "replace")  # it can hold any bytes
    shown = filename or own.decode()
    return Part(name, content, shown, kind[0] if kind else "application/octet-stream")


def renamed(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return version 2's `options` under their present names."""
    check_keywords(options, (*SAME, "timeout", "max_retries", "follow_redirects"))
    return {SAME.get(name, name): value for name, value in options.items() if value is not UNSET}


async def version1(session: Session[Any], method: str, path: str, options: Mapping[str, Any]) -> httpx.Response:
    """Send a request as version 1's clients did: the path includes the API's version."""
    relative = path if path.startswith("http") else path.removeprefix("/v1") or "/"
    response: httpx.Response = await exchange(session, method, relative, options)
    return response
