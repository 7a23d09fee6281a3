"""Errors of an input, in the API's words."""

from __future__ import annotations

from typing import Any

import pytest

from replicate.local.problems import Problem
from replicate.local.validation import complaints, refusal

SCHEMA = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^a"},
        "steps": {"type": "integer", "minimum": 1, "maximum": 4},
        "scale": {"type": "number"},
        "image": {"type": "string", "format": "uri"},
        "images": {"type": "array", "items": {"type": "string", "format": "uri"}},
        "seed": {"type": "integer", "nullable": True},
        "style": {"allOf": [{"$ref": "#/components/schemas/style"}], "default": "bold"},
    },
}
SHARED = {"style": {"type": "string", "enum": ["bold", "faint"]}}


def found(given: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (one.type, one.field, one.description)
        for one in complaints({"prompt": "abc", **given}, SCHEMA, SHARED, "input")
    ]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"steps": 4, "scale": 3, "seed": None, "style": "faint", "unknown": object},
        {"steps": 2.0},
        {"image": "https://example.com/a.png", "images": ["data:,x", "http://example.com"]},
    ],
)
def test_valid_inputs_are_accepted(given: dict[str, Any]) -> None:
    """Whole floats are integers, integers are numbers, null is allowed if nullable, unknown fields are ignored."""
    assert found(given) == []


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"prompt": 1}, ("invalid_type", "input.prompt", "Invalid type. Expected: string, given: integer")),
        ({"prompt": None}, ("invalid_type", "input.prompt", "Invalid type. Expected: string, given: null")),
        ({"steps": True}, ("invalid_type", "input.steps", "Invalid type. Expected: integer, given: boolean")),
        ({"steps": 1.5}, ("invalid_type", "input.steps", "Invalid type. Expected: integer, given: number")),
        ({"steps": 5}, ("number_lte", "input.steps", "Must be less than or equal to 4")),
        ({"steps": 0}, ("number_gte", "input.steps", "Must be greater than or equal to 1")),
        ({"prompt": "a"}, ("string_gte", "input.prompt", "String length must be greater than or equal to 2")),
        ({"prompt": "aaaaa"}, ("string_lte", "input.prompt", "String length must be less than or equal to 4")),
        ({"prompt": "ba"}, ("pattern", "input.prompt", "Does not match pattern '^a'")),
        ({"image": "cat.png"}, ("format", "input.image", "Does not match format 'uri'")),
        ({"images": ["x"]}, ("format", "input.images.0", "Does not match format 'uri'")),
        ({"images": {}}, ("invalid_type", "input.images", "Invalid type. Expected: array, given: object")),
        ({"style": "x"}, ("enum", "input.style", 'style must be one of the following: "bold", "faint"')),
    ],
)
def test_invalid_inputs_are_reported(given: dict[str, Any], complaint: tuple[str, str, str]) -> None:
    """Each kind of error is reported with its field and reason."""
    assert found(given) == [complaint]


def test_a_refusal_lists_all_errors() -> None:
    """The 422 has all errors, as text for people and as fields for programs."""
    problem = refusal(complaints({"steps": 9}, SCHEMA, SHARED, "input"))
    assert isinstance(problem, Problem)
    assert problem.body == {
        "detail": "- input: prompt is required\n- input.steps: Must be less than or equal to 4\n",
        "status": 422,
        "title": "Input validation failed",
        "invalid_fields": [
            {"type": "required", "field": "input", "description": "prompt is required"},
            {"type": "number_lte", "field": "input.steps", "description": "Must be less than or equal to 4"},
        ],
    }


def test_a_surplus_field_is_refused_if_the_schema_says_so() -> None:
    """The body of a request, unlike an input, may not have additional fields."""
    closed = {"type": "object", "properties": {}, "additionalProperties": False}
    (complaint,) = complaints({"model": 1}, closed, {})
    assert str(complaint) == "- Additional property model is not allowed"
