"""Derives from a Python function's signature the OpenAPI schema that Cog would publish for it."""

from __future__ import annotations

import inspect
import types
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, cast, get_args, get_origin

import attrs

if TYPE_CHECKING:
    from replicate.local.validation import Schema

FILE: Schema = {"type": "string", "format": "uri"}
_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    dict: {"type": "object"},
    list: {"type": "array"},
    tuple: {"type": "array"},
    Path: FILE,
    bytes: FILE,
}
# Attributes that identify classes of dataclasses, attrs, pydantic and TypedDict.
_RECORDS = ("__dataclass_fields__", "__attrs_attrs__", "model_fields", "__total__")
_KEYWORDS = {
    "description": "description",
    "ge": "minimum",
    "le": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
    "choices": "enum",
}


@attrs.frozen(kw_only=True)
class Input:
    """Constraints of a parameter besides its type: `width: Annotated[int, Input(ge=1, le=1024)]`.

    Objects of other libraries that have some of these attributes, such as `annotated_types.Ge`, work as well, and a
    bare string is a description.
    """

    description: str | None = None
    ge: float | None = None
    le: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    choices: list[Any] | None = None


@attrs.frozen
class Signature:
    """A function with its parameters and output: the annotations by name, and the same as JSON schemas."""

    function: Callable[..., Any]
    annotations: dict[str, Any]
    input: Schema
    output: Schema
    shared: dict[str, Schema]

    def document(self, training: Signature | None = None) -> dict[str, Any]:
        """Return the OpenAPI document that a version publishes; `training` is the function that trains it."""
        schemas = {"Input": self.input, "Output": self.output, **self.shared}
        paths = {"/predictions": {"post": _operation("Predict", "Input", "Output")}}
        if training:
            schemas |= {"TrainingInput": training.input, "TrainingOutput": training.output, **training.shared}
            paths["/trainings"] = {"post": _operation("Train", "TrainingInput", "TrainingOutput")}
        return {
            "openapi": "3.0.2",
            "info": {"title": "Cog", "version": "0.1.0"},
            "paths": paths,
            "components": {"schemas": schemas},
        }


def _operation(summary: str, taken: str, given: str) -> dict[str, Any]:
    reference = "#/components/schemas/"
    request = {"type": "object", "properties": {"input": {"$ref": f"{reference}{taken}"}}}
    answer = {"type": "object", "properties": {"output": {"$ref": f"{reference}{given}"}}}
    return {
        "summary": summary,
        "requestBody": {"content": {"application/json": {"schema": request}}},
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": answer}}}},
    }


def read(function: Callable[..., Any], prefix: str = "") -> Signature:
    """Read a function's signature; raise `TypeError` for one that cannot be a model.

    `prefix` is prepended to the names of schemas, so that two functions can share a document.
    """
    try:
        signature = inspect.signature(function, eval_str=True)
    except (NameError, ValueError) as error:
        raise TypeError(f"the signature of {function!r} cannot be read: {error}") from error
    properties: dict[str, Schema] = {}
    shared: dict[str, Schema] = {}
    required: list[str] = []
    for order, parameter in enumerate(signature.parameters.values()):
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise TypeError(f"{function!r} cannot be a model: each input needs a name, and {parameter} has none")
        properties[parameter.name] = _property(parameter, order, shared, prefix)
        if parameter.default is parameter.empty:
            required.append(parameter.name)
    return Signature(
        function,
        annotations={name: parameter.annotation for name, parameter in signature.parameters.items()},
        input={
            "type": "object",
            "title": f"{prefix}Input",
            **({"required": required} if required else {}),
            "properties": properties,
        },
        output={"title": f"{prefix}Output", **describe(signature.return_annotation)},
        shared=shared,
    )


def _property(parameter: inspect.Parameter, order: int, shared: dict[str, Schema], prefix: str) -> Schema:
    annotation, default = parameter.annotation, parameter.default
    if annotation is parameter.empty and default not in (parameter.empty, None):
        annotation = cast("Any", type(default))
    schema = describe(annotation)
    if "enum" in schema:  # Cog gives each enumeration its own name and refers to it.
        name = f"{prefix}{parameter.name}"
        shared[name] = {"title": name, "description": "An enumeration.", "type": schema.pop("type", "string")}
        shared[name]["enum"] = schema.pop("enum")
        schema = {"allOf": [{"$ref": f"#/components/schemas/{name}"}], **schema}
    else:
        schema = {"title": parameter.name.replace("_", " ").title(), **schema}
    plain = default.value if isinstance(default, Enum) else default
    if isinstance(plain, (str, int, float, list, dict)):
        schema["default"] = plain
    if default is None:
        schema["nullable"] = True
    return {**schema, "x-order": order}


def describe(annotation: Any) -> Schema:
    """Return the JSON schema of a type."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return {**describe(arguments[0]), **_limits(arguments[1:])}
    if origin is Literal:
        return _enumeration(arguments)
    if origin in {Union, types.UnionType}:
        return _union(arguments)
    if isinstance(origin, type):
        return _container(origin, arguments)
    return _simple(annotation)


def _simple(annotation: Any) -> Schema:
    if annotation in _PLAIN:
        return dict(_PLAIN[annotation])
    if any(hasattr(annotation, mark) for mark in _RECORDS):
        return {"type": "object"}
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _enumeration(member.value for member in annotation)
    return {}


def _enumeration(choices: Iterable[Any]) -> Schema:
    values = list(choices)
    return {**(describe(type(values[0])) if values else {}), "enum": values}


def _union(members: tuple[Any, ...]) -> Schema:
    some = [member for member in members if member is not types.NoneType]
    schema = describe(some[0]) if len(some) == 1 else {}
    return {**schema, "nullable": True} if len(some) < len(members) else schema


def _container(origin: type, arguments: tuple[Any, ...]) -> Schema:
    if issubclass(origin, Mapping):
        return {"type": "object"}
    items = describe(arguments[0]) if arguments else {}
    if issubclass(origin, (Iterator, AsyncIterable)) or origin is Iterable:
        concatenate = {"x-cog-array-display": "concatenate"} if items == {"type": "string"} else {}
        return {"type": "array", "items": items, "x-cog-array-type": "iterator", **concatenate}
    return {"type": "array", "items": items} if issubclass(origin, Iterable) else {}


def _limits(notes: Iterable[Any]) -> Schema:
    found: Schema = {}
    for note in notes:
        if isinstance(note, str):
            found["description"] = note
            continue
        for attribute, keyword in _KEYWORDS.items():
            if (value := getattr(note, attribute, None)) is not None:
                found[keyword] = value
        if metadata := getattr(note, "metadata", None):  # pydantic's Field keeps its constraints there
            found |= _limits(metadata)
    return found
