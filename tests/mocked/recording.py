"""A pytest plugin that records the cassettes of test_vcr.py from a small local server.

    ./scripts/mocked.sh 1.0.7 --record

The tests then run against the server, over sockets, with the installed published client. The cassettes name the API's
hosts instead of the server, and keep only the headers that describe a body.
"""

from __future__ import annotations

import json
import os
import re
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from payloads import SSE, VERSION, WORDS, deployment, file, model, page, prediction, problem, training, version
from vcr.cassette import Cassette

if TYPE_CHECKING:
    from collections.abc import Callable

GENERATION = f"v{metadata.version('replicate').partition('.')[0]}"
KEPT_HEADERS = frozenset({"accept", "content-type", "prefer"})
Answer = tuple[int, Any]


class Rules:
    """The API as far as the tests need it: predictions finish at the second poll, and everything else at once."""

    def __init__(self) -> None:
        self.numbers = count(1)
        self.inputs: dict[str, dict[str, Any]] = {}
        self.looks: dict[str, int] = {}
        self.table: list[tuple[str, str, Callable[..., Answer]]] = [
            ("POST", r"/v1/predictions", self.create),
            ("POST", r"/v1/(?:models|deployments)/acme/(?:writer|live)/predictions", self.create),
            ("GET", r"/v1/predictions/(\w+)", self.look),
            ("POST", r"/v1/predictions/(\w+)/cancel", lambda name, **_: (200, prediction("canceled", id=name))),
            ("GET", r"/v1/predictions", self.pages),
            ("GET", r"/stream\.replicate\.com/.*", lambda **_: (200, SSE)),
            ("GET", r"/v1/models/acme/writer", lambda **_: (200, model(WORDS))),
            ("PATCH", r"/v1/models/acme/writer", lambda body, **_: (200, model(**body))),
            ("GET", r"/v1/models", lambda **_: (200, page(model()))),
            ("POST", r"/v1/models", lambda body, **_: (201, model(visibility=body["visibility"]))),
            ("GET", r"/v1/models/acme/writer/versions", lambda **_: (200, page(version(WORDS)))),
            ("GET", rf"/v1/models/acme/writer/versions/{VERSION}", lambda **_: (200, version(WORDS))),
            ("POST", rf"/v1/models/acme/writer/versions/{VERSION}/trainings", lambda **_: (201, training())),
            ("GET", r"/v1/trainings/t1", lambda **_: (200, training("succeeded"))),
            ("POST", r"/v1/trainings/t1/cancel", lambda **_: (200, training("canceled"))),
            ("GET", r"/v1/deployments/acme/live", lambda **_: (200, deployment())),
            ("POST", r"/v1/deployments", lambda **_: (201, deployment())),
            ("PATCH", r"/v1/deployments/acme/live", lambda body, **_: (200, deployment(**body))),
            ("DELETE", r"/v1/(?:deployments/acme/live|files/f1)", lambda **_: (204, b"")),
            ("POST", r"/v1/files", lambda **_: (201, file())),
            ("GET", r"/v1/files", lambda **_: (200, page(file()))),
            ("GET", r"/v1/account", lambda **_: (200, {"type": "organization", "username": "acme", "name": "Acme"})),
            ("GET", r"/v1/hardware", lambda **_: (200, [{"sku": "cpu", "name": "CPU"}])),
            (
                "GET",
                r"/v1/collections",
                lambda **_: (200, page({"slug": "text", "name": "Text", "description": "Writes"})),
            ),
        ]

    def answer(self, method: str, path: str, **given: Any) -> Answer:
        for verb, pattern, rule in self.table:
            if verb == method and (found := re.fullmatch(pattern, path)):
                return rule(*found.groups(), **given)
        return 404, problem(404, "The requested resource could not be found.")

    def create(self, body: Any, patient: bool, **_: Any) -> Answer:  # noqa: FBT001 - called by keyword
        if "prompt" not in body["input"]:
            return 422, problem(422, "- input: prompt is required")
        name = f"p{next(self.numbers)}"
        self.inputs[name] = body["input"]
        if patient:
            return 201, self.done(name)
        return 201, prediction("starting", id=name, input=body["input"])

    def look(self, name: str, **_: Any) -> Answer:
        if name not in self.inputs:
            return 404, problem(404, "The requested resource could not be found.")
        self.looks[name] = self.looks.get(name, 0) + 1
        if self.looks[name] == 1:
            return 200, prediction("processing", ["Hello"], id=name, input=self.inputs[name])
        return 200, self.done(name)

    def done(self, name: str) -> dict[str, Any]:
        return prediction(output=["Hello", ",", " world"], id=name, input=self.inputs[name])

    def pages(self, query: str, **_: Any) -> Answer:
        if "cursor=two" in query:
            return 200, page(prediction(id="a2"))
        return 200, page(prediction(id="a1"), after="https://api.replicate.com/v1/predictions?cursor=two")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    rules = Rules()

    def log_message(self, *_: object) -> None:
        pass

    def respond(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        path, _, query = self.path.partition("?")
        json_sent = "json" in self.headers.get("content-type", "") and content
        status, answer = self.rules.answer(
            self.command,
            path,
            query=query,
            body=json.loads(content) if json_sent else content,
            patient="prefer" in self.headers,
        )
        plain = answer if isinstance(answer, bytes) else moved(json.dumps(answer), to_server=True).encode()
        self.send_response(status)
        self.send_header("content-type", "text/event-stream" if answer is SSE else "application/json")
        if status != 204:
            self.send_header("content-length", str(len(plain)))
        self.end_headers()
        self.wfile.write(plain)

    do_GET = do_POST = do_PATCH = do_DELETE = do_QUERY = respond  # noqa: N815 - http.server's names


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
PLACE = f"http://127.0.0.1:{server.server_port}"


def moved(text: str, *, to_server: bool) -> str:
    """Replace the server's address with the API's hosts, or the other way round."""
    pairs = [("https://stream.replicate.com", f"{PLACE}/stream.replicate.com"), ("https://api.replicate.com", PLACE)]
    for real, ours in pairs:
        text = text.replace(real, ours) if to_server else text.replace(ours, real)
    return text


def kept_request(request: Any) -> Any:
    request.uri = moved(request.uri, to_server=False)
    request.headers = {name.lower(): value for name, value in request.headers.items() if name.lower() in KEPT_HEADERS}
    if request.headers.get("content-type", "").startswith("multipart/"):
        request.headers["content-type"], request.body = "multipart/form-data", b"(an upload)"
    elif request.body:
        request.body = moved(request.body.decode(), to_server=False).encode()
    return request


def kept_response(response: dict[str, Any]) -> dict[str, Any]:
    headers = {name.lower(): values for name, values in response["headers"].items() if name.lower() in KEPT_HEADERS}
    body = moved(response["body"]["string"].decode(), to_server=False).encode()
    return {**response, "headers": headers, "body": {"string": body}}


class Labelled:
    """YAML whose first lines say where and when it was recorded, and from which client."""

    @staticmethod
    def serialize(cassette: dict[str, Any]) -> str:
        client = f"replicate {metadata.version('replicate')}"
        label = {"place": "local", "date": datetime.now(UTC).date().isoformat(), "client": client}
        text = {"recorded": label, **cassette}
        return str(yaml.safe_dump(text, sort_keys=False, allow_unicode=True, width=120))

    @staticmethod
    def deserialize(text: str) -> Any:
        return yaml.safe_load(text)


def pytest_configure() -> None:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["REPLICATE_BASE_URL"] = PLACE if GENERATION == "v1" else f"{PLACE}/v1"


def pytest_unconfigure() -> None:
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True, scope="module")
def _record(request: pytest.FixtureRequest) -> None:
    Cassette.all_played = True  # as when the tests replay these recordings
    recorder = request.module.recorder
    for old in Path(recorder.cassette_library_dir).glob(f"{GENERATION}_*.yaml"):
        old.unlink()
    recorder.register_serializer("labelled", Labelled)
    recorder.serializer, recorder.record_mode = "labelled", "all"
    recorder.before_record_request, recorder.before_record_response = kept_request, kept_response
