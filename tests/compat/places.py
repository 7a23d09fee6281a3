"""Where the snippets run: a local server that holds what an account has."""

from __future__ import annotations

import ast
import asyncio
import io
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

    from replicate.local import Server as LocalServer

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


def learn(a: int = 0) -> bytes:
    """Learn a style."""
    return bytes([a])


MODELS = {
    "me/broken": Model(broken, official=True),
    "me/letter": Model(letter, train=learn),
    "me/pictures": Model(pictures, official=True),
    "me/poem": poem,
    "me/song": Model(poem, official=True),
}


class Place:
    """A namespace for user code in which each snippet sees the names that earlier ones have defined."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = {"replicate": replicate, "httpx": httpx, "Path": Path, "picture": PICTURE, **names}
        self.names.update(answer=self.answer, asked=[], printed=self.printed)
        self.output = io.StringIO()

    def printed(self) -> str:
        """Return the output that the snippet has printed."""
        return self.output.getvalue()

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer the requests of a snippet that brings its own transport."""
        self.names["asked"].append(request)
        return httpx.Response(200, json={"id": "p1", "status": "succeeded"})

    def run(self, snippet: Snippet) -> Exception | None:
        """Run a snippet and its check; return the exception, if any."""
        self.output = io.StringIO()
        code = compile(snippet.code, "snippet", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        try:
            with warnings.catch_warnings(), redirect_stdout(self.output):
                warnings.simplefilter("ignore", DeprecationWarning)
                if (coroutine := eval(code, self.names)) is not None:
                    asyncio.run(coroutine)
                assert eval(snippet.check, self.names), f"not true: {snippet.check}"
        except Exception as error:  # noqa: BLE001 - any error is the snippet's result
            return error
        return None


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """Create a namespace whose working directory is a folder."""
    (folder / "a.png").write_bytes(PICTURE)
    collections = {"one": ["me/letter"], "two": []}
    with pytest.MonkeyPatch.context() as patch, local_server(MODELS, collections=collections, page_size=2) as server:
        patch.chdir(folder)
        patch.setenv("REPLICATE_API_TOKEN", server.token)
        patch.setenv("REPLICATE_BASE_URL", server.base_url.removesuffix("/v1"))
        names = furnish(server)
        replicate._reset_client()
        yield Place({**names, "token": server.token})
        replicate.default_client.close()
        replicate._reset_client()


def furnish(server: LocalServer) -> dict[str, Any]:
    """Create the content of an account, and return the names that snippets need."""
    with server.client() as client:
        versions = {name: client.models.get(f"me/{name}").latest_version.id for name in ("letter", "poem")}
        for name in ("mine", "old", "older"):
            client.models.create(owner="me", name=name, visibility="private", hardware="cpu")
        scale: dict[str, Any] = {"hardware": "cpu", "min_instances": 0, "max_instances": 1}
        client.deployments.create(name="service", model="me/letter", version=versions["letter"], **scale)
        body = b'{"id": "p1", "status": "succeeded"}'
        headers = client.webhooks.sign(body, client.webhooks.default.secret())
        known = client.predictions.create(versions["letter"], {}, wait=True).id
    return {**versions, "known": known, "body": body, "headers": headers}
