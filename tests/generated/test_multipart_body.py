"""An upload arrives as it was given: httpx sends it over a socket, and another implementation parses it."""

from __future__ import annotations

import io
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from python_multipart import parse_form

from replicate_api import models, types
from replicate_api.api.files import files_create

if TYPE_CHECKING:
    from collections.abc import Iterator

Form = dict[str, tuple[str | None, bytes]]  # by name of the part: the name of its file, its content


class Upload(BaseHTTPRequestHandler):
    """Parse a form and store it on the server."""

    server: Any

    def do_POST(self) -> None:
        raw = {name: value.encode() for name, value in self.headers.items()}
        fields: list[Any] = []
        files: list[Any] = []
        parse_form(raw, self.rfile, fields.append, files.append)
        self.server.parts = {field.field_name.decode(): (None, field.value) for field in fields}
        for file in files:
            file.file_object.seek(0)
            self.server.parts[file.field_name.decode()] = (file.file_name.decode(), file.file_object.read())
            file.close()
        self.server.raw = raw
        answer = b'{"id": "f", "created_at": "2024-01-01T00:00:00Z"}'
        self.send_response(201)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def server() -> Iterator[Any]:
    with HTTPServer(("127.0.0.1", 0), Upload) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield made
        finally:
            made.shutdown()
            thread.join()


def upload(server: Any, body: Any) -> Form:
    """Send the request for a body, as a session does, and return the parts that arrived."""
    request = files_create.build_request(body=body)
    assert request.json is types.UNSET
    files = [(part.name, (part.filename, part.content, part.content_type)) for part in request.parts]
    with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", trust_env=False) as client:
        response = client.request(request.method, request.path, files=files)
    assert files_create.parse_response(response.content).id == "f"
    parts: Form = server.parts
    return parts


HOSTILE = [
    b'\r\n--+++\r\nContent-Disposition: form-data; name="type"\r\n\r\ntext/html\r\n--+++--\r\n',
    b"--+++--",
    b"\r\n--\r\n\r\n----",
    bytes(range(256)) * 3,
    b"",
]


@pytest.mark.parametrize("content", HOSTILE)
def test_a_file_arrives_intact_whatever_it_contains(server: Any, content: bytes) -> None:
    """Nothing in a file ends its part, not even the constant boundary of generated clients."""
    parts = upload(server, {"content": content, "filename": "a.bin"})
    assert parts["content"] == ("content", content)
    assert parts["filename"][1] == b"a.bin"
    assert parts.keys() == {"content", "filename"}


def test_the_boundary_is_random(server: Any) -> None:
    """Each request has another boundary, so a file cannot contain it on purpose."""
    seen = set()
    for _ in range(3):
        upload(server, {"content": b"x"})
        seen.add(server.raw["Content-Type"])
    assert len(seen) == 3


def test_absent_fields_are_not_sent(server: Any) -> None:
    """UNSET and None are not sent, so the server applies its own default type."""
    assert upload(server, {"content": b"x", "type": types.UNSET, "metadata": None}).keys() == {"content"}


@pytest.mark.parametrize("kind", [dict, models.FileCreate])
def test_metadata_is_json_and_a_part_has_its_own_name_and_type(server: Any, kind: Any) -> None:
    """A mapping is sent as one JSON part; a Part keeps its file name; a model works like a mapping."""
    content = types.Part("ignored", io.BytesIO(b"png"), "ü.png", "image/png")
    body: dict[str, Any] = {"content": content, "type": "image/png", "metadata": {"a": [1, None, "ü"]}}
    request = files_create.build_request(body=body)
    kinds = {part.name: part.content_type for part in request.parts}
    assert kinds == {"content": "image/png", "type": None, "metadata": "application/json"}
    parts = upload(server, kind(**body))
    assert parts["content"][1] == b"png"
    assert parts["content"][0] in {"ü.png", "%C3%BC.png"}
    assert parts["type"][1] == b"image/png"
    assert json.loads(parts["metadata"][1]) == {"a": [1, None, "ü"]}


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, io.BytesIO], ids=lambda make: make.__name__)
def test_content_is_bytes_or_a_file(server: Any, make: Any) -> None:
    """Bytes and objects that read bytes are sent as a file, with a file name so that the server does not read text."""
    assert upload(server, {"content": make(b"abc")})["content"] == ("content", b"abc")
