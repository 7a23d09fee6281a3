"""Validates JSON against the part of JSON Schema that models use, with the messages of the API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeGuard

import attrs

from replicate.local.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Schema = dict[str, Any]


@attrs.frozen
class Complaint:
    """One error in an input; `field` is a path like `input.width`."""

    type: str
    field: str
    description: str

    def __str__(self) -> str:
        return f"- {self.field}: {self.description}" if self.field else f"- {self.description}"


def refusal(complaints: Iterable[Complaint]) -> Problem:
    """Return the API's 422 for these errors."""
    found = list(complaints)
    return Problem(
        422,
        "".join(f"{complaint}\n" for complaint in found),
        title="Input validation failed",
        invalid_fields=[attrs.asdict(complaint) for complaint in found],
    )


def complaints(value: Any, schema: Schema, shared: Mapping[str, Schema], field: str = "") -> Iterator[Complaint]:
    """Yield all errors in a value; `shared` has the schemas that are referred to by name."""
    schema = resolve(schema, shared)
    if value is None and schema.get("nullable"):
        return
    given, wanted = kind(value), schema.get("type")
    if wanted and given != wanted and (given, wanted) != ("integer", "number"):
        yield Complaint("invalid_type", field, f"Invalid type. Expected: {wanted}, given: {given}")
        return
    if "enum" in schema and value not in schema["enum"]:
        allowed = ", ".join(f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in schema["enum"])
        yield Complaint("enum", field, f"{field.rpartition('.')[2]} must be one of the following: {allowed}")
    for keyword, (type_, holds, text) in _RULES.items():
        if keyword in schema and not holds(value, schema[keyword]):
            yield Complaint(type_, field, text.format(schema[keyword]))
    yield from _inside(value, schema, shared, field)


def _inside(value: Any, schema: Schema, shared: Mapping[str, Schema], field: str) -> Iterator[Complaint]:
    if is_array(value) and "items" in schema:
        for index, item in enumerate(value):
            yield from complaints(item, schema["items"], shared, f"{field}.{index}")
    if not is_object(value):
        return
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield Complaint("required", field, f"{name} is required")
    for name, item in value.items():
        if name in properties:
            yield from complaints(item, properties[name], shared, f"{field}.{name}" if field else name)
        elif schema.get("additionalProperties") is False:
            yield Complaint("additional_property_not_allowed", field, f"Additional property {name} is not allowed")


def resolve(schema: Schema, shared: Mapping[str, Schema]) -> Schema:
    """Return a schema with `$ref` and `allOf` replaced by their targets."""
    for part in schema.get("allOf", ()):
        schema = {**resolve(part, shared), **schema}
    if "$ref" in schema:
        schema = {**shared[schema["$ref"].rpartition("/")[2]], **schema}
    return schema


def kind(value: Any) -> str:
    """Return the JSON type of a value; a float without a fraction is an integer, because JSON has only numbers."""
    if isinstance(value, float) and value.is_integer():
        return "integer"
    return _KINDS[type(value)]


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Return whether a value is a JSON object."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Return whether a value is a JSON array."""
    return isinstance(value, list)


def _is_file(value: str, format_: str) -> bool:
    return format_ != "uri" or value.startswith(("http://", "https://", "data:"))


_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_RULES: dict[str, tuple[str, Callable[[Any, Any], bool], str]] = {
    "minimum": ("number_gte", lambda value, limit: value >= limit, "Must be greater than or equal to {}"),
    "maximum": ("number_lte", lambda value, limit: value <= limit, "Must be less than or equal to {}"),
    "minLength": (
        "string_gte",
        lambda value, limit: len(value) >= limit,
        "String length must be greater than or equal to {}",
    ),
    "maxLength": (
        "string_lte",
        lambda value, limit: len(value) <= limit,
        "String length must be less than or equal to {}",
    ),
    "pattern": ("pattern", lambda value, pattern: re.search(pattern, value) is not None, "Does not match pattern '{}'"),
    "format": ("format", _is_file, "Does not match format '{}'"),
}
