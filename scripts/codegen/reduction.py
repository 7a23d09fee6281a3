"""Reduce an OpenAPI document to the parts that code is generated from, in a fixed order, without everything else.

The templates understand the result. A document that they would get wrong raises Problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from document import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = dict[str, Any]

METHODS = ("get", "put", "post", "patch", "delete", "options", "head", "trace")
KNOWN_PATH_KEYS = {*METHODS, "parameters", "summary", "description", "servers"}
FORMATS = {"date-time", "binary"}  # other formats do not change the type in Python
REFERENCE = "#/components/schemas/"
NULL = {"type": "null"}


@dataclass
class Operation:
    """One operation: parameters by location and name, body and answer as `{"type": its media type, "schema": …}`."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: dict[str, dict[str, dict[str, Any]]]
    body: dict[str, Any] | None
    answer: dict[str, Any] | None


@dataclass
class Interface:
    """The operations and components of a document."""

    operations: dict[str, Operation]
    schemas: dict[str, Schema]

    def target(self, schema: Schema) -> Schema:
        """Return the component that a schema refers to, or the schema itself."""
        return self.schemas.get(schema.get("$ref", "").removeprefix(REFERENCE), schema)


def reduce(document: Mapping[str, Any]) -> Interface:
    """Reduce a valid document."""
    schemas = document.get("components", {}).get("schemas", {})
    operations: dict[str, Operation] = {}
    for path, item in document.get("paths", {}).items():
        unknown = [key for key in item if key not in KNOWN_PATH_KEYS and not key.startswith("x-")]
        if unknown:
            raise Problem(
                f"The generator would skip {', '.join(unknown)} of {path}: write that by hand and remove it here."
            )
        for method in METHODS:
            if method in item:
                made = operation(document, path, method, item)
                if made.id in operations:
                    raise Problem(f"The operationId {made.id!r} comes twice. Correct the document.")
                operations[made.id] = made
    return Interface(operations, {name: schema(value) for name, value in schemas.items()})


def operation(document: Mapping[str, Any], path: str, method: str, item: Mapping[str, Any]) -> Operation:
    """Reduce one operation of a path."""
    data = item[method]
    place = f"{method.upper()} {path}"
    if "operationId" not in data:
        raise Problem(f"{place} has no operationId, which names its module. Add one to the document.")
    given = [*item.get("parameters", ()), *data.get("parameters", ())]
    body = resolved(document, data["requestBody"]) if "requestBody" in data else {}
    answers = [
        content(resolved(document, answer), place)
        for status, answer in sorted(data["responses"].items())
        if status.startswith("2")  # errors are raised before anything is parsed
    ]
    if any(stripped(answer) != stripped(answers[0]) for answer in answers):
        raise Problem(f"{place} answers success in several ways, and the templates know one. Extend `endpoint_module`.")
    return Operation(
        id=data["operationId"],
        method=method,
        path=path,
        summary=printable(data.get("summary", "")),
        description=printable(data.get("description", "")),
        parameters=parameters([resolved(document, parameter) for parameter in given], place),
        body=content(body, place),
        answer=answers[0] if answers else None,
    )


def parameters(given: list[Mapping[str, Any]], place: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Sort parameters by location and name. Parameters of the operation come last, and override those of its path."""
    found: dict[str, dict[str, dict[str, Any]]] = {"path": {}, "query": {}, "header": {}}
    for parameter in given:
        location, name = parameter["in"], parameter["name"]
        if location not in found or "schema" not in parameter:
            raise Problem(f"{place}: the templates do not know {location} parameters like {name!r}. Extend them.")
        shape = {**schema(parameter["schema"]), **prose(parameter)}
        found[location][name] = {"required": parameter.get("required", False), "schema": shape}
    return found


def resolved(document: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow references to anything but schemas: the document's own parameters, bodies and answers."""
    seen: list[str] = []
    while "$ref" in value:
        reference = value["$ref"]
        if reference in seen:
            raise Problem(f"{reference} refers to itself. Correct the document.")
        seen.append(reference)
        value = document
        for step in reference.removeprefix("#/").split("/"):
            value = value[step.replace("~1", "/").replace("~0", "~")]
    return value


def content(value: Mapping[str, Any], place: str) -> dict[str, Any] | None:
    """Choose the media type of a body or answer: JSON, or the only one."""
    offered = value.get("content") or {}
    if not offered:
        return None
    media = "application/json" if "application/json" in offered else next(iter(sorted(offered)))
    if "schema" not in offered[media]:
        raise Problem(f"{place}: {media} has no schema. Add one to the document.")
    return {"type": media, "schema": schema(offered[media]["schema"])}


def schema(value: Mapping[str, Any]) -> Schema:
    """Reduce a schema to its type, its prose, and its parts. A property that may be null is optional."""
    options = [option for key in ("allOf", "anyOf", "oneOf") for option in value.get(key, ()) if option != NULL]
    if len(options) == 1 and not value.get("properties"):
        return {**schema(options[0]), **prose(value)}
    if options:
        return {**prose(value), "oneOf": [schema(option) for option in options]}
    if "$ref" in value:
        return {"$ref": value["$ref"]}
    kinds = [kind for kind in types(value) if kind != "null"]
    made: Schema = {**prose(value), **({"type": kinds[0]} if len(kinds) == 1 else {"oneOf": kinds} if kinds else {})}
    if "enum" in value:
        made["enum"] = sorted((option for option in value["enum"] if option is not None), key=str)
    if value.get("format") in FORMATS:
        made["format"] = value["format"]
    if "items" in value:
        made["items"] = schema(value["items"])
    if value.get("properties"):
        properties = {name: schema(value["properties"][name]) for name in sorted(value["properties"])}
        wanted = [name for name in value.get("required", ()) if not nullable(value["properties"].get(name, NULL))]
        made |= {"type": "object", "properties": properties, "required": sorted(wanted)}
    return made


def types(value: Mapping[str, Any]) -> list[str]:
    """List the types that a schema names: one in OpenAPI 3.0, any number in 3.1."""
    given = value.get("type", [])
    return given if isinstance(given, list) else [given]


def nullable(value: Mapping[str, Any]) -> bool:
    """Return whether null is allowed, in the notation of OpenAPI 3.0 or one of those of 3.1."""
    options = [*value.get("anyOf", ()), *value.get("oneOf", ())]
    return bool(value.get("nullable")) or "null" in types(value) or NULL in options


def prose(value: Mapping[str, Any]) -> Schema:
    """Return the description of a schema or parameter, if it has one."""
    return {"description": printable(value["description"])} if value.get("description") else {}


def printable(text: str) -> str:
    """Remove invisible characters, such as those that make source code look like other code."""
    return "".join(character for character in text if character.isprintable() or character in "\n\t")


def stripped(value: Any) -> Any:
    """Remove the prose, to compare the rest."""
    if isinstance(value, dict):
        return {key: stripped(item) for key, item in value.items() if key != "description" or isinstance(item, dict)}
    return [stripped(item) for item in value] if isinstance(value, list) else value
