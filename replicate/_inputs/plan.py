"""An input as a plan: plain data, with placeholders for values that take time."""

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


class Deferred(NamedTuple):
    """A placeholder for a value that must be read, encoded, uploaded or awaited. Errors show its location, `where`."""

    kind: Kind
    value: Any
    where: str


def iter_deferred(plan: Any) -> Iterator[Deferred]:
    """Yield all placeholders."""
    if isinstance(plan, Deferred):
        yield plan
    elif is_mapping(plan):
        for item in plan.values():
            yield from iter_deferred(item)
    elif is_array(plan) and not is_numbers(plan):
        for item in plan:
            yield from iter_deferred(item)


def is_plain(plan: Any) -> bool:
    """Return whether a plan is complete as it is: without placeholders and without outputs of models."""
    if isinstance(plan, (Deferred, OutputList)):
        return False
    if is_mapping(plan):
        return all(map(is_plain, plan.values()))
    return not is_array(plan) or is_numbers(plan) or all(map(is_plain, plan))


def changed(plan: Any, schema: InputSchema, where: str, change: Callable[[Any, InputSchema, str], Any]) -> Any:
    """Change each member of an object and each item of a list. The function gets the value, its schema and location."""
    if is_mapping(plan):
        return {key: change(item, schema.member(key), inside(where, key)) for key, item in plan.items()}
    if is_array(plan) and not is_numbers(plan):
        return [change(item, schema.item, inside(where, index)) for index, item in enumerate(plan)]
    return plan


def needs_schema(plan: Any) -> bool:
    """Return whether only the model's schema can decide how to send some value.

    An array may be an image. An output of a model, finished or not, may be a list although one file or text is wanted.
    """
    if isinstance(plan, Deferred):
        return plan.kind in ("array", "result")
    if isinstance(plan, OutputList):
        return len(plan) == 1 or bool(plan.text) or any(map(needs_schema, plan))
    if is_mapping(plan):
        return any(map(needs_schema, plan.values()))
    return is_array(plan) and not is_numbers(plan) and any(map(needs_schema, plan))


def suited(plan: Any, schema: InputSchema) -> Any:
    """Return the only file of a list if one file is wanted, and the joined pieces of a text if a text is wanted."""
    if schema.is_text and is_array(plan):
        if schema.is_file:
            return plan[0] if len(plan) == 1 else plan
        if all(isinstance(piece, str) for piece in plan):
            return "".join(plan)
    return plan


def texts_for_files(plan: Any, schema: InputSchema, where: str) -> Iterator[tuple[str, str]]:
    """Yield the strings that are not URLs although the schema wants a file. An empty string means no file."""
    if isinstance(plan, str):
        if plan and schema.is_file and "://" not in plan and not is_data_uri(plan) and not schema.names(plan):
            yield where, plan
    elif is_mapping(plan):
        for key, item in plan.items():
            yield from texts_for_files(item, schema.member(key), inside(where, key))
    elif is_array(plan) and not is_numbers(plan):
        for index, item in enumerate(plan):
            yield from texts_for_files(item, schema.item, inside(where, index))


def substitute(plan: Any, found: Mapping[int, Any]) -> Any:
    """Replace each placeholder by the result for its value, which is found by the value's `id`."""
    if isinstance(plan, Deferred):
        return found[id(plan.value)]
    if is_mapping(plan):
        return {key: substitute(item, found) for key, item in plan.items()}
    return [substitute(item, found) for item in plan] if is_array(plan) and not is_numbers(plan) else plan


def inside(where: str, key: object) -> str:
    return f"{where}[{key!r}]"


def is_numbers(items: list[Any]) -> bool:
    """Return whether a list holds only numbers that JSON can express. One check for all, as arrays have long rows."""
    kinds = {*map(type, items)}
    if kinds <= {int, bool}:
        return max(map(int.bit_length, items), default=0) <= LONGEST_INT
    return kinds == {float} and all(map(math.isfinite, items))


def finite(number: float, where: str) -> float:
    """Return a float. Raises ValueError if JSON cannot express it."""
    if not math.isfinite(number):
        raise ValueError(f"{where} is {number}, which JSON cannot express")
    return number


def encodable(text: str, where: str) -> str:
    """Return a text. Raises ValueError if it is not valid Unicode: it has an unpaired surrogate."""
    if not text.isascii():
        check_encodable(text, where)
    return text


def named(key: object, where: str) -> str:
    """Return the name of an input. Raises TypeError or ValueError if it is not a valid one."""
    if not isinstance(key, str):
        raise TypeError(f"{where} has the key {key!r}; keys must be str")
    return encodable(key, f"a key of {where}")
