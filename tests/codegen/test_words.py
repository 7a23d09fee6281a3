"""Which parts of an OpenAPI document are descriptions, which never count as a change, and which are facts."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import changes
import prose
import pytest
from differences import compare
from document import validate

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
Place = tuple[Any, ...]

# Every leaf with this text is a description, at any depth; every other leaf is a fact.
WORDS = "https://example.com/words"
SAID: Json = {"description": WORDS, "x-note": {"description": [WORDS]}}  # what nearly every object may have
TITLED: Json = SAID | {"summary": WORDS}
MANUAL: Json = {"externalDocs": {"url": WORDS, "description": WORDS}}
SHOWN: Json = {"title": {"value": WORDS, **TITLED}}
TEXT: Json = {"type": "string"}
# Fields, parameters, headers, scopes, and the values of `enum` and `default`, may be named like keywords for
# descriptions. All these are facts.
# they are limited to or have by default. All these are facts.
NAMED = ("contact", "description", "example", "examples", "externalDocs", "license", "summary", "tags", "title", "xml")
ODD = (*NAMED, "$comment", "bearerFormat", "termsOfService", "x-note", "properties")

DOCUMENT: Json = {
    "openapi": "3.1.0",
    "info": {
        "title": WORDS,
        "version": "1",
        "termsOfService": WORDS,
        "contact": {"name": WORDS, "url": WORDS, "email": WORDS, "x-note": WORDS},
        "license": {"name": WORDS, "identifier": WORDS},
        **TITLED,
    },
    "servers": [
        {
            "url": "https://{region}.example.com",
            "variables": {"region": {"default": "eu", "enum": ["eu", "us"], **SAID}, "title": {"default": "a", **SAID}},
            **SAID,
        }
    ],
    "security": [{"bearer": []}, {"description": ["title"]}],
    "tags": [{"name": WORDS, **SAID, **MANUAL}],
    "x-note": [WORDS],
    **MANUAL,
    "paths": {
        "x-note": {"get": WORDS},
        "/things/{title}": {
            **TITLED,
            "servers": [{"url": "https://things.example.com", **SAID}],
            "parameters": [
                {"name": "title", "in": "path", "required": True, "schema": TEXT, "example": WORDS, **SAID},
                {"$ref": "#/components/parameters/example", **{key: TITLED[key] for key in ("description", "summary")}},
            ],
            "post": {
                **TITLED,
                **MANUAL,
                "operationId": "things.create",
                "tags": [WORDS],
                "parameters": [
                    {
                        "name": "tags",
                        "in": "query",
                        "content": {"application/json": {"schema": TEXT, "example": WORDS, "x-note": WORDS}},
                        **SAID,
                    }
                ],
                "requestBody": {
                    **SAID,
                    "content": {
                        "multipart/form-data": {
                            "schema": {"$ref": "#/components/schemas/description"},
                            "examples": {"one": {"$ref": "#/components/examples/one"}},
                            "encoding": {
                                "title": {
                                    "contentType": "image/png",
                                    "headers": {"title": {"schema": TEXT, **SAID}},
                                    "x-note": WORDS,
                                }
                            },
                        }
                    },
                },
                "responses": {
                    "x-note": WORDS,
                    "201": {
                        **SAID,
                        "headers": {"description": {"schema": TEXT, "example": WORDS, **SAID}},
                        "content": {
                            "application/json": {
                                "schema": {"$ref": "#/components/schemas/title", "description": WORDS, "title": WORDS},
                                "example": {"title": WORDS, "type": WORDS},
                            }
                        },
                        "links": {
                            "summary": {
                                "operationId": "things.create",
                                "parameters": {"title": "$response.body#/title"},
                                **SAID,
                            }
                        },
                    },
                    "404": {"$ref": "#/components/responses/title", "summary": WORDS},
                },
                "callbacks": {
                    "title": {
                        "x-note": {"description": WORDS},
                        "{$request.body#/url}": {
                            "post": {**TITLED, "tags": [WORDS], "responses": {"200": {**SAID}}},
                            **TITLED,
                        },
                    }
                },
            },
        },
    },
    "webhooks": {"summary": {"post": {**TITLED, "operationId": "summary", "responses": {"200": SAID}}, **TITLED}},
    "components": {
        "x-note": WORDS,
        "parameters": {"example": {"name": "example", "in": "query", "schema": TEXT, "examples": SHOWN, **SAID}},
        "responses": {"title": {**SAID, "headers": {"X-Note": {"schema": TEXT, **SAID}}}},
        "examples": {"one": {"value": WORDS, **TITLED}},
        "schemas": {
            "description": {
                "type": "object",
                "title": WORDS,
                "$comment": WORDS,
                "example": {"title": WORDS},
                "examples": [{"enum": WORDS}],
                "xml": {"name": WORDS, "namespace": WORDS, "attribute": True},
                **SAID,
                **MANUAL,
                "required": ["description", "title"],
                "properties": {name: {**TEXT, **SAID} for name in ODD},
                "patternProperties": {"^tags": {**TEXT, **SAID}},
                "additionalProperties": {**TEXT, **SAID},
            },
            "title": {
                "type": "object",
                "properties": {
                    "title": {"type": "object", "default": {"title": "x", "description": "y"}, **SAID},
                    "example": {"enum": [{"example": "x", "x-note": "y"}], **SAID},
                    "tags": {"const": {"tags": ["x"], "summary": "y"}, **SAID},
                    "one": {
                        "oneOf": [{**TEXT, "title": WORDS, **SAID}, {"type": "array", "items": {**TEXT, **SAID}}],
                        "discriminator": {
                            "propertyName": "title",
                            "mapping": {"title": "description"},
                            "x-note": WORDS,
                        },
                    },
                    "all": {"allOf": [{**TEXT, **SAID}, {"maxLength": 4, **SAID}], "not": {"pattern": "x", **SAID}},
                    "old": {**TEXT, "deprecated": True, "readOnly": True, **SAID},
                },
            },
        },
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": WORDS, **SAID},
            "description": {
                "type": "oauth2",
                "flows": {
                    "x-note": WORDS,
                    "implicit": {
                        "authorizationUrl": "https://example.com/login",
                        "scopes": {"title": WORDS, "x-note": WORDS},
                        "x-note": WORDS,
                    },
                },
                **SAID,
            },
        },
    },
}
ALL: Json = json.loads(json.dumps(DOCUMENT))  # a copy in which no two places share an object
# Boolean notes of `xml` count as descriptions too.
FLAGS: set[Place] = {("components", "schemas", "description", "xml", "attribute")}


def leaves(node: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield the path and the value of every leaf."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    if not isinstance(node, dict | list) or not node:
        yield place, node
    for key, value in entries:
        yield from leaves(value, (*place, key))


LEAVES = dict(leaves(ALL))
SPOKEN = [place for place, value in LEAVES.items() if value == WORDS or place in FLAGS]
# Keys that references point to cannot be changed alone.
FACTS = [
    place for place in LEAVES if place not in SPOKEN and place[-1] != "$ref" and not {"required", "in"} & {*place[-2:]}
]


def spell(place: Place) -> str:
    return ".".join(map(str, place))


def put(place: Place, value: Any) -> Json:
    """Return the document with another value at a path."""
    other = copy.deepcopy(ALL)
    *steps, last = place
    parent: Any = other
    for step in steps:
        parent = parent[step]
    parent[last] = value
    return other


def drop(place: Place) -> Json:
    """Return the document without the value at a path."""
    other = put(place, None)
    parent: Any = other
    for step in place[:-1]:
        parent = parent[step]
    del parent[place[-1]]
    return other


def test_the_document_is_valid() -> None:
    """The document that all these tests change is a valid OpenAPI document."""
    validate(ALL, "ALL")


@pytest.mark.parametrize("place", SPOKEN, ids=spell)
def test_descriptions_are_no_change(place: Place) -> None:
    """A description that is changed, added or removed is not reported as a change; merged, ours is kept."""
    other = put(place, "Other words." if place not in FLAGS else False)
    gone = other if "scopes" in place else drop(place)
    for old, new in ((ALL, other), (other, ALL), (ALL, gone), (gone, ALL)):
        comparison = compare(old, new)
        assert changes.as_markdown(comparison) in ("Only descriptions or examples changed.", "No changes.")
        assert changes.as_outputs(comparison) == "changed=false\nbreaking=false"
    # An extension among the responses looks like the name of a component, and is taken from the other document.
    assert prose.keep(ALL, other) == (other if place[-2:] == ("responses", "x-note") else ALL)


@pytest.mark.parametrize("place", FACTS, ids=spell)
def test_facts_are_changes(place: Place) -> None:
    """Every other leaf is a fact: a difference is reported, and merged, the other document's value is kept."""
    value = LEAVES[place]
    other = put(
        place,
        not value
        if isinstance(value, bool)
        else value + 1
        if isinstance(value, int)
        else ["x"]
        if isinstance(value, list)
        else f"{value}x",
    )
    assert compare(ALL, other).changes
    assert compare(other, ALL).changes
    assert prose.keep(ALL, other) == other
