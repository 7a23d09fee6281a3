"""Turns an error response, or the lack of a response, into an exception that says what to do."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from replicate._dual.generators import closing
from replicate._http.connections.addresses import Unfetchable
from replicate._http.connections.unpacking import SHOWN, TooLargeError
from replicate._http.credentials import HOW_TO
from replicate._http.errors import paired
from replicate._http.hints import hint, refused
from replicate._http.retry import read_retry_after
from replicate._http.secrecy.frames import interrupts, is_foreign
from replicate._http.secrecy.hiding import authorization_of, mask_response
from replicate._http.secrecy.secrets import SHORTEST_TOKEN
from replicate._json import elements, is_array, is_object, members, parse
from replicate._wording import details, harmless
from replicate.exceptions import (
    APIConnectionError,
    APIResponseValidationError,
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
    from collections.abc import Callable, Mapping

    from replicate._http.connections.interface import Transport
    from replicate._http.connections.sending import Sending

OF_THE_BODY = (b"content-encoding", b"content-length", b"transfer-encoding")

FOREIGN = "replicate.foreign"
"""The key in the extensions of an error response that is not the API's."""

WORD = re.compile(r"\S+")
ESCAPED = re.compile(r"\\(?:u00(2[013-9a-f]|[3-7][0-9a-f](?<!5c))|/)", re.IGNORECASE)
"""A character of ASCII as JSON may escape it, apart from the quotation mark and the backslash, which it must escape."""

T = TypeVar("T", bound=BaseException)

NO_TOKEN = f"No token was sent. {HOW_TO}"

CUT_OFF = (
    "Nothing was started. A server that closes the connection before it has read a request mostly finds it too large: "
    "put large files where the model can fetch them, and pass their URLs."
)

UNANSWERED = (httpx.RequestError, TimeoutError, ConnectionError)
"""Errors that are raised instead of a response, by httpx or by the caller's transport."""
UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
)
"""Errors that httpx raises before any part of a request has reached the API."""
UNSENT_BY_AIOHTTP = {"ClientConnectorError", "ConnectionTimeoutError", "InvalidURL"}
"""The class names of the errors that aiohttp raises then."""

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


def error_of(response: httpx.Response, *, authorized: bool = True, missing: str | None = None) -> APIStatusError:
    """Return the exception for a response with an error status, whose content has been read.

    `missing` is the hint for a 401 of the API if the token was left out of a pickle.
    """
    strike(mask_response(response))
    status = response.status_code
    kind = CLASSES.get(status) or (InternalServerError if status >= 500 else APIStatusError)
    body = body_of(response)
    problem = members(body)
    detail = detail_of(problem.get("detail"))
    title = problem.get("title") if isinstance(problem.get("title"), str) else None
    said = ": ".join(text for text in (title, detail) if text) or excerpt(body)
    happened = f"{status} {struck(response.reason_phrase, response)}".strip()
    request = request_of(response)
    asked = f"{request.method} {request.url.path}" if request else ""
    message = f"{happened} from {asked}: {said}" if asked else f"{happened}: {said}"
    fields = {name: problem.get(name) for name in ("type", "instance") if isinstance(problem.get(name), str)}
    fields |= {"title": title, "detail": detail, "status": status}
    text = details(fields)
    elsewhere = FOREIGN in response.extensions
    if status == 401 and not authorized:  # the API does not say so
        text = f"{text}\n{NO_TOKEN}"
    error = kind(
        message,
        said=None if elsewhere else text,  # the host of a file is not the API
        **fields,
        status_code=status,
        request=request,
        response=response,
        body=body,
        request_id=request_id_of(response),
        retry_after=read_retry_after(response.headers, problem),
    )
    if not elsewhere:
        where = f"{happened} from {asked}" if asked else happened
        error.add_note(where if title or detail else f"{where}: {said}")
    ours = status == 401 and not elsewhere
    error.advise((ours and missing) or hint_of(response, body, asked, said, authorized=authorized))
    return error


def connection_error(
    cause: httpx.RequestError | TimeoutError | ConnectionError,
    method: str,
    url: httpx.URL,
    sending: Sending | None = None,
) -> APIConnectionError:
    """Return our error for an error of httpx or of its transport. `sending` records how far the request has gone out.

    An error that a signal handler has raised is raised unchanged.
    """
    if isinstance(cause, Unfetchable):
        return unfetchable(cause, method, url)
    if interrupts(cause):
        raise cause
    if isinstance(cause, TooLargeError):
        return too_large(cause, method, url)
    sent = may_have_arrived(cause, sending)
    late = isinstance(cause, (httpx.TimeoutException, TimeoutError))
    happened = "did not answer in time" if late and sent else "broke off" if sent else "could not be reached"
    hint = None if sent else "Check the network, the proxy settings and base_url."
    if sending and sending.begun and not sent:
        happened = "did not take the request in time" if late else "broke off before the request was sent"
    if sending and sending.cut_off:
        hint = CUT_OFF
    if is_unasked(cause, sending):
        happened, hint = (
            "was not asked",
            "An event hook or auth= raised this before the request was sent.",
        )
    if isinstance(cause, httpx.LocalProtocolError) and not sent:
        cause.args = ()  # they show the invalid header, which may hold the token
        happened, hint = "was not asked", "Check the headers: one of them is not what HTTP can carry."
    reason = ": ".join(filter(None, (type(cause).__name__, str(cause))))
    error = paired(cause)(
        f"{url.netloc.decode('ascii')} {happened} at {method} {url.path} ({reason}).",
        hint=hint,
        request=httpx.Request(method, url),
    )
    error.sent, error.__cause__ = sent, without_context(cause)
    return error


def unfetchable(cause: Unfetchable, method: str, url: httpx.URL) -> APIConnectionError:
    """Return the error for an address that cannot be fetched. It omits the query, which may be a signature."""
    shown = excerpt(address_of(url) + url.path)
    request = httpx.Request(method, url, headers=[(b"Host", url.netloc)])  # else the host is decoded; it may be bad
    error = APIConnectionError(f"{shown} cannot be fetched, for {cause}.", hint=cause.hint, request=request)
    error.sent, error.__cause__ = cause.sent, without_context(cause)
    return error


def too_large(cause: TooLargeError, method: str, url: httpx.URL) -> APIConnectionError:
    """Return the error for a response that is larger than the limit."""
    message = f"{url.netloc.decode('ascii')} answered {method} {url.path} with {cause}, which is the limit."
    error = paired(cause)(message, hint=cause.hint, request=httpx.Request(method, url))
    error.__cause__ = without_context(cause)
    return error


def is_too_large(error: BaseException | None) -> bool:
    """Return whether an error means that a response is larger than the limit. Another request would get the same."""
    return isinstance(error, TooLargeError) or (error is not None and isinstance(error.__cause__, TooLargeError))


def address_of(url: httpx.URL) -> str:
    """Return a URL's scheme, host and port, without user name and password."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def may_have_arrived(error: BaseException, sending: Sending | None) -> bool:
    """Return whether all of a request that ended with an error may have reached the API."""
    if isinstance(error, Unfetchable):
        return error.sent
    if is_unasked(error, sending):
        return False
    if isinstance(error, UNANSWERED) and not interrupts(error):
        return sending.arrived(otherwise=was_sent(error)) if sending else was_sent(error)
    return sending is None or sending.interrupted


def is_unasked(error: BaseException, sending: Sending | None) -> bool:
    """Return whether an error that is not httpx's was raised before anything was sent, such as by an event hook."""
    return sending is not None and sending.own and not sending.traced and is_foreign(error)


def was_sent(cause: Exception) -> bool:
    """Return whether a failed request may have reached the API.

    httpx-aiohttp raises ConnectTimeout for any trouble with a connection. The aiohttp error that caused it says more.
    """
    names = {kind.__name__ for kind in type(cause.__cause__).__mro__ if kind.__module__.startswith("aiohttp.")}
    return not names & UNSENT_BY_AIOHTTP if names else not isinstance(cause, UNSENT)


def unreadable(response: httpx.Response, reason: str) -> APIResponseValidationError:
    """Return the exception for a response with a success status whose content is not the API's."""
    strike(mask_response(response))
    start = excerpt(content_of(response).decode("utf-8", "replace"), 80)
    return APIResponseValidationError(
        f"{response.request.method} {response.request.url.path} answered {response.status_code} with something "
        f"that is not the API's: {reason}; the content starts with {start!r}.",
        hint="Something between here and the API may have answered instead: check base_url and proxies.",
        status_code=response.status_code,
        request=response.request,
        response=response,
        request_id=request_id_of(response),
    )


def request_id_of(response: httpx.Response) -> str | None:
    """Return the id that the API's own logs have for a request."""
    return struck(response.headers.get("x-request-id", ""), response) or None


def hint_of(response: httpx.Response, body: Any, asked: str, said: str, *, authorized: bool) -> str | None:
    """Return advice for an error response, or None."""
    status = response.status_code
    if status == 401 and not authorized:
        return None  # the text says so
    if status == 401 and FOREIGN not in response.extensions and (request := request_of(response)):
        return refused((authorization_of(request) or b"").decode("latin-1"))
    if status == 404 and authorized and isinstance(body, str):  # the API answers with JSON
        return "This may not be the API: check base_url."
    if 300 <= status < 400 and (location := response.headers.get("location")):
        return redirected(response, location)
    return hint(status, asked, said)


def redirected(response: httpx.Response, location: str) -> str | None:
    """Return a hint that shows where a redirect points to."""
    try:
        url = response.request.url.join(location)
    except (httpx.InvalidURL, UnicodeError, RuntimeError):
        return None
    origin = address_of(url)
    if FOREIGN in response.extensions:
        return f"It points to {excerpt(origin + url.path)}, which is not followed."
    return struck(f"It points to {origin}{url.path}: if that is the API, set base_url to {origin}.", response)


def request_of(response: httpx.Response) -> httpx.Request | None:
    """Return the request of a response, if it has one."""
    try:
        return response.request
    except RuntimeError:
        return None


def body_of(response: httpx.Response) -> Any:
    """Parse a response's content as JSON, or return it as text. An echo of the token is masked."""
    content = content_of(response)
    try:
        return parse(content)
    except ValueError:
        return content.decode("utf-8", "replace")


def content_of(response: httpx.Response) -> bytes:
    """Return a response's content, with an echo of the token masked."""
    return struck(response.content.decode("latin-1"), response).encode("latin-1")


def strike(response: httpx.Response) -> None:
    """Mask an echo of the token in the response itself, which the error holds."""
    if (content := content_of(response)) != response.content:
        vars(response)["_content"] = content  # httpx's own attribute
        vars(response).pop("_text", None)  # set if a hook has read it
    strike_head(response)


def strike_head(response: httpx.Response) -> None:
    """Mask an echo of the token in everything before the content."""
    if redirects_with_the_token(response):
        response.next_request = None
    for name, value in [*response.headers.items()]:
        if (shown := struck(value, response)) != value:
            response.headers[name] = shown
    if isinstance(reason := response.extensions.get("reason_phrase"), bytes):
        response.extensions["reason_phrase"] = struck(reason.decode("latin-1"), response).encode("latin-1")


def redirects_with_the_token(response: httpx.Response) -> bool:
    """Return whether a response redirects to a URL that contains the token, which would disclose it to that host."""
    location: str = response.headers.get("location", "")
    return struck(location, response) != location


def struck(text: str, response: httpx.Response) -> str:
    """Mask the token of a response's request in a text."""
    return without_token(text, authorization_of(request_of(response)))


def without_token(text: str, secret: bytes | None) -> str:
    """Mask the token of an Authorization header in a text. One shorter than any real token may be a common word."""
    token = (secret or b"").decode("latin-1").split(" ", 1)[-1]
    if len(token) < SHORTEST_TOKEN:
        return text
    text = text.replace(token, "[token]")
    plain = ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else "/", text) if "\\" in text else text
    return plain.replace(token, "[token]") if token in plain else text


def without_context(cause: T) -> T:
    """Remove an exception's context and traceback, which would only lengthen the traceback of the error it causes.

    Its text may be that of a server or a proxy, so it is made harmless.
    """
    cause.args = tuple(harmless(each) if isinstance(each, str) else each for each in cause.args)
    cause.__cause__ = cause.__context__ = None
    return cause.with_traceback(None)


def detail_of(detail: Any, depth: int = 8) -> str | None:
    """Return a problem's detail as text. It is a text, or a list of fields and what is wrong with them."""
    if is_array(detail):
        inner = [detail_of(each, depth - 1) for each in detail] if depth else [written(detail)]
        return "; ".join(filter(None, inner)) or None
    if is_object(detail):
        where = ".".join(written(step, str) for step in elements(detail.get("loc")) if step != "body")
        said = detail.get("msg") or detail.get("message")
        text = written(said, str) if said else written(detail)
        return f"{where}: {text}" if where else text
    return str(detail).strip() if detail else None


def written(value: Any, write: Callable[[Any], str] = json.dumps) -> str:
    """Return a text, or another value as text. A value that is nested too deeply is left out."""
    try:
        return value if isinstance(value, str) else write(value)
    except RecursionError:
        return "…"


def excerpt(body: Any, limit: int = 200) -> str:
    """Return the beginning of a text or JSON value as one line."""
    words, length = list[str](), 0
    for word in WORD.finditer(written(body)):
        words.append(word[0])
        length += len(word[0]) + 1
        if length > limit + 1:  # the rest is not shown
            break
    text = " ".join(words)
    return f"{text[:limit]}…" if len(text) > limit else text or "no details were given"


async def read_beginning(response: httpx.Response, transport: Transport) -> httpx.Response:
    """Read as much of a third party's error response as is shown. Compressed content is not read."""
    begun = b""
    packed = response.headers.get("content-encoding", "identity") != "identity"
    async with closing(transport.chunks(response)) as content:
        if not packed:
            async for chunk in content:
                begun += chunk
                if len(begun) > SHOWN:
                    break
    await transport.close_response(response)
    headers = httpx.Headers([header for header in response.headers.raw if header[0].lower() not in OF_THE_BODY])
    status, extensions = response.status_code, {**response.extensions, FOREIGN: True}
    return httpx.Response(status, headers=headers, content=begun, request=response.request, extensions=extensions)
