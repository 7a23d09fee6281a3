"""The contract: `openapi.json` is valid, agrees with the API's facts, and describes everything that it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from openapi_spec_validator import OpenAPIV30SpecValidator

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
FACTS = PROJECT.parent / "shared" / "api-facts.json"
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
PROSE = {"description", "summary", "title", "example"}

Json = dict[str, Any]

document: Json = json.loads((PROJECT / "openapi.json").read_text(encoding="utf-8"))
facts: Json = json.loads(FACTS.read_text(encoding="utf-8")) if FACTS.exists() else {}
operations: dict[str, tuple[str, str, Json]] = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, item in document["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}
facts_of_operations: dict[str, Json] = {
    operation["operationId"]: operation for operation in facts.get("operations", [])
}
needs_facts = pytest.mark.skipif(not facts, reason=f"{FACTS} is not here")


def resolve(node: Json) -> Json:
    """Resolve a reference within the document."""
    while "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def reduce_schema(schema: Json) -> Json:
    """Reduce a schema to its facts: no descriptions, references by component name, and which properties it requires."""
    if "$ref" in schema:
        return {"ref": schema["$ref"].rsplit("/", 1)[1]}
    reduced = {key: value for key, value in schema.items() if key not in PROSE}
    required = reduced.pop("required", [])
    if required:
        reduced["required_props"] = required
    if "oneOf" in schema:
        reduced["oneOf"] = [reduce_schema(one) for one in schema["oneOf"]]
    elif "type" not in schema:
        reduced["type"] = "any"
    if "items" in schema:
        reduced["items"] = reduce_schema(schema["items"])
    if "properties" in schema:
        reduced["properties"] = {
            name: reduce_schema(value) | {"required": name in required} for name, value in schema["properties"].items()
        }
    return reduced


def reduce_content(content: Json | None) -> Json | None:
    """Reduce a body or response to the facts for each media type."""
    return None if content is None else {media: reduce_schema(value["schema"]) for media, value in content.items()}


def reduce_parameter(parameter: Json) -> Json:
    """Reduce a parameter to its facts."""
    return reduce_schema(parameter["schema"]) | {"required": parameter.get("required", False)}


def reduce_operation(name: str) -> Json:
    """Reduce an operation to its facts."""
    method, path, operation = operations[name]
    parameters: Json = {}
    for parameter in map(resolve, operation.get("parameters", [])):
        parameters.setdefault(parameter["in"], {})[parameter["name"]] = reduce_parameter(parameter)
    body = operation.get("requestBody")
    answers = {status: reduce_content(answer.get("content")) for status, answer in operation["responses"].items()}
    return {
        "operationId": name,
        "method": method,
        "path": path,
        "params": parameters,
        "requestBody": body and {"required": body.get("required", False), "content": reduce_content(body["content"])},
        "success": {status: answer for status, answer in answers.items() if status < "400"},
        "errors": {status: answer for status, answer in answers.items() if status >= "400"},
    } | {key: operation[key] for key in operation if key.startswith("x-")}


def nodes(node: Any, where: str = "") -> Iterator[tuple[str, Json]]:
    """Yield every object of the document with its path, except examples."""
    if isinstance(node, list):
        for index, value in enumerate(node):
            yield from nodes(value, f"{where}/{index}")
    elif isinstance(node, dict):
        yield where, node
        for key, value in node.items():
            if key != "example":
                yield from nodes(value, f"{where}/{key}")


EXAMPLES = {
    where: (node.get("schema", node), node["example"])
    for where, node in nodes(document)
    if "example" in node and not where.endswith("/properties")
}


def test_document_is_valid() -> None:
    """The document is valid OpenAPI 3.0."""
    OpenAPIV30SpecValidator(document).validate()


@needs_facts
def test_head_agrees_with_facts() -> None:
    """Version, server and security are those of the API."""
    assert document["openapi"] == facts["openapi"]
    assert document["info"]["version"] == facts["api_version"]
    assert [server["url"] for server in document["servers"]] == facts["servers"]
    [requirement] = document["security"]
    [(scheme, scopes)] = requirement.items()
    assert scopes == []
    declared = document["components"]["securitySchemes"][scheme]
    assert f"global {declared['type']} {declared['scheme']}" == facts["security"]


@needs_facts
def test_same_operations_as_facts() -> None:
    """No operation is missing or surplus, and no operationId is used twice."""
    methods = [method for item in document["paths"].values() for method in item if method in METHODS]
    assert sorted(operations) == sorted(facts_of_operations)
    assert len(methods) == len(operations) == facts["operation_count"]


@needs_facts
@pytest.mark.parametrize("name", facts_of_operations)
def test_operation_agrees_with_facts(name: str) -> None:
    """Method, path, parameters, body and responses of an operation are those of the API, with nothing added."""
    assert reduce_operation(name) == facts_of_operations[name]


@needs_facts
def test_same_components_as_facts() -> None:
    """No component is missing or surplus."""
    assert sorted(document["components"]["schemas"]) == sorted(facts["schemas"])
    assert sorted(document["components"]["parameters"]) == sorted(facts["parameters"])


@needs_facts
@pytest.mark.parametrize("name", facts.get("schemas", ()))
def test_component_agrees_with_facts(name: str) -> None:
    """Properties, types, flags, enums and limits of a component are those of the API, with nothing added."""
    assert reduce_schema(document["components"]["schemas"][name]) == facts["schemas"][name]


@needs_facts
@pytest.mark.parametrize("name", facts.get("parameters", ()))
def test_shared_parameter_agrees_with_facts(name: str) -> None:
    """A shared parameter is the same as in the API."""
    parameter = document["components"]["parameters"][name]
    assert {"name": parameter["name"], "in": parameter["in"]} | reduce_parameter(parameter) == facts["parameters"][name]


@pytest.mark.parametrize("name", operations)
def test_operation_is_explained(name: str) -> None:
    """An operation, its parameters, its body and its responses each have a description."""
    operation = operations[name][2]
    assert operation["summary"].strip()
    parts = [operation, *operation.get("parameters", []), *operation["responses"].values()]
    parts += [operation["requestBody"]] if "requestBody" in operation else []
    assert [part for part in map(resolve, parts) if not part.get("description", "").strip()] == []


def test_every_component_and_property_is_explained() -> None:
    """Every component and property has a description, or refers to a component that has one."""
    named = dict(document["components"]["schemas"])
    for where, node in nodes(document):
        if isinstance(node.get("properties"), dict) and not where.endswith("/properties"):
            named |= {f"{where}/{name}": value for name, value in node["properties"].items()}
    assert len(named) > 200
    assert [name for name, schema in named.items() if not resolve(schema).get("description", "").strip()] == []


@pytest.mark.parametrize("where", EXAMPLES)
def test_example_fits_its_schema(where: str) -> None:
    """An example is valid against its schema."""
    schema, example = EXAMPLES[where]
    whole = {**schema, "components": document["components"]}
    OAS30Validator(whole, format_checker=oas30_format_checker).validate(example)


@pytest.mark.parametrize("name", operations)
def test_operation_has_examples(name: str) -> None:
    """Every JSON body and response of an operation has an example."""
    operation = operations[name][2]
    holders = [operation.get("requestBody", {}), *operation["responses"].values()]
    media = [value for holder in holders for kind, value in holder.get("content", {}).items() if "json" in kind]
    assert [value for value in media if "example" not in value] == []
