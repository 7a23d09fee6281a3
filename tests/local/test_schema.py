"""The schema derived from a function's signature."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, TypedDict, Union

import pytest

from replicate.local import Input
from replicate.local.schema import describe, read


class Style(Enum):
    BOLD = "bold"
    FAINT = "faint"


class Point(TypedDict):
    x: int


@dataclass
class Box:
    width: int


def model(
    prompt: Annotated[str, Input(description="What to draw", min_length=1, max_length=9, pattern="^[a-z]+$")],
    image: Path | None = None,
    steps: Annotated[int, Input(ge=1, le=50)] = 4,
    scheduler: Literal["DDIM", "K_EULER"] = "DDIM",
    style: Style = Style.BOLD,
    seed: Optional[int] = None,  # noqa: UP045
    guessed=7.5,  # noqa: ANN001
) -> Iterator[str]:
    """Draw."""
    yield from ()


def test_an_input_schema_looks_like_cogs() -> None:
    """Types, titles, order, defaults, limits and required fields come from the signature."""
    properties = read(model).input["properties"]
    assert read(model).input["required"] == ["prompt"]
    assert properties["prompt"] == {
        "title": "Prompt",
        "type": "string",
        "description": "What to draw",
        "minLength": 1,
        "maxLength": 9,
        "pattern": "^[a-z]+$",
        "x-order": 0,
    }
    assert properties["image"] == {"title": "Image", "type": "string", "format": "uri", "nullable": True, "x-order": 1}
    steps = {"title": "Steps", "type": "integer", "minimum": 1, "maximum": 50, "default": 4, "x-order": 2}
    assert properties["steps"] == steps
    assert properties["seed"] == {"title": "Seed", "type": "integer", "nullable": True, "x-order": 5}
    assert properties["guessed"] == {"title": "Guessed", "type": "number", "default": 7.5, "x-order": 6}


def test_an_enumeration_is_a_schema_of_its_own() -> None:
    """Choices become a named schema that the property refers to, as in Cog."""
    signature = read(model)
    reference = {"allOf": [{"$ref": "#/components/schemas/scheduler"}], "default": "DDIM", "x-order": 3}
    assert signature.input["properties"]["scheduler"] == reference
    assert signature.shared["scheduler"] == {
        "title": "scheduler",
        "description": "An enumeration.",
        "type": "string",
        "enum": ["DDIM", "K_EULER"],
    }
    assert signature.input["properties"]["style"]["default"] == "bold"
    assert signature.shared["style"]["enum"] == ["bold", "faint"]
    assert signature.document()["components"]["schemas"].keys() == {"Input", "Output", "scheduler", "style"}


FILE = {"type": "string", "format": "uri"}
ITERATOR = {"type": "array", "x-cog-array-type": "iterator"}


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, {"type": "string"}),
        (bool, {"type": "boolean"}),
        (bytes, FILE),
        (Path, FILE),
        (list[Path], {"type": "array", "items": FILE}),
        (Sequence[int], {"type": "array", "items": {"type": "integer"}}),
        (tuple[str, ...], {"type": "array", "items": {"type": "string"}}),
        (list, {"type": "array"}),
        (dict[str, Any], {"type": "object"}),
        (Point, {"type": "object"}),
        (Box, {"type": "object"}),
        (Any, {}),
        (Union[int, str], {}),  # noqa: UP007
        (Iterator[str], {**ITERATOR, "items": {"type": "string"}, "x-cog-array-display": "concatenate"}),
        (Generator[str, None, None], {**ITERATOR, "items": {"type": "string"}, "x-cog-array-display": "concatenate"}),
        (AsyncIterator[Path], {**ITERATOR, "items": FILE}),
        (Iterator[int], {**ITERATOR, "items": {"type": "integer"}}),
        (Annotated[float, "A bare string describes."], {"type": "number", "description": "A bare string describes."}),
    ],
)
def test_a_type_has_a_schema(annotation: Any, schema: dict[str, Any]) -> None:
    """Each kind of annotation has its JSON schema; an iterator of text is marked to be concatenated."""
    assert describe(annotation) == schema


def test_limits_of_other_libraries_are_read() -> None:
    """Objects with `ge`, `le` or a `metadata` list of such objects work in `Annotated`, whatever their class."""

    class Ge:
        ge = 2

    class Field:
        description = "How many"
        metadata = (Ge(),)

    assert describe(Annotated[int, Field()]) == {"type": "integer", "description": "How many", "minimum": 2}


def test_a_function_without_named_inputs_cannot_be_a_model() -> None:
    """`*args` and unreadable annotations are refused when the signature is read, with the reason."""

    def many(*prompts: str) -> str:
        return ""

    def unreadable(prompt: Unknown) -> str:  # type: ignore[name-defined] # noqa: F821
        return ""

    with pytest.raises(TypeError, match=r"each input needs a name, and \*prompts"):
        read(many)
    with pytest.raises(TypeError, match="'Unknown' is not defined"):
        read(unreadable)


def test_the_signature_of_any_callable_is_read() -> None:
    """An object with `__call__` can be a model."""

    class Caller:
        def __call__(self, text: str = "x") -> str:
            return text

    assert list(read(Caller()).annotations) == ["text"]
