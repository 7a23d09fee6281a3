"""A client for each local server: plain httpx, so that what is tested is what goes over the wire."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from replicate.local import server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from replicate.local import Server


class Api(httpx.Client):
    """An HTTP client of one server, with its token, and a few requests that most tests make."""

    def __init__(self, srv: Server, **options: Any) -> None:
        headers = {"authorization": f"Bearer {srv.token}"}
        super().__init__(base_url=f"{srv.base_url}/", headers=headers, timeout=20, trust_env=False, **options)
        self.srv = srv

    def version(self, reference: str) -> str:
        return str(self.get(f"models/{reference}").json()["latest_version"]["id"])

    def create(self, reference: str, given: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """Create a prediction; headers are named in Python's way: `cancel_after="5s"`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.post("predictions", json={"version": self.version(reference), "input": given or {}}, headers=named)

    def run(self, reference: str, given: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run a model and return the finished prediction."""
        answer = self.create(reference, given, prefer="wait")
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def events(self, prediction: dict[str, Any], **headers: str) -> list[tuple[str, str, str]]:
        """Read a stream to its end and return `(event, data, id)` of each event."""
        with self.listen(prediction, **headers) as events:
            return list(events)

    @contextmanager
    def listen(self, prediction: dict[str, Any], **headers: str) -> Iterator[Iterator[tuple[str, str, str]]]:
        """Open a stream and yield its events as they come."""
        with self.stream("GET", prediction["urls"]["stream"], headers=headers) as answer:
            yield _events(answer)


def _events(answer: httpx.Response) -> Iterator[tuple[str, str, str]]:
    """Read server-sent events; just enough of the standard for what the server sends."""
    fields: dict[str, list[str]] = {}
    for line in answer.iter_lines():
        name, _, value = line.partition(": ") if line.rstrip() != "data:" else ("data", "", "")
        if line and name:
            fields.setdefault(name, []).append(value)
        elif not line and fields:
            yield fields["event"][0], "\n".join(fields["data"]), fields["id"][0]
            fields = {}


@contextmanager
def serving(models: dict[str, Any], **options: Any) -> Iterator[Api]:
    """Serve models and return a client."""
    with server(models, **options) as srv, Api(srv) as api:
        yield api


@pytest.fixture(name="serving", scope="session")
def _serving() -> Callable[..., Any]:
    return serving


@pytest.fixture(scope="module")
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    """Serve the module's `MODELS`."""
    with serving(request.module.MODELS) as api:
        yield api
