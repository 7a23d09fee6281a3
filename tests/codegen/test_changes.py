"""The spec-change report: what it finds, what it calls breaking, and how it is written."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import changes
import pytest
import yaml
from differences import compare
from hypothesis import given, settings
from hypothesis import strategies as st
from normal import NAMES, is_words
from project_tree import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, Any]

DOCUMENT: Json = json.loads((PROJECT / "openapi.json").read_text(encoding="utf-8"))


def document(
    sent: Json | None = None, answered: Json | None = None, parameter: Json | None = None, **operation: Any
) -> Json:
    """Return a document with one operation, made from the schemas of its request and its response."""
    return {
        "openapi": "3.0.4",
        "info": {"title": "Test", "version": "1"},
        "paths": {
            "/things": {
                "post": {
                    "operationId": "things.create",
                    "parameters": [{"name": "p", "in": "query", "schema": {}, **(parameter or {})}],
                    "requestBody": {"content": {"application/json": {"schema": sent or {}}}},
                    "responses": {
                        "200": {"description": "Done.", "content": {"application/json": {"schema": answered or {}}}},
                        "404": {"description": "Not there."},
                    },
                    **operation,
                }
            }
        },
    }


def thing(required: tuple[str, ...] = (), **properties: Any) -> Json:
    """Return the schema of an object."""
    return {"type": "object", "properties": properties} | ({"required": list(required)} if required else {})


def report(old: Json, new: Json) -> list[str]:
    """Return the changes as the lines of the report."""
    return [line for line in changes.as_markdown(compare(old, new)).splitlines() if line.startswith("- ")]


TEXT, NUMBER = {"type": "string"}, {"type": "number"}

# before, after, the lines of the report, who is affected if the change breaks callers
SCHEMAS: dict[str, tuple[Json, Json, str, str]] = {
    "optional field added": (thing(), thing(a=TEXT), "`a` added", "nobody"),
    "required field added": (thing(), thing(("a",), a=TEXT), "`a` added, required", "senders"),
    "field removed": (thing(a=TEXT), thing(), "`a` removed", "both"),
    "field now required": (thing(a=TEXT), thing(("a",), a=TEXT), "`a` is now required", "senders"),
    "field no longer required": (thing(("a",), a=TEXT), thing(a=TEXT), "`a` is no longer required", "receivers"),
    "null allowed": (TEXT, TEXT | {"nullable": True}, "may now be null", "receivers"),
    "null forbidden": (TEXT | {"nullable": True}, TEXT, "may no longer be null", "senders"),
    "null allowed, in the manner of 3.1": (TEXT, {"type": ["string", "null"]}, "may now be null", "receivers"),
    "type": (TEXT, NUMBER, "type changed: `string` → `number`", "both"),
    "format": (TEXT, TEXT | {"format": "date-time"}, "type changed: `string` → `string (date-time)`", "both"),
    "enum value added": ({"enum": ["a"]}, {"enum": ["a", "b"]}, "value added: `b`", "nobody"),
    "enum value removed": ({"enum": ["a", "b"]}, {"enum": ["a"]}, "value removed: `b`", "senders"),
    "enum begun": (TEXT, TEXT | {"enum": ["a"]}, 'limited to values: `["a"]`', "senders"),
    "enum ended": (TEXT | {"enum": ["a"]}, TEXT, 'no longer limited to values: `["a"]`', "nobody"),
    "default added": (TEXT, TEXT | {"default": "a"}, "default added: `a`", "nobody"),
    "default changed": ({"default": 1}, {"default": True}, "default changed: `1` → `true`", "senders"),
    "default removed": ({"default": None}, {}, "default removed: `null`", "senders"),
    "minimum raised": (
        {"minimum": 1},
        {"minimum": 2},
        'limit tightened: `{"minimum": 1}` → `{"minimum": 2}`',
        "senders",
    ),
    "minimum lowered": (
        {"minimum": 2},
        {"minimum": 1},
        'limit loosened: `{"minimum": 2}` → `{"minimum": 1}`',
        "nobody",
    ),
    "maximum raised": ({"maximum": 1}, {"maximum": 2}, 'limit loosened: `{"maximum": 1}` → `{"maximum": 2}`', "nobody"),
    "maximum lowered": (
        {"maxLength": 2},
        {"maxLength": 1},
        'limit tightened: `{"maxLength": 2}` → `{"maxLength": 1}`',
        "senders",
    ),
    "limit added": ({}, {"maxItems": 9}, 'limit tightened: `{"maxItems": 9}`', "senders"),
    "limit removed": ({"minItems": 0}, {}, 'limit loosened: `{"minItems": 0}`', "nobody"),
    "pattern": ({"pattern": "a"}, {"pattern": "b"}, 'rule changed: `{"pattern": "a"}` → `{"pattern": "b"}`', "senders"),
    "pattern ended": ({"pattern": "a"}, {}, 'limit loosened: `{"pattern": "a"}`', "nobody"),
    "exclusive minimum lowered": (
        {"exclusiveMinimum": 2},
        {"exclusiveMinimum": 1},
        'limit loosened: `{"exclusiveMinimum": 2}` → `{"exclusiveMinimum": 1}`',
        "nobody",
    ),
    "null allowed among alternatives": (
        {"oneOf": [TEXT, NUMBER]},
        {"oneOf": [TEXT, NUMBER, {"type": "null"}]},
        "may now be null",
        "receivers",
    ),
    "anything allowed, in the manner of 3.1": (
        {"items": TEXT},
        {"items": True},
        "`[]` type changed: `string` → `any`",
        "both",
    ),
    "nothing allowed, in the manner of 3.1": (
        {"items": {}},
        {"items": False},
        '`[]` rule changed: `{"not": {}}`',
        "senders",
    ),
    "closed": (thing(), thing() | {"additionalProperties": False}, "now closed to other fields", "senders"),
    "opened": (
        thing() | {"additionalProperties": False},
        thing() | {"additionalProperties": {}},
        "now open to other fields",
        "nobody",
    ),
    "other fields' type": (
        {"additionalProperties": TEXT},
        {"additionalProperties": NUMBER},
        "`{}` type changed: `string` → `number`",
        "both",
    ),
    "alternative added": (
        {"oneOf": [TEXT]},
        {"oneOf": [TEXT, NUMBER]},
        'alternative added: `{"type": "number"}`',
        "receivers",
    ),
    "alternative removed": (
        {"anyOf": [TEXT, NUMBER]},
        {"anyOf": [NUMBER]},
        'alternative removed: `{"type": "string"}`',
        "senders",
    ),
    "alternative changed": (
        {"anyOf": [NUMBER, TEXT]},
        {"anyOf": [TEXT, {"type": "boolean"}]},
        "type changed: `number` → `boolean`",
        "both",
    ),
    "part added": ({"allOf": [TEXT]}, {"allOf": [TEXT, {"maxLength": 1}]}, 'part added: `{"maxLength": 1}`', "senders"),
    "deep inside": (
        thing(a={"type": "array", "items": thing(b=TEXT)}),
        thing(a={"type": "array", "items": thing(b=NUMBER)}),
        "`a[].b` type changed: `string` → `number`",
        "both",
    ),
    "deprecated": ({}, {"deprecated": True}, "deprecated", "nobody"),
    "no longer deprecated": ({"deprecated": True}, {"deprecated": False}, "no longer deprecated", "nobody"),
    "part removed": (
        {"allOf": [TEXT, {"maxLength": 1}]},
        {"allOf": [TEXT]},
        'part removed: `{"maxLength": 1}`',
        "receivers",
    ),
}


@pytest.mark.parametrize("case", SCHEMAS)
def test_change_of_schema(case: str) -> None:
    """Each kind of change is reported, and judged by what it means for callers that send it or receive it."""
    old, new, what, broken = SCHEMAS[case]
    sent, received = ("**breaking**" if broken in (who, "both") else "additive" for who in ("senders", "receivers"))
    assert report(document(sent=old), document(sent=new)) == [f"- {sent}: request body {what}"]
    assert report(document(answered=old), document(answered=new)) == [f"- {received}: answer 200 {what}"]


def moved(path: str, method: str = "post") -> Json:
    """Return the document with its operation under another path or method."""
    base = document()
    return base | {"paths": {path: {method: base["paths"]["/things"]["post"]}}}


OPERATIONS: dict[str, tuple[Json, Json, list[str]]] = {
    "operation added": ({**document(), "paths": {}}, document(), ["- additive: added"]),
    "operation removed": (document(), {**document(), "paths": {}}, ["- **breaking**: removed"]),
    "path": (document(), moved("/stuff"), ["- **breaking**: path changed: `/things` → `/stuff`"]),
    "method": (document(), moved("/things", "put"), ["- **breaking**: method changed: `POST` → `PUT`"]),
    "operation renamed": (
        document(),
        document(operationId="things.make"),
        ["- **breaking**: removed", "- additive: added"],
    ),
    "parameter added": (document(parameters=[]), document(), ["- additive: query parameter `p` added"]),
    "required parameter added": (
        document(parameters=[]),
        document(parameter={"required": True}),
        ["- **breaking**: query parameter `p` added, required"],
    ),
    "parameter removed": (document(), document(parameters=[]), ["- **breaking**: query parameter `p` removed"]),
    "parameter now required": (
        document(),
        document(parameter={"required": True}),
        ["- **breaking**: query parameter `p` is now required"],
    ),
    "parameter's type": (
        document(),
        document(parameter={"schema": TEXT}),
        ["- **breaking**: query parameter `p` type changed: `any` → `string`"],
    ),
    "body now required": (
        document(requestBody={"content": {}}),
        document(requestBody={"required": True, "content": {}}),
        ["- **breaking**: request body is now required"],
    ),
    "media type": (
        document(requestBody={"content": {"text/plain": {}}}),
        document(requestBody={"content": {"text/html": {}}}),
        ["- **breaking**: request body (text/plain) removed", "- additive: request body (text/html) added"],
    ),
    "answer added": (
        document(),
        document(responses={**document()["paths"]["/things"]["post"]["responses"], 201: {}}),
        ["- additive: answer 201 added"],
    ),
    "answer removed": (
        document(responses={"200": {}, "404": {}}),
        document(responses={"404": {}}),
        ["- **breaking**: answer 200 removed"],
    ),
    "error answer removed": (
        document(responses={"200": {}, "404": {}}),
        document(responses={"200": {}}),
        ["- additive: answer 404 no longer described"],
    ),
    "deprecated": (document(), document(deprecated=True), ["- additive: deprecated"]),
    "security": (
        document() | {"security": [{"a": []}]},
        document(security=[]) | {"security": [{"a": []}]},
        ['- **breaking**: security changed: `[{"a": []}]` → `[]`'],
    ),
    "security, said once more": (
        document() | {"security": [{"a": []}]},
        document(security=[{"a": []}]) | {"security": [{"a": []}]},
        [],
    ),
    "server": (
        document(),
        document() | {"servers": [{"url": "https://example.com"}]},
        ['- **breaking**: server changed: `[]` → `["https://example.com"]`'],
    ),
    "server's variable": (
        document() | {"servers": [{"url": "https://{a}.com", "variables": {"a": {"default": "b"}}}]},
        document() | {"servers": [{"url": "https://{a}.com", "variables": {"a": {"default": "c"}}}]},
        [
            "- **breaking**: server changed: "
            + " → ".join(
                f'`[{{"url": "https://{{a}}.com", "variables": {{"a": {{"default": "{value}"}}}}}}]`' for value in "bc"
            )
        ],
    ),
    "operation's server": (
        document(),
        document(servers=[{"url": "https://example.com"}]),
        ['- **breaking**: server changed: `[]` → `["https://example.com"]`'],
    ),
    "path's server": (
        document(),
        document() | {"paths": {"/things": document()["paths"]["/things"] | {"servers": [{"url": "https://a.com"}]}}},
        ['- **breaking**: server changed: `[]` → `["https://a.com"]`'],
    ),
    "header added": (
        document(responses={"200": {}}),
        document(responses={"200": {"headers": {"title": {"schema": TEXT}}}}),
        ["- additive: answer 200 header `title` added"],
    ),
    "header removed": (
        document(responses={"200": {"headers": {"title": {"schema": TEXT}}}}),
        document(responses={"200": {}}),
        ["- **breaking**: answer 200 header `title` removed"],
    ),
    "header's type": (
        document(responses={"200": {"headers": {"title": {"schema": TEXT}}}}),
        document(responses={"200": {"headers": {"title": {"schema": NUMBER}}}}),
        ["- **breaking**: answer 200 header `title` type changed: `string` → `number`"],
    ),
    "callback added": (document(), document(callbacks={"a": {}}), ["- additive: callback `a` added"]),
    "callback removed": (document(callbacks={"a": {}}), document(), ["- **breaking**: callback `a` removed"]),
    "webhook changed": (
        document() | {"webhooks": {"a": {"post": {}}}},
        document() | {"webhooks": {"a": {"put": {}}}},
        ["- **breaking**: webhook `a` changed"],
    ),
    "extension among the paths": (
        document(),
        document() | {"paths": {**document()["paths"], "x-targets": "get, post"}},
        [],
    ),
    "version": (
        document(),
        document() | {"info": {"title": "Test", "version": "2"}},
        ["- additive: version changed: `1` → `2`"],
    ),
}


@pytest.mark.parametrize("case", OPERATIONS)
def test_change_of_operation(case: str) -> None:
    """Operations, parameters, bodies and responses that come or go are reported; a moved operation is recognized."""
    old, new, expected = OPERATIONS[case]
    assert report(old, new) == expected


def test_component_is_reported_once_for_each_direction() -> None:
    """A change in a component is reported under its name, once for requests and once for responses."""
    old, new = copy.deepcopy(DOCUMENT), copy.deepcopy(DOCUMENT)
    component = {"$ref": "#/components/schemas/schemas_prediction_response"}
    for one in (old, new):
        one["paths"]["/predictions"]["post"]["requestBody"]["content"]["application/json"]["schema"] = component
    del new["components"]["schemas"]["schemas_prediction_response"]["properties"]["logs"]
    lines = changes.as_markdown(compare(old, new)).splitlines()
    assert lines[:4] == ["2 breaking, 0 additive.", "", "### `schemas_prediction_response`", ""]
    assert sorted(lines[4:]) == ["- **breaking**: answer `logs` removed", "- **breaking**: request `logs` removed"]


def test_recursive_components_are_compared() -> None:
    """Components that refer to themselves, even out of step, are compared without endless recursion."""
    node = thing(next={"$ref": "#/components/schemas/Node"})
    twice = thing(next=thing(next={"$ref": "#/components/schemas/Node"}))
    old = document(answered={"$ref": "#/components/schemas/Node"}) | {"components": {"schemas": {"Node": node}}}
    new = document(answered=twice) | {"components": {"schemas": {"Node": twice}}}
    assert report(old, new) == []
    new["components"]["schemas"]["Node"] = thing(next=thing(next={"$ref": "#/components/schemas/Node"}, more=TEXT))
    assert set(report(old, new)) == {"- additive: answer `next.more` added"}


REFERENCE: Json = {"$ref": "#/components/schemas/Thing"}


@pytest.mark.parametrize(
    "wrapped",
    [
        {"allOf": [REFERENCE], "description": "Words."},
        {"oneOf": [REFERENCE]},
        {"anyOf": [REFERENCE], "title": "Words."},
        REFERENCE | {"description": "Words."},
    ],
    ids=["allOf", "oneOf", "anyOf", "beside"],
)
def test_a_wrapper_with_a_description_is_no_change(wrapped: Json) -> None:
    """Wrapping a reference to add a description is no change; adding null is one."""
    components = {"components": {"schemas": {"Thing": thing(a=TEXT)}}}
    old, new = document(answered=REFERENCE) | components, document(answered=wrapped) | components
    assert report(old, new) == report(new, old) == []
    null = document(answered=wrapped | {"nullable": True}) | components
    for plain in (old, new):
        assert report(plain, null) == ["- **breaking**: answer 200 may now be null"]
        assert report(null, plain) == ["- additive: answer 200 may no longer be null"]


def test_renamed_component_is_reported() -> None:
    """A component with a new name and the same fields is reported as renamed."""
    text = json.dumps(DOCUMENT)
    assert report(DOCUMENT, json.loads(text.replace("schemas_version_response", "Version"))) == [
        "- **breaking**: answer component renamed: `schemas_version_response` → `Version`"
    ]


def test_equal_documents_have_no_changes(capsys: pytest.CaptureFixture[str]) -> None:
    """A document compared with itself gives one line that says so, and exit status 0."""
    path = str(PROJECT / "openapi.json")
    assert changes.main([path, path]) == 0
    assert capsys.readouterr().out == "No changes.\n"


def test_yaml_and_another_order_change_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same document as YAML, with its keys in another order, has no changes."""
    other = tmp_path / "openapi.yaml"
    other.write_text(yaml.safe_dump(DOCUMENT, sort_keys=True), encoding="utf-8")
    assert changes.main([str(PROJECT / "openapi.json"), str(other)]) == 0
    assert capsys.readouterr().out == "No changes.\n"


def test_prose_is_mentioned_in_one_line() -> None:
    """Changed descriptions and examples count as no change, and are mentioned in one line."""
    other = copy.deepcopy(DOCUMENT)
    other["info"]["description"] = "Other words."
    only = compare(DOCUMENT, other)
    assert changes.as_markdown(only) == "Only descriptions or examples changed."
    assert changes.as_outputs(only) == "changed=false\nbreaking=false"
    del other["paths"]["/search"]
    assert changes.as_markdown(compare(DOCUMENT, other)).splitlines()[-1] == "Descriptions or examples changed too."


def test_report_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON and workflow outputs say whether anything changed and whether it breaks callers."""
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps(document(sent=thing())), encoding="utf-8")
    new.write_text(json.dumps(document(sent=thing(("a",), a=TEXT))), encoding="utf-8")
    assert changes.main([str(old), str(new), "--format", "outputs"]) == 0
    assert capsys.readouterr().out == "changed=true\nbreaking=true\n"
    assert changes.main([str(new), str(old), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["changes"] == [
        {"where": "things.create", "what": "request body", "field": "a", "kind": "removed", "breaking": True}
    ]


def test_names_in_a_document_are_not_markup() -> None:
    """The report shows every name from a document as a code span of limited length on a line of its own."""
    [line] = report(document(), document(sent={"properties": {"`\n# <b>": TEXT}}))
    assert line == "- additive: request body `# <b>` added"
    [line] = report(document(sent={"default": "x" * 500}), document())
    assert len(line) < 200


def test_unreadable_document_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not an OpenAPI document gives exit status 2 and an error that names the file."""
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[]", encoding="utf-8")
    assert changes.main([str(PROJECT / "openapi.json"), str(wrong)]) == 2
    assert "wrong.json" in capsys.readouterr().err


def places(node: Any, path: tuple[Any, ...] = (), *, named: bool = False) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every key and item of a document, except descriptions."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if named or isinstance(key, int) or not is_words(key):
            yield (*path, key)
            yield from places(value, (*path, key), named=not named and key in NAMES)


# Keys that every document has, or that references point to: without them there is nothing to compare.
NEEDED = {"openapi", "info", "paths", "responses", "url", "in", "name", "components", "schemas"}
PLACES = [
    place
    for place in places(DOCUMENT)
    if place[-1] not in NEEDED
    and not (place[0] == "components" and len(place) <= 3)
    and not (place[-1] == "$ref" and "parameters" in place)
]


def mutate(place: tuple[Any, ...]) -> Json:
    """Return the document with one leaf changed or one branch removed."""
    other = copy.deepcopy(DOCUMENT)
    parent = other
    for step in place[:-1]:
        parent = parent[step]
    match parent[place[-1]]:
        case bool(value):
            parent[place[-1]] = not value
        case int(value):
            parent[place[-1]] = value + 1
        case str(value) if place[-1] != "$ref":
            parent[place[-1]] = value + "x"
        case _:
            del parent[place[-1]]
    return other


@settings(max_examples=60, deadline=None)
@given(place=st.sampled_from(PLACES))
def test_every_mutation_is_reported(place: tuple[Any, ...]) -> None:
    """Every changed leaf and every removed branch is reported, also when the two documents are swapped."""
    other = mutate(place)
    assert compare(DOCUMENT, other).changes
    assert compare(other, DOCUMENT).changes


@settings(max_examples=20, deadline=None)
@given(place=st.sampled_from(PLACES))
def test_a_document_has_no_changes_to_itself(place: tuple[Any, ...]) -> None:
    """Comparing any document with itself reports no changes."""
    other = mutate(place)
    assert changes.as_markdown(compare(other, copy.deepcopy(other))) == "No changes."
