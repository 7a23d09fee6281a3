"""A normal form of OpenAPI documents, where the standard allows several forms, so that documents can be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

Json = Mapping[str, Any]

EMPTY: Json = {}
NULL: Json = {"type": "null"}
NEVER: Json = {"not": {}}  # the meaning of the schema `false`
# Words: text for people, which no request or answer depends on.
PROSE = {
    "$comment", "bearerFormat", "contact", "description", "example", "examples", "externalDocs", "license", "summary",
    "tags", "termsOfService", "title", "xml",
}  # fmt: skip
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
VALUES = {"const", "default", "dependentRequired", "enum", "example", "examples", "required", "security"}  # no keywords
NAMES = {  # their keys are names: a field may be called "description"
    "$defs", "callbacks", "content", "dependentSchemas", "encoding", "headers", "links", "mapping", "parameters",
    "pathItems", "patternProperties", "properties", "requestBodies", "responses", "schemas", "securitySchemes",
    "variables", "webhooks",
}  # fmt: skip
SCOPES = "scopes"  # their keys are names, and their values words
OFF = {"allowReserved", "exclusiveMaximum", "exclusiveMinimum", "readOnly", "uniqueItems", "writeOnly"}


def is_words(key: str) -> bool:
    """Return whether a key holds only words: those above, and extensions (x-…), from which no code is generated.

    This applies to the keys of an object, not to the names in a map.
    """
    return key in PROSE or key.startswith("x-")


def normalise(node: Any, *, named: bool = False) -> Any:
    """Write null among the types or alternatives as `nullable`, `const` as `enum`, statuses as text.

    Keywords that mean the same as their absence are removed: `additionalProperties: true`, `uniqueItems: false` and the
    like.
    """
    if isinstance(node, list):
        return [normalise(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    same = {
        str(key): value if key in VALUES and not named else normalise(value, named=not named and key in NAMES)
        for key, value in node.items()
    }
    if named:
        return same
    if "const" in same:
        same["enum"] = [same.pop("const")]
    if same.get("additionalProperties") in ({}, True):
        del same["additionalProperties"]
    for key in [key for key in OFF & same.keys() if same[key] is False]:
        del same[key]
    return allow_null(same)


def allow_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Write null among the types or alternatives of a schema as `nullable`."""
    if isinstance(schema.get("type"), list):
        types = [one for one in schema["type"] if one != "null"]
        if len(types) != len(schema["type"]):
            schema["nullable"] = True
        schema["type"] = types[0] if len(types) == 1 else types
    for key in ("anyOf", "oneOf"):
        if NULL in schema.get(key, ()):
            schema |= {key: [one for one in schema[key] if one != NULL], "nullable": True}
    return schema


def wrapped(node: Json | bool) -> Json | None:  # noqa: FBT001  # a schema may be a bool
    """Return the reference that a schema consists of: alone, or as the only part beside added words or null."""
    if isinstance(node, bool) or "$ref" in node:
        return None if isinstance(node, bool) else node
    match [(key, value) for key, value in node.items() if key != "nullable" and not is_words(key)]:
        case [("allOf" | "anyOf" | "oneOf", [part])] if reference(part):
            return cast("Json", part)
    return None


def identify(document: Json) -> dict[str, dict[str, Any]]:
    """Return the operations by operationId, each with its method, its path, and the items that its path adds."""
    found: dict[str, dict[str, Any]] = {}
    for path, item in document.get("paths", EMPTY).items():
        if is_words(path):
            continue
        whole = resolve(document, item)
        for method in METHODS:
            if method in whole:
                operation = whole[method]
                parameters = {
                    (parameter["in"], parameter["name"]): parameter
                    for listed in (whole, operation)
                    for parameter in (resolve(document, one) for one in listed.get("parameters", []))
                }
                name = operation.get("operationId", f"{method.upper()} {path}")
                found[name] = {
                    "servers": whole.get("servers", []),
                    **operation,
                    "method": method.upper(),
                    "path": path,
                    "parameters": parameters,
                    "responses": {
                        key: one for key, one in operation.get("responses", EMPTY).items() if not is_words(key)
                    },
                }
    return found


def servers(node: Json) -> list[Any]:
    """Return the URLs of the servers, with their variables."""
    found = [strip(server) for server in node.get("servers", [])]
    return [server if "variables" in server else server["url"] for server in found]


def security(document: Json) -> list[Any]:
    """Return the required credentials, and how they are sent."""
    schemes = document.get("components", EMPTY).get("securitySchemes", EMPTY)
    return [document.get("security", []), strip(schemes, named=True)]


def reference(node: Any) -> str:
    """Return the name of the component that a node refers to; empty if it is not a reference."""
    return str(node.get("$ref", "")).rsplit("/", 1)[-1] if isinstance(node, Mapping) else ""


def resolve(document: Json, node: Json | bool) -> Json:  # noqa: FBT001  # a schema may be a bool
    """Follow references to their target; replace the schemas `true` and `false` of OpenAPI 3.1 with their meaning."""
    if isinstance(node, bool):
        return EMPTY if node else NEVER
    seen: set[str] = set()
    while "$ref" in node:
        pointer = node["$ref"]
        if pointer in seen or not pointer.startswith("#/"):
            raise ValueError(f"{pointer} leads nowhere: references must stay in the document and end at something.")
        seen.add(pointer)
        target: Any = document
        for step in pointer[2:].split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        node = cast("Json", target)
    return node


def strip(node: Any, *, named: bool = False) -> Any:
    """Remove the words."""
    if isinstance(node, list):
        return [strip(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    return {key: bare(key, value, named=named) for key, value in node.items() if named or not is_words(key)}


def bare(key: str, value: Any, *, named: bool = False) -> Any:
    """Remove the words from the value of a key."""
    if key in VALUES and not named:
        return value
    if key == SCOPES and not named:
        return sorted(value)
    return strip(value, named=not named and key in NAMES)


def form(schema: Json) -> str:
    """Return type and format in a word or two."""
    kind = schema.get("type", "any")
    kind = kind if isinstance(kind, str) else " or ".join(sorted(kind))
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def exact(value: Any) -> str:
    """Return a value as text that distinguishes 1, 1.0 and true."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
