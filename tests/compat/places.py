"""Where the snippets run: a local server, and scripted answers for the operations that it does not serve."""

from __future__ import annotations

import ast
import asyncio
import io
import re
import warnings
from collections.abc import Iterator  # noqa: TC003 - the annotations are the models' schemas
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import replicate
from replicate.local import Model
from replicate.local import server as local_server

if TYPE_CHECKING:
    from compat.snippets import Snippet

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


def letter(prompt: str = "you") -> str:
    """Write a letter."""
    return f"Dear {prompt}"


def poem(lines: int = 3) -> Iterator[str]:
    """Write a poem."""
    for number in range(1, lines + 1):
        yield f"line {number}\n"


def pictures(count: int = 1) -> list[Path]:
    """Draw pictures."""
    made = [Path(f"{number}.png") for number in range(count)]
    for path in made:
        path.write_bytes(PICTURE)
    return made


def broken() -> str:
    """Fail."""
    raise RuntimeError("out of paper")


MODELS = {
    "me/broken": Model(broken, official=True),
    "me/letter": letter,
    "me/pictures": Model(pictures, official=True),
    "me/poem": poem,
    "me/song": Model(poem, official=True),
}

API = "https://api.replicate.com/v1"
RUN = {
    "id": "p1",
    "status": "succeeded",
    "input": {},
    "output": "x",
    "created_at": "2025-01-01T00:00:00Z",
    "urls": {"get": f"{API}/predictions/p1", "cancel": f"{API}/predictions/p1/cancel"},
}
LETTER = {"owner": "me", "name": "letter", "url": "https://replicate.com/me/letter"}
COLLECTIONS = [{"name": slug.title(), "slug": slug, "description": ""} for slug in ("one", "two")]
ANSWERS: dict[str, Any] = {
    r"GET /collections": {"results": COLLECTIONS, "next": None, "previous": None},
    r"GET /collections/one": {**COLLECTIONS[0], "models": [LETTER]},
    r"GET /deployments/me/service": {"owner": "me", "name": "service", "current_release": {"number": 1}},
    r"POST /deployments/me/service/predictions": RUN,
    r"POST /models/me/letter/versions/\w+/trainings": {**RUN, "status": "starting", "output": None},
    r"GET /models": {"results": [LETTER, {**LETTER, "name": "poem"}], "next": None, "previous": None},
    r"DELETE /models/me/old": None,
    r"GET /search": {"query": "letters", "models": [{"model": LETTER}], "collections": [], "pages": []},
    r"GET /webhooks/default/secret": {"key": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"},
}
"""What is answered to a method and path below /v1."""


def scripted(request: httpx.Request) -> httpx.Response | None:
    """Answer a request that the local server could not."""
    asked = f"{request.method} {request.url.path.removeprefix('/v1')}"
    for pattern, answer in ANSWERS.items():
        if re.fullmatch(pattern, asked):
            return httpx.Response(204) if answer is None else httpx.Response(200, json=answer)
    return None


class Place:
    """A process's worth of user code: each snippet sees what those before it have named."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = {"replicate": replicate, "httpx": httpx, "Path": Path, "picture": PICTURE, **names}
        self.names.update(answer=self.answer, asked=[], printed=self.printed)
        self.output = io.StringIO()
        self.scripted = False

    def printed(self) -> str:
        """Give what the snippet has printed."""
        return self.output.getvalue()

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer for a snippet that brings its own transport."""
        self.names["asked"].append(request)
        return httpx.Response(200, json=RUN)

    def run(self, snippet: Snippet) -> Exception | None:
        """Run a snippet and its check; give what went wrong."""
        self.scripted, self.output = False, io.StringIO()
        code = compile(snippet.code, "snippet", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        try:
            with warnings.catch_warnings(), redirect_stdout(self.output):
                warnings.simplefilter("ignore", DeprecationWarning)
                if (coroutine := eval(code, self.names)) is not None:
                    asyncio.run(coroutine)
                assert eval(snippet.check, self.names), f"not true: {snippet.check}"
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the result
            return error
        return None


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """Make a place in a folder."""
    (folder / "a.png").write_bytes(PICTURE)
    blocking, awaited = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request
    with pytest.MonkeyPatch.context() as patch, local_server(MODELS, page_size=2) as server:
        patch.chdir(folder)
        patch.setenv("REPLICATE_API_TOKEN", server.token)
        patch.setenv("REPLICATE_BASE_URL", server.base_url.removesuffix("/v1"))
        with server.client() as client:
            versions = {name: client.models.get(f"me/{name}").latest_version.id for name in ("letter", "poem")}
            known = client.predictions.create(versions["letter"], {}, wait=True).id
        here = Place({**versions, "known": known, "token": server.token})

        def handle(transport: Any, request: httpx.Request) -> httpx.Response:
            answer = scripted(request)
            here.scripted |= answer is not None
            return answer or blocking(transport, request)

        async def handle_async(transport: Any, request: httpx.Request) -> httpx.Response:
            answer = scripted(request)
            here.scripted |= answer is not None
            return answer or await awaited(transport, request)

        patch.setattr(httpx.HTTPTransport, "handle_request", handle)
        patch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle_async)
        replicate._reset_client()
        yield here
        replicate.default_client.close()
        replicate._reset_client()
