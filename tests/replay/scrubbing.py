"""Reduce recorded traffic to what a replay needs, without secrets, personal data and bulk.

Recordings from the local server use a host name that says so.
"""

from __future__ import annotations

import json
import re
from typing import Any

LIVE = "https://api.replicate.com"
LOCAL = "http://replicate.local"
"""Replaces the address of the local server, which changes each time."""
KEPT_HEADERS = frozenset({"accept", "cancel-after", "content-type", "last-event-id", "preference-applied", "prefer"})
LARGEST_BODY = 2048
"""The number of bytes kept of a body that is neither JSON nor text."""
LONGEST_LIST = 2
"""The number of items kept of a page: those that a recording has just made."""

TOKEN = re.compile(r"r8_\w+|Bearer\s+\S+", re.IGNORECASE)
SECRET = re.compile(
    r"(?<=[?&])((?:X-[\w-]*?)?(?:signature|credential|security-token|expiry|expires|token|owner)=)[^&\"\s]*",
    re.IGNORECASE,
)
DATA_URI = re.compile(r"(data:[\w.+-]+/[\w.+-]+;base64,)([A-Za-z0-9+/=]{400})[A-Za-z0-9+/=]+")


def scrub_request(request: Any) -> Any:
    """Scrub a request of vcrpy."""
    kind = "".join(request.headers.get("content-type", ""))
    request.uri = scrub_text(request.uri)
    if kind.startswith("multipart/"):
        request.body = b"(an upload)"  # its boundary changes each time
    elif request.body:
        request.body = scrub_body(request.body, kind)
    request.headers = {
        name.lower(): value.partition(";")[0] for name, value in request.headers.items() if name.lower() in KEPT_HEADERS
    }
    return request


def scrub_response(response: dict[str, Any]) -> dict[str, Any]:
    """Scrub a response of vcrpy."""
    headers = {name.lower(): values for name, values in response["headers"].items()}
    kind = "".join(headers.get("content-type", []))
    kept = {name: [scrub_text(value) for value in values] for name, values in headers.items() if name in KEPT_HEADERS}
    body = scrub_body(response["body"]["string"], kind)
    return {**response, "headers": kept, "body": {"string": body}}


def scrub_body(body: bytes | str, kind: str) -> bytes:
    """Scrub a body of a MIME type."""
    content = body.encode() if isinstance(body, str) else bytes(body)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return content[:LARGEST_BODY]
    if "json" in kind:
        return json.dumps(shortened(json.loads(scrub_text(text))), ensure_ascii=False).encode()
    return scrub_text(text).encode()


def scrub_text(text: str) -> str:
    """Remove tokens, signatures, the end of long data URIs and the address of the server from a text."""
    text = re.sub(r"https?://(?:127\.0\.0\.1|localhost)(?::\d+)?", LOCAL, text)
    text = SECRET.sub(r"\1scrubbed", TOKEN.sub("scrubbed", text))
    return DATA_URI.sub(r"\1\2", text)


def shortened(answer: Any) -> Any:
    """Keep the newest items of a page, as the rest are not from the recording."""
    if isinstance(answer, dict) and isinstance(answer.get("results"), list) and "next" in answer:
        return {**answer, "results": answer["results"][:LONGEST_LIST], "next": None, "previous": None}
    return answer


def same_body(one: Any, other: Any) -> None:
    """Check for vcrpy that two scrubbed requests have equal bodies. JSON is compared by value."""
    assert said(one) == said(other)


def said(request: Any) -> Any:
    """Return the body of a request, parsed if it is JSON."""
    body = request.body or b""
    try:
        return json.loads(body)
    except ValueError:
        return body
