"""The ways to name a model."""

from __future__ import annotations

import base64
import io
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sessions import scripted

from replicate._dual.drive import drive
from replicate._inputs.encode import Inputs
from replicate._models.reference import ModelVersionIdentifier, Reference
from replicate._outputs.file_output import FileOutput

VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
MODEL = ModelVersionIdentifier("owner", "name")
PINNED = ModelVersionIdentifier("owner", "name", VERSION)


class Described:
    name = "owner/name"


@pytest.mark.parametrize(
    ("ref", "model", "version"),
    [
        ("owner/name", MODEL, None),
        (" owner/name\n", MODEL, None),
        ("owner/name/", MODEL, None),
        (f"owner/name:{VERSION}", PINNED, VERSION),
        ("owner/name:v1.2", ModelVersionIdentifier("owner", "name", "v1.2"), "v1.2"),
        (f"owner/name/versions/{VERSION}", PINNED, VERSION),
        (VERSION, None, VERSION),
        ("https://replicate.com/owner/name", MODEL, None),
        ("http://www.replicate.com/owner/name/", MODEL, None),
        (f"https://replicate.com/owner/name:{VERSION}", PINNED, VERSION),
        (f"https://replicate.com/owner/name/versions/{VERSION}", PINNED, VERSION),
        ("https://replicate.com/owner/name?input=a/b#top", MODEL, None),
        (f"https://replicate.com/owner/name/versions/{VERSION}#api", PINNED, VERSION),
        ("p/name", ModelVersionIdentifier("p", "name"), None),
        ("o-w.n_er/na-m.e_1", ModelVersionIdentifier("o-w.n_er", "na-m.e_1"), None),
        (("owner", "name"), MODEL, None),
        (["owner", "name"], MODEL, None),
        (("owner", "name", VERSION), PINNED, VERSION),
        (MODEL, MODEL, None),
        (PINNED, PINNED, VERSION),
        (Reference(MODEL, None), MODEL, None),
        (SimpleNamespace(owner="owner", name="name", id="x"), MODEL, None),
        (SimpleNamespace(id=VERSION, cog_version="1"), None, VERSION),
        (Described, MODEL, None),
        (SimpleNamespace(name=f"owner/name:{VERSION}"), PINNED, VERSION),
    ],
    ids=repr,
)
def test_every_form_is_understood(ref: Any, model: Any, version: str | None) -> None:
    """Strings, web addresses, tuples, identifiers and objects name a model, a version, or a version of a model."""
    assert Reference.of(ref) == Reference(model, version)


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "name",
        "owner/",
        "/name",
        "owner/name:",
        "owner//name",
        "a/b/c",
        "owner name/x",
        "owner/na me",
        VERSION[:63],
        VERSION.upper(),
        "https://example.test/owner/name",
        "owner/name:v:w",
        "https://replicate.com/p/abc",
        "https://replicate.com/?a/b",
    ],
)
def test_a_text_that_names_no_model_is_a_value_error(ref: str) -> None:
    """A text that is not a reference is refused; the error gives the expected format."""
    with pytest.raises(ValueError, match="Expected format: owner/name or owner/name:version"):
        Reference.of(ref)


@pytest.mark.parametrize(
    "ref", [None, 7, ("owner",), ("a", 1), {"owner": "a"}, object(), b"owner/name", SimpleNamespace(name="x", id=7)]
)
def test_an_object_that_names_no_model_is_a_type_error(ref: Any) -> None:
    """Any other object is refused; the error gives the expected forms."""
    with pytest.raises(TypeError, match="'owner/name' or 'owner/name:version'"):
        Reference.of(ref)


PART = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z")


@given(PART, PART, st.none() | PART)
def test_an_identifier_survives_its_text_form(owner: str, name: str, version: str | None) -> None:
    """An identifier that is written as text and parsed again is the same."""
    identifier = ModelVersionIdentifier(owner, name, version)
    assert ModelVersionIdentifier.parse(str(identifier)) == identifier
    assert str(Reference.of(identifier)) == str(identifier)
    assert identifier.model == f"{owner}/{name}"


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Parsing any text gives a ValueError, or parts that are neither empty nor contain separators."""
    try:
        identifier = ModelVersionIdentifier.parse(text)
    except ValueError:
        return
    assert all(part and not set(part) & set("/: \n") for part in identifier if part is not None)


def test_a_bare_version_is_its_text() -> None:
    """A reference without a model is written as its version."""
    assert str(Reference.of(VERSION)) == VERSION


def test_a_foreign_object_with_a_url_is_sent_as_a_file() -> None:
    """Only a FileOutput is sent as its URL; another object with a `url`, such as a urllib response, is a file."""

    class Opened(io.BytesIO):
        url = "http://localhost/media/a.txt"

    made = drive(Inputs({"a": Opened(b"abc"), "b": FileOutput("https://example.test/b")}).sent(scripted()[0]))
    assert made["a"].endswith(base64.b64encode(b"abc").decode())
    assert made["b"] == "https://example.test/b"
