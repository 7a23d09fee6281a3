"""An input half-way to JSON: plain data, in which places are kept for what takes its time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from replicate._files.data_uri import is_data_uri
from replicate._json import LONGEST_INT, check_encodable, is_array, is_mapping
from replicate._outputs.output_list import OutputList

Kind = Literal["file", "image", "array", "result"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from replicate._models.schema import InputSchema


class Later(NamedTuple):
    """A place in an input for what takes reading, encoding, uploading or waiting; `where` it is, for errors."""

    kind: Kind
    value: Any
    where: str


def places(plan: Any) -> Iterator[Later]:
    """Find all such places."""
    if isinstance(plan, Later):
        yield plan
    elif is_mapping(plan):
        for item in plan.values():
            yield from places(item)
    elif is_array(plan) and not is_numbers(plan):
        for item in plan:
            yield from places(item)


def changed(plan: Any, schema: InputSchema, where: str, change: Callable[[Any, InputSchema, str], Any]) -> Any:
    """Change each member of an object and each item of a list, knowing what the schema says of it and where it is."""
    if is_mapping(plan):
        return {key: change(item, schema.member(key), inside(where, key)) for key, item in plan.items()}
    if is_array(plan) and not is_numbers(plan):
        return [change(item, schema.item, inside(where, index)) for index, item in enumerate(plan)]
    return plan


def needs_schema(plan: Any) -> bool:
    """Tell whether only the model's schema tells what to send somewhere.

    An array may be a picture. What a model made, or is making, may be a list where one file, or one text, is wanted.
    """
    if isinstance(plan, Later):
        return plan.kind in ("array", "result")
    if isinstance(plan, OutputList):
        return len(plan) == 1 or bool(plan.text) or any(map(needs_schema, plan))
    if is_mapping(plan):
        return any(map(needs_schema, plan.values()))
    return is_array(plan) and not is_numbers(plan) and any(map(needs_schema, plan))


def suited(plan: Any, schema: InputSchema) -> Any:
    """Give the only file of a list where one is wanted, and the pieces of a text as one."""
    if schema.is_text and is_array(plan):
        if schema.is_file:
            return plan[0] if len(plan) == 1 else plan
        if all(isinstance(piece, str) for piece in plan):
            return "".join(plan)
    return plan


def texts_for_files(plan: Any, schema: InputSchema, where: str) -> Iterator[tuple[str, str]]:
    """Find the texts that are no URL where the schema wants a file. An empty one is for none."""
    if isinstance(plan, str):
        if plan and schema.is_file and "://" not in plan and not is_data_uri(plan) and not schema.names(plan):
            yield where, plan
    elif is_mapping(plan):
        for key, item in plan.items():
            yield from texts_for_files(item, schema.member(key), inside(where, key))
    elif is_array(plan) and not is_numbers(plan):
        for index, item in enumerate(plan):
            yield from texts_for_files(item, schema.item, inside(where, index))


def filled(plan: Any, found: Mapping[int, Any]) -> Any:
    """Put what was found out, by the ids of what the places are for, into the places."""
    if isinstance(plan, Later):
        return found[id(plan.value)]
    if is_mapping(plan):
        return {key: filled(item, found) for key, item in plan.items()}
    return [filled(item, found) for item in plan] if is_array(plan) and not is_numbers(plan) else plan


def inside(where: str, key: object) -> str:
    return f"{where}[{key!r}]"


def is_numbers(items: list[Any]) -> bool:
    """Tell of a list, at once, that JSON can express it as it is: an array's row has many items."""
    kinds = {*map(type, items)}
    if kinds <= {int, bool}:
        return max(map(int.bit_length, items), default=0) <= LONGEST_INT
    return kinds == {float} and all(map(math.isfinite, items))


def finite(number: float, where: str) -> float:
    """Raise for what JSON cannot express."""
    if not math.isfinite(number):
        raise ValueError(f"{where} is {number}, which JSON cannot express")
    return number


def encodable(text: str, where: str) -> str:
    """Raise for what is no Unicode text: half a pair of surrogates."""
    if not text.isascii():
        check_encodable(text, where)
    return text


def named(key: object, where: str) -> str:
    """Raise for what cannot name an input."""
    if not isinstance(key, str):
        raise TypeError(f"{where} has the key {key!r}; keys must be str")
    return encodable(key, f"a key of {where}")
