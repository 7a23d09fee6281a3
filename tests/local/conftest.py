"""A plain httpx client for each local server, so that the tests see what goes over the wire.

There is also a receiver of webhooks, as a user of the API would write one.
"""

from __future__ import annotations

import json
import queue
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest

from replicate.local import server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from replicate.local import Server


class Api(httpx.Client):
    """An HTTP client of one server, with its token and the requests that most tests make."""

    def __init__(self, srv: Server, **options: Any) -> None:
        headers = {"authorization": f"Bearer {srv.token}"}
        super().__init__(base_url=f"{srv.base_url}/", headers=headers, timeout=20, trust_env=False, **options)
        self.srv = srv

    def version(self, reference: str) -> str:
        return str(self.get(f"models/{reference}").json()["latest_version"]["id"])

    def create(self, reference: str, given: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """Create a prediction; headers have Python names, such as `cancel_after="5s"`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.post("predictions", json={"version": self.version(reference), "input": given or {}}, headers=named)

    def run(self, reference: str, given: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run a model and return the finished prediction."""
        answer = self.create(reference, given, prefer="wait")
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def train(
        self, reference: str, destination: str, given: dict[str, Any] | None = None, **more: Any
    ) -> httpx.Response:
        """Create a training."""
        path = f"models/{reference}/versions/{self.version(reference)}/trainings"
        return self.post(path, json={"destination": destination, "input": given or {}, **more})

    def trained(self, training: dict[str, Any]) -> dict[str, Any]:
        """Return a training when it has ended."""
        ended, live = threading.Event(), self.srv.trainings.get(training["id"])
        assert live
        live.listen(lambda: ended.set() if live.finished else None)
        assert live.finished or ended.wait(10)
        return dict(self.get(training["urls"]["get"]).json())

    def events(self, prediction: dict[str, Any], **headers: str) -> list[tuple[str, str, str]]:
        """Read a stream to its end and return `(event, data, id)` of each event."""
        with self.listen(prediction, **headers) as events:
            return list(events)

    @contextmanager
    def listen(self, prediction: dict[str, Any], **headers: str) -> Iterator[Iterator[tuple[str, str, str]]]:
        """Open a stream and yield its events as they arrive."""
        with self.stream("GET", prediction["urls"]["stream"], headers=headers) as answer:
            yield _events(answer)


def _events(answer: httpx.Response) -> Iterator[tuple[str, str, str]]:
    """Parse server-sent events, as far as the server uses the standard."""
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
    """Serve models and yield a client."""
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


class Delivery(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Webhooks in the order of arrival; `answers` are the next statuses to respond with, then 200."""

    def __init__(self, port: int) -> None:
        self.answers: list[int] = []
        self._came: queue.Queue[Delivery] = queue.Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver._came.put(Delivery(self.path, headers, body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def next(self) -> Delivery:
        return self._came.get(timeout=10)

    def until_completed(self) -> list[Delivery]:
        """Return the deliveries up to the end of a run."""
        found = [self.next()]
        while "completed_at" not in found[-1].json:
            found.append(self.next())
        return found

    def nothing_more(self) -> bool:
        return self._came.empty()


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """Receive webhooks on a port."""
    receiver = Receiver(port)
    thread = threading.Thread(target=receiver.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        thread.join()
        receiver.server.server_close()


@pytest.fixture(name="receiving", scope="session")
def _receiving() -> Callable[..., Any]:
    return receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Receive webhooks."""
    with receiving() as receiver:
        yield receiver
