"""Reducing a document and applying corrections to it: every spelling has one meaning, and no entry is unused."""

from __future__ import annotations

import copy
import re
from typing import Any

import overlay
import pytest
import yaml
from document import Problem
from project_tree import PROJECT
from reduction import Interface, reduce, schema

OVERLAY = yaml.safe_load((PROJECT / "scripts" / "codegen" / "overlay.yaml").read_text(encoding="utf-8"))
STRING = {"type": "string"}
REFERENCE = {"$ref": "#/components/schemas/A"}
NULL = {"type": "null"}


def document(**schemas: Any) -> dict[str, Any]:
    """Return a document with components, and an operation `a.get` whose response has the schema `inline`."""
    answer = schemas.pop("inline", STRING)
    content = {"application/json": {"schema": answer}}
    operation = {"operationId": "a.get", "responses": {"200": {"description": "", "content": content}}}
    return {"openapi": "3.0.4", "paths": {"/a": {"get": operation}}, "components": {"schemas": schemas}}


def lay(entries: dict[str, Any], **schemas: Any) -> Interface:
    interface = reduce(copy.deepcopy(document(**schemas)))
    overlay.apply(entries, interface)
    return interface


# ---- reducing


@pytest.mark.parametrize(
    "spelling",
    [
        {"type": "string", "nullable": True, "example": "x", "title": "T", "default": "d", "maxLength": 3},
        {"type": ["string", "null"]},
        {"oneOf": [STRING, NULL]},
        {"anyOf": [NULL, STRING], "x-order": 1},
        {"type": "string", "format": "uri", "nullable": True, "description": "Words."},
        {"allOf": [STRING], "nullable": True},
    ],
)
def test_every_spelling_of_a_nullable_value_is_an_optional_value(spelling: dict[str, Any]) -> None:
    """Each way in which OpenAPI 3.0 and 3.1 say "nullable" gives the same schema and an optional field."""
    made = schema({"type": "object", "properties": {"a": spelling, "b": STRING}, "required": ["b", "a"]})
    made["properties"]["a"].pop("description", None)
    assert made == {"type": "object", "properties": {"a": STRING, "b": STRING}, "required": ["b"]}


def test_a_nullable_reference_stays_a_reference() -> None:
    """A reference that is wrapped to add null or a description stays a reference."""
    assert schema({"allOf": [REFERENCE], "nullable": True}) == REFERENCE
    assert schema({"oneOf": [REFERENCE, NULL], "description": "D"}) == {**REFERENCE, "description": "D"}


def test_errors_and_invisible_characters_are_left_out() -> None:
    """Only successful responses are reduced; invisible characters are removed from descriptions."""
    given = document()
    operation = given["paths"]["/a"]["get"]
    operation["summary"] = "see\u202e this\u2066"
    operation["responses"] |= {"404": {"description": "", "content": {"x/y": {"schema": STRING}}}, "default": {}}
    made = reduce(given).operations["a.get"]
    assert made.summary == "see this"
    assert made.answer == {"type": "application/json", "schema": STRING}


def test_different_success_responses_are_refused() -> None:
    """An operation with two kinds of successful response is refused: it would need another template."""
    given = document()
    given["paths"]["/a"]["get"]["responses"]["202"] = {"description": ""}
    with pytest.raises(Problem, match="GET /a answers success in several ways"):
        reduce(given)


def test_references_to_parameters_and_bodies_are_followed() -> None:
    """Parameters of the document and of the path apply to an operation; the operation's own override them."""
    given = document()
    given["components"]["parameters"] = {"p": {"name": "X-P", "in": "header", "schema": STRING}}
    item = given["paths"]["/a"]
    item["parameters"] = [{"$ref": "#/components/parameters/p"}, {"name": "q", "in": "query", "schema": {}}]
    item["get"]["parameters"] = [{"name": "q", "in": "query", "required": True, "schema": STRING}]
    made = reduce(given).operations["a.get"].parameters
    assert made == {
        "path": {},
        "query": {"q": {"required": True, "schema": STRING}},
        "header": {"X-P": {"required": False, "schema": STRING}},
    }


# ---- names


@pytest.mark.parametrize(
    ("component", "name"),
    [
        ("schemas_prediction_response", "Prediction"),
        ("schemas_paginated_version_response", "VersionPage"),
        ("schemas_version_prediction_request", "VersionPredictionRequest"),
        ("Account", "Account"),
        ("some.other-thing", "SomeOtherThing"),
        ("schemas_response", "Response"),
    ],
)
def test_classes_are_named_after_their_components(component: str, name: str) -> None:
    """A class is named after the noun of its component; a paginated component is named a page of that noun."""
    assert overlay.class_name(component) == name


def test_references_follow_a_renamed_component() -> None:
    """References to a renamed component use its new name."""
    refers = {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/schemas_a"}}}
    made = lay({"names": {"schemas_a": "Better"}}, schemas_a=STRING, b=refers)
    assert made.schemas["B"]["properties"]["a"] == {"$ref": "#/components/schemas/Better"}


# ---- entries


INNER = {"type": "object", "properties": {"x": STRING}, "required": ["x"]}
OUTER = {"type": "object", "properties": {"in": INNER, "list": {"type": "array", "items": INNER}, "s": STRING}}


def test_a_shape_becomes_one_component_with_a_name() -> None:
    """Equal shapes in several places become one component, with the first description found."""
    described = {**INNER, "description": "An inner one."}
    made = lay({"shapes": {"Inner": ["A/in", "A/list/[]", "a.get/response"]}}, A=OUTER, inline=described)
    reference = {"$ref": "#/components/schemas/Inner"}
    assert made.schemas["Inner"] == {**described}
    assert made.schemas["A"]["properties"]["in"] == made.schemas["A"]["properties"]["list"]["items"] == reference
    assert made.operations["a.get"].answer == {"type": "application/json", "schema": reference}


def test_nested_shapes_are_named_in_any_order() -> None:
    """Inner shapes are named before the outer shapes that hold them."""
    for order in (["Out", "Inner"], ["Inner", "Out"]):
        places = {"Out": ["a.get/response"], "Inner": ["a.get/response/in", "a.get/response/list/[]"]}
        made = lay({"shapes": {name: places[name] for name in order}}, inline=OUTER)
        assert made.schemas["Out"]["properties"]["in"] == {"$ref": "#/components/schemas/Inner"}


def test_corrections_change_the_schema_at_their_address() -> None:
    """`add`, `optional` and `set` make their change, and a description survives a `set`."""
    given = {**OUTER, "properties": {**OUTER["properties"], "s": {"type": "integer", "description": "D"}}}
    made = lay(
        {
            "changes": [
                {"at": "A/in", "optional": ["x"], "why": "w"},
                {"at": "A/in", "add": {"y": {"type": "string", "format": "date-time"}}, "why": "w"},
                {"at": "A/s", "set": {"type": "string"}, "why": "w"},
            ]
        },
        A=given,
    )
    properties = made.schemas["A"]["properties"]
    assert properties["in"]["required"] == []
    assert properties["in"]["properties"]["y"] == {"type": "string", "format": "date-time"}
    assert properties["s"] == {"type": "string", "description": "D"}


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"name": {}}, "overlay.yaml has no sections name"),
        ({"names": {"gone": "X"}}, "names gone, which the document no longer has. Delete the entry"),
        ({"shapes": {"X": ["A/gone"]}}, "changes A/gone, which the document no longer has"),
        ({"shapes": {"X": ["A/in", "A/s"]}}, "A/s is no longer like A/in"),
        ({"shapes": {"X": ["A/ref"]}}, "A/ref is #/components/schemas/B by now"),
        ({"shapes": {"B": ["A/in"]}}, "There is a component B already"),
        ({"changes": [{"at": "A", "add": {"s": STRING}, "why": "w"}]}, "has A/s by now. Delete it"),
        ({"changes": [{"at": "A/in", "optional": ["gone"], "why": "w"}]}, "A/in/gone is optional by now, or gone"),
        ({"changes": [{"at": "A/s", "set": STRING, "why": "w"}]}, "A/s changes nothing any more. Delete it"),
        ({"changes": [{"at": "a.get/body", "set": STRING, "why": "w"}]}, "changes a.get/body, which"),
        ({"changes": [{"at": "a.get/query/x", "set": STRING, "why": "w"}]}, "changes a.get/query/x, which"),
        ({"changes": [{"at": "A/s", "set": STRING}]}, "must have `at`, `why` and one of"),
        ({"changes": [{"at": "A/s", "set": STRING, "add": {}, "why": "w"}]}, "must have `at`, `why` and one of"),
    ],
)
def test_an_entry_with_nothing_to_change_is_refused(entries: dict[str, Any], reason: str) -> None:
    """An entry whose target is gone or already correct stops the generation; the error says what to delete."""
    given = {**OUTER, "properties": {**OUTER["properties"], "ref": {"$ref": "#/components/schemas/B"}}}
    with pytest.raises(Problem, match=re.escape(reason)):
        lay(entries, A=given, B=STRING)


def test_every_correction_has_a_reason() -> None:
    """Each entry of the overlay gives its reason in a sentence."""
    assert all(entry["why"].endswith(".") for entry in OVERLAY["changes"])
