"""Reading OpenAPI documents: JSON and YAML mean the same, and ambiguous content is refused with a reason."""

from __future__ import annotations

import io
import json
import urllib.request
from email.message import Message
from typing import TYPE_CHECKING, Any

import document
import pytest
import yaml
from document import Problem
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from pathlib import Path

VALID: dict[str, Any] = {
    "openapi": "3.0.4",
    "info": {"title": "Test", "version": "1"},
    "paths": {"/x": {"get": {"operationId": "x", "responses": {"200": {"description": "no"}}}}},
}

text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(text, values))
def test_yaml_is_read_as_the_equivalent_json(value: dict[str, Any]) -> None:
    """Any JSON value that is written as YAML is read back unchanged."""
    assert document.parse(yaml.safe_dump(value, allow_unicode=True).encode(), "x") == value


def test_yaml_dates_and_words_stay_text() -> None:
    """Unquoted status codes are text keys; dates, `yes` and `on` stay text."""
    read = document.parse(b"200: {on: yes}\nday: 2024-01-02\nat: 2024-01-02T03:04:05Z\nflag: true\nn: 7", "x")
    assert read == {"200": {"on": "yes"}, "day": "2024-01-02", "at": "2024-01-02T03:04:05Z", "flag": True, "n": 7}


@pytest.mark.parametrize("content", [b'{"a": 1, "a": 2}', b"a: 1\na: 2", b"200: 1\n'200': 2"])
def test_a_duplicate_key_is_refused(content: bytes) -> None:
    """A duplicate key is refused in both formats; the last one does not silently win."""
    with pytest.raises(Problem, match="comes 2 times"):
        document.parse(content, "x")


@pytest.mark.parametrize(
    "content", [b"{", b"a: [", b"\xff\xfe\x00", b"? [a]\n: b", b"!!python/object:os.system x", b'{"a": NaN}']
)
def test_invalid_content_is_refused(content: bytes) -> None:
    """Content that is neither JSON nor YAML raises a Problem that names its source."""
    with pytest.raises(Problem, match=r"source\.json is neither JSON nor YAML"):
        document.parse(content, "source.json")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"openapi": "2.0"}, "is not OpenAPI 3.0 or 3.1"),
        ({"info": {}}, "is not valid OpenAPI 3.0: at info"),
        ({"paths": {"/x": {"query": {"responses": {}}}}}, "is not valid OpenAPI 3.0: at paths"),
        ({"components": {"schemas": {"A": {"$ref": "other.json#/B"}}}}, "refers to another document, other.json#/B"),
    ],
)
def test_an_invalid_document_is_refused(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    """The error gives the place in the document and the reason."""
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({**VALID, **changes}))
    with pytest.raises(Problem, match=reason):
        document.load(str(path))


def test_a_valid_document_is_read_from_a_file(tmp_path: Path) -> None:
    """A file of OpenAPI 3.0 or 3.1 is read unchanged; a missing file, or one without an object, raises a Problem."""
    path = tmp_path / "spec.yaml"
    for version in ("3.0.4", "3.1.0"):
        path.write_text(yaml.safe_dump({**VALID, "openapi": version}))
        assert document.load(str(path)) == {**VALID, "openapi": version}
    path.write_text("[1]")
    with pytest.raises(Problem, match="is not an OpenAPI document"):
        document.load(str(path))
    with pytest.raises(Problem, match=r"Cannot read .*nothing"):
        document.load(str(tmp_path / "nothing"))


@pytest.mark.parametrize("url", ["http://example.com/x", "ftp://example.com/x", "file:///etc/passwd"])
def test_only_https_is_fetched(url: str) -> None:
    """The document is fetched over https only, since anything else could be changed on the way."""
    with pytest.raises(Problem, match="only https is safe"):
        document.load(url)
    request = urllib.request.Request("https://example.com")
    with pytest.raises(Problem, match="only https is safe"):
        document.HttpsOnly().redirect_request(request, io.BytesIO(), 302, "Found", Message(), url)


def test_a_document_is_fetched_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """An https URL is read; a response that is too long, or that fails, raises a Problem that names the URL."""

    class Opener:
        answer: Any = json.dumps(VALID).encode()

        def open(self, request: urllib.request.Request, timeout: float) -> Any:
            assert timeout > 0
            if isinstance(self.answer, Exception):
                raise self.answer
            return io.BytesIO(self.answer)

    monkeypatch.setattr(urllib.request, "build_opener", lambda *_: Opener())
    assert document.load("https://example.com/openapi.json") == VALID
    monkeypatch.setattr(document, "LARGEST", 10)
    with pytest.raises(Problem, match="is larger than 10 bytes"):
        document.load("https://example.com/openapi.json")
    monkeypatch.setattr(Opener, "answer", TimeoutError("timed out"))
    with pytest.raises(Problem, match=r"Cannot fetch https://example\.com/openapi\.json: timed out"):
        document.load("https://example.com/openapi.json")
