"""Random changes to our own document are judged correctly; each change states the expected verdict itself."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from differences import compare
from project_tree import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

TEXT = (PROJECT / "openapi.json").read_text(encoding="utf-8")
TIMES = 100
SENT, RECEIVED = "request", "answer"
CALLS = ("get", "put", "post", "delete", "patch")


class Broken(NamedTuple):
    """The callers that a change breaks: those that send as before, and those that read as before."""

    senders: bool = False
    readers: bool = False


NOBODY, SENDERS, READERS, BOTH = (
    Broken(),
    Broken(senders=True),
    Broken(readers=True),
    Broken(senders=True, readers=True),
)


class Mutant:
    """A copy of our document, to change in one randomly chosen place."""

    def __init__(self, chance: random.Random, way: str) -> None:
        self.document: Json = json.loads(TEXT)
        self.chance = chance
        self.ways: dict[int, set[str]] = {}  # by id of the schema: whether it is sent, received, or both
        self.schemas: list[Json] = []
        self.operations = [
            (path, method) for path, item in self.document["paths"].items() for method in CALLS if method in item
        ]
        for path, method in self.operations:
            self.read(self.document["paths"][path][method])
        self.schemas.sort(key=lambda schema: way not in self.ways[id(schema)])
        self.preferred = sum(way in ways for ways in self.ways.values())

    def read(self, operation: Json) -> None:
        """Collect all schemas of an operation, each with its direction."""
        for parameter in map(self.resolve, operation.get("parameters", ())):
            self.walk(parameter["schema"], SENT)
        for way, contents in ((SENT, [operation.get("requestBody", {})]), (RECEIVED, operation["responses"].values())):
            for content in contents:
                for media in self.resolve(content).get("content", {}).values():
                    self.walk(media["schema"], way)

    def walk(self, schema: Json, way: str) -> None:
        """Record a schema and all schemas inside it."""
        schema = self.resolve(schema)
        if way in self.ways.setdefault(id(schema), set()):
            return
        if not self.ways[id(schema)]:
            self.schemas.append(schema)
        self.ways[id(schema)].add(way)
        inside = [*schema.get("properties", {}).values(), schema.get("items"), *schema.get("oneOf", ())]
        for one in (*inside, schema.get("additionalProperties")):
            if isinstance(one, dict):
                self.walk(one, way)

    def resolve(self, node: Json) -> Json:
        """Resolve a reference."""
        while "$ref" in node:
            kind, name = node["$ref"].split("/")[-2:]
            node = self.document["components"][kind][name]
        return node

    def schema(self, fits: Callable[[Json], Any]) -> Json:
        """Pick a schema, preferably one of the wanted direction."""
        wanted = [schema for schema in self.schemas[: self.preferred] if fits(schema)]
        return self.chance.choice(wanted or [schema for schema in self.schemas if fits(schema)])

    def member(self, *, required: bool) -> tuple[Json, str]:
        """Pick an object and one of its required or optional fields."""
        found = [
            (schema, name)
            for schema in self.schemas[: self.preferred]
            for name in schema.get("properties", ())
            if (name in schema.get("required", ())) == required
        ]
        return self.chance.choice(found)

    def operation(self) -> tuple[Json, str]:
        """Pick an operation; return its path item and its method."""
        path, method = self.chance.choice(self.operations)
        return self.document["paths"][path], method

    def bodies(self) -> list[Json]:
        """Return all request bodies."""
        operations = [self.document["paths"][path][method] for path, method in self.operations]
        return [operation["requestBody"] for operation in operations if "requestBody" in operation]

    def parameter(self, *, required: bool) -> tuple[list[Json], int]:
        """Pick a required or an optional parameter; return the list that holds it and its index."""
        found = [
            (parameters, index)
            for path, method in self.operations
            for parameters in [self.document["paths"][path][method].get("parameters", [])]
            for index, one in enumerate(parameters)
            if "$ref" not in one and one.get("required", False) == required
        ]
        return self.chance.choice(found)


# ---- the changes: each makes one, and returns the changed schema (if it is one) and whom the change breaks

Made = tuple[Json | None, Broken]
MUTATIONS: list[Callable[[Mutant], Made]] = []


def mutation(make: Callable[[Mutant], Made]) -> Callable[[Mutant], Made]:
    MUTATIONS.append(make)
    return make


@mutation
def add_field(mutant: Mutant) -> Made:
    """Add a field that callers need not send and can ignore when they read."""
    schema = mutant.schema(lambda schema: schema.get("properties"))
    schema["properties"]["description2"] = {"type": "string", "description": "New."}
    return schema, NOBODY


@mutation
def add_required_field(mutant: Mutant) -> Made:
    """Require a new field that callers do not send yet."""
    schema = mutant.schema(lambda schema: schema.get("properties"))
    schema["properties"]["title2"] = {"type": "string"}
    schema["required"] = [*schema.get("required", ()), "title2"]
    return schema, SENDERS


@mutation
def remove_field(mutant: Mutant) -> Made:
    """Remove a field that callers send or read."""
    schema, name = mutant.member(required=mutant.chance.random() < 0.5)
    del schema["properties"][name]
    schema["required"] = [one for one in schema.get("required", ()) if one != name]
    return schema, BOTH


@mutation
def rename_field(mutant: Mutant) -> Made:
    """Rename a field that callers send or read."""
    schema, name = mutant.member(required=False)
    schema["properties"] = {f"{key}2" if key == name else key: one for key, one in schema["properties"].items()}
    return schema, BOTH


@mutation
def require_field(mutant: Mutant) -> Made:
    """Require an existing field: callers that send it may have left it out, callers that read it are unaffected."""
    schema, name = mutant.member(required=False)
    schema["required"] = [*schema.get("required", ()), name]
    return schema, SENDERS


@mutation
def make_field_optional(mutant: Mutant) -> Made:
    """Make a field optional that callers rely on when they read."""
    schema, name = mutant.member(required=True)
    schema["required"] = [one for one in schema["required"] if one != name]
    return schema, READERS


@mutation
def change_type(mutant: Mutant) -> Made:
    """Change the type of a value that callers send and read."""
    schema = mutant.schema(lambda schema: isinstance(schema.get("type"), str) and "properties" not in schema)
    schema["type"] = mutant.chance.choice(sorted({"string", "integer", "boolean"} - {schema["type"]}))
    return schema, BOTH


@mutation
def add_enum_value(mutant: Mutant) -> Made:
    """Allow one more value; callers that read must cope with unknown values."""
    schema = mutant.schema(lambda schema: "enum" in schema)
    schema["enum"].insert(mutant.chance.randrange(len(schema["enum"]) + 1), "new")
    return schema, NOBODY


@mutation
def remove_enum_value(mutant: Mutant) -> Made:
    """Remove a value that callers may send."""
    schema = mutant.schema(lambda schema: len(schema.get("enum", ())) > 1)
    schema["enum"].remove(mutant.chance.choice(schema["enum"]))
    return schema, SENDERS


@mutation
def change_enum_value(mutant: Mutant) -> Made:
    """Rename a value that callers may send."""
    schema = mutant.schema(lambda schema: "enum" in schema)
    schema["enum"][mutant.chance.randrange(len(schema["enum"]))] += "2"
    return schema, SENDERS


@mutation
def limit_to_values(mutant: Mutant) -> Made:
    """Limit a free text to some values."""
    schema = mutant.schema(lambda schema: schema.get("type") == "string" and "enum" not in schema)
    schema["enum"] = ["title", "tags"]
    return schema, SENDERS


@mutation
def allow_null(mutant: Mutant) -> Made:
    """Allow null in a value that callers read and that was never null."""
    schema = mutant.schema(lambda schema: "type" in schema and not schema.get("nullable"))
    schema["nullable"] = True
    return schema, READERS


@mutation
def forbid_null(mutant: Mutant) -> Made:
    """Forbid null in a value that callers send."""
    schema = mutant.schema(lambda schema: schema.get("nullable"))
    del schema["nullable"]
    return schema, SENDERS


@mutation
def add_parameter(mutant: Mutant) -> Made:
    """Add an optional parameter."""
    item, method = mutant.operation()
    item[method].setdefault("parameters", []).append({"name": "tags2", "in": "query", "schema": {"type": "string"}})
    return None, NOBODY


@mutation
def add_required_parameter(mutant: Mutant) -> Made:
    """Require a parameter that callers do not send yet."""
    item, method = mutant.operation()
    new = {"name": "example2", "in": "header", "required": True, "schema": {"type": "string"}}
    item[method].setdefault("parameters", []).insert(0, new)
    return None, SENDERS


@mutation
def remove_parameter(mutant: Mutant) -> Made:
    """Remove a parameter that callers send."""
    parameters, index = mutant.parameter(required=False)
    del parameters[index]
    return None, SENDERS


@mutation
def rename_parameter(mutant: Mutant) -> Made:
    """Rename a parameter that callers send."""
    parameters, index = mutant.parameter(required=False)
    parameters[index]["name"] += "2"
    return None, SENDERS


@mutation
def require_parameter(mutant: Mutant) -> Made:
    """Require a parameter that callers left out."""
    parameters, index = mutant.parameter(required=False)
    parameters[index]["required"] = True
    return None, SENDERS


@mutation
def make_parameter_optional(mutant: Mutant) -> Made:
    """Make a parameter optional."""
    parameters, index = mutant.parameter(required=True)
    del parameters[index]["required"]
    return None, NOBODY


@mutation
def require_body(mutant: Mutant) -> Made:
    """Require a body that was optional, or the other way round."""
    body = mutant.chance.choice(mutant.bodies())
    body["required"] = not body.get("required", False)
    return None, SENDERS if body["required"] else NOBODY


@mutation
def add_operation(mutant: Mutant) -> Made:
    """Add an operation."""
    item, method = mutant.operation()
    item["patch" if "patch" not in item else "trace"] = {**copy.deepcopy(item[method]), "operationId": "new.operation"}
    return None, NOBODY


@mutation
def remove_operation(mutant: Mutant) -> Made:
    """Remove an operation that callers call."""
    item, method = mutant.operation()
    del item[method]
    return None, BOTH


@mutation
def rename_operation(mutant: Mutant) -> Made:
    """Rename an operation, and so the generated code for it."""
    item, method = mutant.operation()
    item[method]["operationId"] += ".again"
    return None, BOTH


@mutation
def move_operation(mutant: Mutant) -> Made:
    """Move an operation to another path or method."""
    item, method = mutant.operation()
    target = mutant.document["paths"].setdefault("/moved", {}) if mutant.chance.random() < 0.5 else item
    free = mutant.chance.choice([one for one in ("put", "trace", "options") if one not in target])
    target[free] = item.pop(method)
    return None, BOTH


@mutation
def add_answer(mutant: Mutant) -> Made:
    """Describe one more error."""
    item, method = mutant.operation()
    item[method]["responses"]["418"] = {"description": "I am a teapot."}
    return None, NOBODY


@mutation
def remove_answer(mutant: Mutant) -> Made:
    """Remove the response that callers read."""
    item, method = mutant.operation()
    responses = item[method]["responses"]
    del responses[mutant.chance.choice([status for status in responses if status.startswith("2")])]
    responses["default"] = {"description": "Whatever."}
    return None, BOTH


@mutation
def change_words(mutant: Mutant) -> Made:
    """Change descriptions only."""
    schema = mutant.schema(lambda _: True)
    schema["title"], schema["description"], schema["example"] = "Other", "Other words.", ["other"]
    item, method = mutant.operation()
    item[method] |= {"tags": ["other"], "summary": "Other", "x-other": True, "externalDocs": {"url": "https://x.org"}}
    mutant.document["info"] |= {"contact": {"name": "Other"}, "termsOfService": "https://x.org"}
    mutant.document["components"]["securitySchemes"]["bearerAuth"]["bearerFormat"] = "Another paragraph."
    return None, NOBODY


def plans() -> list[tuple[str, str, int]]:
    """Return each kind of change once for each direction, and then random ones."""
    chance = random.Random(0)
    each = [(make.__name__, way) for make in MUTATIONS for way in (SENT, RECEIVED)]
    return [(*(each[seed] if seed < len(each) else chance.choice(each)), seed) for seed in range(TIMES)]


@pytest.mark.parametrize(("name", "way", "seed"), plans())
def test_a_change_of_our_document_is_judged_correctly(name: str, way: str, seed: int) -> None:
    """Adding, removing or changing a field, parameter, operation, value or type breaks exactly the expected callers."""
    [make] = [make for make in MUTATIONS if make.__name__ == name]
    mutant = Mutant(random.Random(seed), way)
    schema, broken = make(mutant)
    found = compare(json.loads(TEXT), mutant.document).changes
    assert bool(found) == (name != "change_words")
    if schema is None:
        assert any(change.breaking for change in found) == any(broken)
        return
    for direction, breaks in ((SENT, broken.senders), (RECEIVED, broken.readers)):
        there = [change for change in found if change.place.direction == direction]
        assert bool(there) == (direction in mutant.ways[id(schema)])
        assert any(change.breaking for change in there) == (breaks and bool(there))
