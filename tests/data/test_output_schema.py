"""What a schema says about an output: whether it comes item by item, and which of its strings are files."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate._models.schema import BY_VALUE, OutputSchema, is_url

URI = {"type": "string", "format": "uri"}
TEXT = {"type": "string"}
DELIVERED = "https://replicate.delivery/x/out.png"
ELSEWHERE = "http://files.test/out.png"
SENTENCE = "https://files.test/out.png is where it is"
DATA = "data:image/png;base64,AAAA"


def schema(output: Any, **others: Any) -> OutputSchema:
    return OutputSchema({"components": {"schemas": {"Output": output, **others}}})


def files(described: OutputSchema, output: Any) -> Any:
    """Replace each file in an output by a set with its URL."""
    return described.files(output, lambda url: {url})


def test_a_plain_output() -> None:
    """Most outputs come as a whole."""
    made = schema(URI)
    assert (made.known, made.iterator, made.concatenate) == (True, False, False)


def test_an_output_in_items() -> None:
    """An iterator comes item by item; one that concatenates is a text in pieces."""
    items = {"type": "array", "items": URI, "x-cog-array-type": "iterator"}
    made = schema(items)
    assert (made.iterator, made.concatenate, made.item) == (True, False, URI)
    assert made.streams_text
    made = schema({**items, "items": TEXT, "x-cog-array-display": "concatenate"})
    assert (made.iterator, made.concatenate, made.item) == (True, True, TEXT)
    assert not schema({**items, "items": {"type": "object"}}).streams_text
    assert not schema({"type": "array", "items": TEXT, "x-cog-array-display": "concatenate"}).concatenate


@pytest.mark.parametrize(
    ("output", "value", "expected"),
    [
        (URI, ELSEWHERE, {ELSEWHERE}),
        (URI, DATA, {DATA}),
        (URI, "not a url", "not a url"),
        (URI, None, None),
        (TEXT, DELIVERED, DELIVERED),
        (TEXT, "https: is how it starts", "https: is how it starts"),
        ({"type": ["string", "null"], "format": "uri"}, ELSEWHERE, {ELSEWHERE}),
        ({"type": ["string", "null"]}, DELIVERED, DELIVERED),
        ({"type": "array", "items": URI}, [ELSEWHERE, None], [{ELSEWHERE}, None]),
        ({"type": "array", "items": TEXT}, [DELIVERED], [DELIVERED]),
        (URI, SENTENCE, SENTENCE),
        ({"type": "array"}, [DELIVERED, SENTENCE, ELSEWHERE], [{DELIVERED}, SENTENCE, {ELSEWHERE}]),
        ({"type": "array", "items": {"type": "array", "items": URI}}, [[ELSEWHERE]], [[{ELSEWHERE}]]),
        (
            {"type": "object", "properties": {"image": URI, "caption": TEXT}},
            {"image": ELSEWHERE, "caption": DELIVERED, "other": DELIVERED, "more": SENTENCE},
            {"image": {ELSEWHERE}, "caption": DELIVERED, "other": {DELIVERED}, "more": SENTENCE},
        ),
        ({"type": "object", "additionalProperties": URI}, {"a": ELSEWHERE}, {"a": {ELSEWHERE}}),
        ({"type": "object", "additionalProperties": True}, {"a": DELIVERED}, {"a": {DELIVERED}}),
        ({"$ref": "#/components/schemas/Image"}, ELSEWHERE, {ELSEWHERE}),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Image"}}, [ELSEWHERE], [{ELSEWHERE}]),
        ({"allOf": [{"$ref": "#/components/schemas/Image"}]}, ELSEWHERE, {ELSEWHERE}),
        ({"anyOf": [URI, {"type": "null"}]}, ELSEWHERE, {ELSEWHERE}),
        ({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Image"}]}, ELSEWHERE, {ELSEWHERE}),
        ({"anyOf": [TEXT, {"type": "integer"}]}, DELIVERED, {DELIVERED}),
        ({"$ref": "#/components/schemas/Output"}, DELIVERED, {DELIVERED}),
        ({"$ref": "#/components/schemas/Missing"}, DELIVERED, {DELIVERED}),
        ({"$ref": 7}, DELIVERED, {DELIVERED}),
        (
            {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/Output"}}},
            {"a": {"a": DELIVERED}},
            {"a": {"a": {DELIVERED}}},
        ),
        (None, DELIVERED, {DELIVERED}),
        (URI, {"a": [ELSEWHERE, "text"]}, {"a": [{ELSEWHERE}, "text"]}),
        ({}, 7, 7),
    ],
)
def test_which_strings_are_files(output: Any, value: Any, expected: Any) -> None:
    """The schema decides for the strings that it describes, and the value for all others, at any depth."""
    assert files(schema(output, Image=URI), value) == expected


def test_an_item_has_the_schema_of_items() -> None:
    """Items of an iterator are checked against the schema of the items."""
    made = schema({"type": "array", "items": URI, "x-cog-array-type": "iterator"})
    assert made.file(ELSEWHERE, lambda url: {url}) == {ELSEWHERE}


@pytest.mark.parametrize(
    ("text", "is_file"),
    [
        (DELIVERED, True),
        ("https://pbxt.replicate.delivery/a/b.mp3?x=1", True),
        ("https://api.replicate.com/v1/files/x", True),
        ("https://user@replicate.delivery/a", True),
        ("https://REPLICATE.delivery/a", True),
        ("https://replicate.com/owner/name", True),
        ("https://files.test/out.png", True),
        ("http://127.0.0.1:8000/out.png?x=1#part", True),
        ("https://files.test", True),
        ("https://files.test?x=1", True),
        (DATA, True),
        ("data:text/plain;charset=utf-8;base64,AA", True),
        ("data:text/plain,hello%20there", True),
        ("https://files.test/a is where it is", False),
        ("https://files.test/a\n", False),
        (" https://files.test/a", False),
        ("see https://files.test/a", False),
        ("HTTPS://FILES.TEST/A", True),
        ("ftp://files.test/a", False),
        ("s3://bucket/a", False),
        ("files.test/a.png", False),
        ("data: is what you need", False),
        ("data:image/png;base64,AA AA", True),
        ("data:text/plain,hello there", True),
        ("data:,hello", False),
        ("https:", False),
        ("https://", False),
        ("https:///a", False),
        ("", False),
    ],
)
def test_without_a_schema_the_value_decides(text: str, *, is_file: bool) -> None:
    """A string is a file if it is exactly one http, https or data URL."""
    assert is_url(text) is is_file
    assert (files(BY_VALUE, text) == {text}) is is_file
    assert (files(schema(URI), text) == {text}) is is_file
    assert files(schema(TEXT), text) == text


WORDS = st.sampled_from(
    [
        "type",
        "items",
        "properties",
        "additionalProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "$ref",
        "#/components/schemas/Output",
        "#/components/schemas/A",
        "A",
        "Output",
        "string",
        "array",
        "object",
        "null",
        "uri",
        "format",
        "components",
        "schemas",
        "x-cog-array-type",
        "iterator",
        DELIVERED,
        DATA,
    ]
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=15,
)


@given(JUNK, JUNK, JUNK)
def test_any_schema_and_output_are_read(output: Any, other: Any, value: Any) -> None:
    """Schemas and outputs of any shape are read without an error, and values other than files stay unchanged."""
    made = schema(output, A=other)
    assert isinstance(made.iterator, bool)
    assert isinstance(made.streams_text, bool)
    assert made.files(value, str) == value
    assert made.file(value, str) == value


@given(JUNK)
def test_any_document_is_read(document: Any) -> None:
    """Any value in place of the document is accepted."""
    assert OutputSchema(document).files(DELIVERED, str) == DELIVERED


@pytest.mark.parametrize(("levels", "found"), [(1, True), (99, True), (101, False), (900, False)])
@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}], ids=["lists", "objects"])
def test_a_deep_output_raises_nothing(wrap: Any, levels: int, *, found: bool) -> None:
    """Files are found to a depth of about 100 levels; deeper values are returned unchanged."""
    output: Any = "https://replicate.delivery/a.png"
    for _ in range(levels):
        output = wrap(output)
    files: list[str] = []
    OutputSchema(None).files(output, lambda url: files.append(url) or url)
    assert bool(files) is found
