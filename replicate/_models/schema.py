"""Reading a model's schema: whether its output is an iterator, and which strings of its input and output are files.

Without a schema, the value decides: a string that is entirely a URL is a file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from replicate._json import elements, is_array, is_object, members

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

URL = re.compile(
    r"https?://[^\s/?#]+(?:[/?#]\S*)?|data:[\w.+-]+/[\w.+-]+(?:;[\w.+-]+=[^;,]*)*(?:;base64)?,.*",
    re.IGNORECASE | re.DOTALL,
)


DEEPEST = 100
"""Maximum depth at which an output is searched for files. Deeper values stay unchanged, without an error."""


class OutputSchema:
    """The schema of a version's output. Without one, any output is possible."""

    def __init__(self, document: Mapping[str, Any] | None) -> None:
        self._schemas = members(members(members(document).get("components")).get("schemas"))
        self._output = self._resolve(self._schemas.get("Output"))
        self.known: bool = bool(self._output)
        self.iterator: bool = self._output.get("x-cog-array-type") == "iterator"
        """Whether the output arrives item by item."""
        self.concatenate: bool = self.iterator and self._output.get("x-cog-array-display") == "concatenate"
        """Whether the items are pieces of one text."""

    @property
    def item(self) -> Mapping[str, Any]:
        """The schema of an item: of an array's elements, or else of the whole output."""
        return self._resolve(self._output["items"]) if "items" in self._output else self._output

    @property
    def streams_text(self) -> bool:
        """Whether the text of an event is a complete item: a text or a file."""
        shape = self.item if self.iterator else self._output  # a list that is not an iterator arrives as a whole
        return not self.known or shape.get("type") == "string"

    def is_text(self, output: Any) -> bool:
        """Return whether an output is one text, whole or in pieces. Without a schema, a list of strings is pieces."""
        pieces = not self.known and all(isinstance(item, str) for item in elements(output))
        return self.concatenate or isinstance(output, str) or pieces

    def files(self, output: Any, make: Callable[[str], Any]) -> Any:
        """Replace the strings in an output that are files."""
        return self._replace(output, self._output, make)

    def file(self, item: Any, make: Callable[[str], Any]) -> Any:
        """Replace the strings in one item of an iterator that are files."""
        return self._replace(item, self.item, make)

    def _replace(self, value: Any, schema: Mapping[str, Any], make: Callable[[str], Any], depth: int = 0) -> Any:
        if isinstance(value, str):
            return make(value) if is_file(value, schema) else value
        if depth == DEEPEST:
            return value
        if is_array(value):
            item = self._resolve(schema.get("items"))
            return [self._replace(each, item, make, depth + 1) for each in value]
        if is_object(value):
            properties, rest = members(schema.get("properties")), self._resolve(schema.get("additionalProperties"))
            return {
                key: self._replace(each, self._resolve(properties.get(key)) or rest, make, depth + 1)
                for key, each in value.items()
            }
        return value

    def _resolve(self, schema: Any) -> Mapping[str, Any]:
        return resolved(self._schemas, schema)


class InputSchema:
    """The schema of a version's input, or of a part of it. Empty if there is none."""

    def __init__(self, schemas: Mapping[str, Any], found: Any) -> None:
        self._schemas, self._found = schemas, resolved(schemas, found)

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> InputSchema:
        """Return the schema of the whole input from a version's document."""
        schemas = members(members(members(document).get("components")).get("schemas"))
        return cls(schemas, schemas.get("Input"))

    def __bool__(self) -> bool:
        return bool(self._found)

    def member(self, name: str) -> InputSchema:
        """Return the schema of a member of an object."""
        named = members(self._found.get("properties")).get(name)
        return InputSchema(self._schemas, named or self._found.get("additionalProperties"))

    @property
    def item(self) -> InputSchema:
        """The schema of a list's items."""
        return InputSchema(self._schemas, self._found.get("items"))

    @property
    def is_text(self) -> bool:
        """Whether it is a string, including the URL of a file."""
        return is_string(self._found)

    def names(self, text: str) -> bool:
        """Return whether a text is one of the schema's own values: its default, or one of its choices."""
        return text == self._found.get("default") or text in elements(self._found.get("enum"))

    @property
    def is_file(self) -> bool:
        """Whether it is the URL of a file."""
        return self.is_text and self._found.get("format") == "uri"


def resolved(schemas: Mapping[str, Any], schema: Any, depth: int = 8) -> Mapping[str, Any]:
    """Follow references, and unwrap a schema that is the only option of `allOf`, `anyOf` or `oneOf`, besides null."""
    found = members(schema)
    for _ in range(depth):
        options = [
            option
            for key in ("allOf", "anyOf", "oneOf")
            for option in elements(found.get(key))
            if members(option).get("type") != "null"
        ]
        match found.get("$ref"), options:
            case str(ref), _:
                found = members(schemas.get(ref.rpartition("/")[2]))
            case _, []:
                return found
            case _, [option]:
                found = members(option)
            case _:
                return {}
    return {}


def is_string(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema allows strings."""
    kinds = schema.get("type")
    return kinds == "string" or "string" in elements(kinds)


def is_file(text: str, schema: Mapping[str, Any]) -> bool:
    """Return whether a string is a file: if the schema is one of strings, it decides, otherwise the value."""
    if not is_url(text):
        return False
    return schema.get("format") == "uri" if is_string(schema) else True


def is_url(text: str) -> bool:
    """Return whether a text is entirely one URL of a file: `http:`, `https:` or `data:`."""
    return text[:5].lower() in ("https", "http:", "data:") and URL.fullmatch(text) is not None


BY_VALUE = OutputSchema(None)
"""Recognises files by their value, whatever the model."""
