"""The scrubber keeps secrets out of the cassettes."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
import yaml
from scrubbing import LARGEST_BODY, LIVE, LOCAL, scrub_request, scrub_response
from vcr.request import Request

SECRETS = re.compile(
    r"r8_\w|bearer|(?<!\w)signature=(?!scrubbed)|cookie|authorization|127\.0\.0\.1|localhost", re.IGNORECASE
)
STREAMS = "https://stream.replicate.com"
RECORDED = sorted((Path(__file__).parents[2] / "cassettes").rglob("*.yaml"))


def test_there_are_cassettes() -> None:
    """The folder contains cassettes."""
    assert len(RECORDED) >= 8


@pytest.mark.parametrize("cassette", RECORDED, ids=lambda path: path.stem)
def test_no_cassette_holds_a_secret(cassette: Path) -> None:
    """A cassette has no token, cookie, signature or recording address, and says where and when it was recorded."""
    text = cassette.read_text("utf-8")
    assert not SECRETS.findall(text)
    content = yaml.safe_load(text)
    assert content["recorded"]["place"] in ("local", "live")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", content["recorded"]["date"])
    for interaction in content["interactions"]:
        assert interaction["request"]["uri"].startswith((LIVE, STREAMS, LOCAL))
        bodies = [interaction["request"]["body"], interaction["response"]["body"]["string"]]
        assert not [body for body in bodies if isinstance(body, bytes) and SECRETS.search(body.decode("latin-1"))]


def test_requests_are_scrubbed() -> None:
    """Some headers of a request are kept, and the parts of its body and URL that are not secret."""
    body = {"input": {"note": "my r8_abcDEF123 is secret", "image": f"data:image/png;base64,{'A' * 4000}"}}
    request = Request(
        "POST",
        "http://127.0.0.1:5005/v1/files/f1/download?owner=me&expiry=17&signature=abc%2Fdef&keep=this",
        json.dumps(body).encode(),
        {
            "Authorization": "Bearer r8_abcDEF123",
            "Cookie": "session=1",
            "X-Own": "1",
            "Prefer": "wait=48",
            "Content-Type": "application/json; charset=utf-8",
        },
    )
    scrubbed = scrub_request(request)
    assert dict(scrubbed.headers) == {"prefer": "wait=48", "content-type": "application/json"}
    assert scrubbed.uri == (f"{LOCAL}/v1/files/f1/download?owner=scrubbed&expiry=scrubbed&signature=scrubbed&keep=this")
    kept = json.loads(scrubbed.body)["input"]
    assert kept["note"] == "my scrubbed is secret"
    assert len(kept["image"]) < 500
    assert base64.b64decode(kept["image"].partition(",")[2]) == b"\0" * 300


def test_uploads_are_scrubbed() -> None:
    """The body of an upload is not kept."""
    headers = {"Content-Type": "multipart/form-data; boundary=0123"}
    scrubbed = scrub_request(Request("POST", "https://api.replicate.com/v1/files", b"--0123\r\nprivate", headers))
    assert b"private" not in scrubbed.body


def test_responses_are_scrubbed() -> None:
    """Responses are scrubbed, too: the newest items of a list are kept, and the beginning of a picture."""
    page = {
        "next": "http://localhost:1/v1/predictions?cursor=abc",
        "previous": None,
        "results": [{"id": name, "urls": {"stream": "https://x.example/s?token=abc"}} for name in "abcd"],
    }
    headers = {"Set-Cookie": ["a=b"], "Content-Type": ["application/json"], "X-Request-Id": ["1"]}
    scrubbed = scrub_response(
        {"status": {"code": 200, "message": "OK"}, "headers": headers, "body": {"string": json.dumps(page).encode()}}
    )
    assert scrubbed["headers"] == {"content-type": ["application/json"]}
    kept = json.loads(scrubbed["body"]["string"])
    assert ([each["id"] for each in kept["results"]], kept["next"]) == (["a", "b"], None)
    assert kept["results"][0]["urls"]["stream"] == "https://x.example/s?token=scrubbed"
    picture = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": b"\xff" * 9999}}
    assert scrub_response(picture)["body"]["string"] == b"\xff" * LARGEST_BODY


def test_signed_addresses_of_file_hosts_are_scrubbed() -> None:
    """Signatures of the usual clouds are removed."""
    url = (
        "https://storage.example.com/o?X-Goog-Signature=abc&X-Goog-Credential=me"
        "&X-Amz-Security-Token=abc&X-Amz-Expires=9&Expires=17"
    )
    body = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": url.encode()}}
    assert scrub_response(body)["body"]["string"].decode() == (
        "https://storage.example.com/o?X-Goog-Signature=scrubbed&X-Goog-Credential=scrubbed"
        "&X-Amz-Security-Token=scrubbed&X-Amz-Expires=scrubbed&Expires=scrubbed"
    )
