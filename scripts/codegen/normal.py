"""One way of writing an OpenAPI document where the standard allows several, so that documents can be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

Json = Mapping[str, Any]

EMPTY: Json = {}
PROSE = {"description", "summary", "title", "example", "examples", "externalDocs", "tags"}
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
VALUES = {"default", "enum", "example", "examples", "required"}  # nothing in these is a keyword
NAMES = {"properties", "schemas", "responses", "parameters", "content"}  # their keys are names, not keywords


def normalise(node: Any, *, named: bool = False) -> Any:
    """Write `type: [x, "null"]` as `nullable`, `const` as `enum`, `{}` for other fields as `true`, statuses as text."""
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
    if isinstance(same.get("type"), list):
        types = [one for one in same["type"] if one != "null"]
        if len(types) != len(same["type"]):
            same["nullable"] = True
        same["type"] = types[0] if len(types) == 1 else types
    if "const" in same:
        same["enum"] = [same.pop("const")]
    if same.get("additionalProperties") in ({}, True):
        del same["additionalProperties"]
    return same


def identify(document: Json) -> dict[str, dict[str, Any]]:
    """Return the operations by operationId, each with its method, its path and all of its parameters."""
    found = {}
    for path, item in document.get("paths", EMPTY).items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                parameters = {
                    (parameter["in"], parameter["name"]): parameter
                    for listed in (item, operation)
                    for parameter in (resolve(document, one) for one in listed.get("parameters", []))
                }
                name = operation.get("operationId", f"{method.upper()} {path}")
                found[name] = {**operation, "method": method.upper(), "path": path, "parameters": parameters}
    return found


def servers(document: Json) -> list[str]:
    """Return the URLs of the servers."""
    return [server["url"] for server in document.get("servers", [])]


def security(document: Json) -> list[Any]:
    """Return which credentials are asked for, and how they are sent."""
    return [document.get("security", []), strip(document.get("components", EMPTY).get("securitySchemes", EMPTY))]


def reference(node: Json) -> str:
    """Return the name of the component that a node refers to; empty if it is written out."""
    return str(node.get("$ref", "")).rsplit("/", 1)[-1]


def resolve(document: Json, node: Json) -> Json:
    """Follow references to what is written out."""
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
    """Leave out the words."""
    if isinstance(node, list):
        return [strip(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    return {
        key: value if key in VALUES and not named else strip(value, named=not named and key in NAMES)
        for key, value in node.items()
        if named or key not in PROSE
    }


def form(schema: Json) -> str:
    """Return type and format in a word or two."""
    kind = schema.get("type", "any")
    kind = kind if isinstance(kind, str) else " or ".join(sorted(kind))
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def exact(value: Any) -> str:
    """Return a value as text, in which 1, 1.0 and true are three things."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
