"""Reading JSON and other plain data of any shape, and checking that data can be encoded as JSON."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard, cast

LONGEST_INT = 2000
"""Bits of an int that Python always converts to text. Above, `sys.set_int_max_str_digits` may forbid it."""


def parse(text: str | bytes) -> Any:
    """Parse JSON from outside. Raises ValueError if it is none; TypeError for other types.

    What Python cannot hold is a text: an int of thousands of digits, and what is nested hundreds of levels deep.
    """
    from replicate_api.types import parse_json

    return parse_json(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(memoryview(text)))


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def is_iterable(value: object) -> TypeGuard[Iterable[Any]]:
    return isinstance(value, Iterable)


def members(value: object) -> Mapping[str, Any]:
    """Return the members of a JSON object; an empty mapping for anything else."""
    return value if is_object(value) else {}


def elements(value: object) -> list[Any]:
    """Return the elements of a JSON array; an empty list for anything else."""
    return value if is_array(value) else []


def check_json(value: object, where: str) -> None:
    """Raise TypeError or ValueError for a value that JSON cannot express, and name its location."""
    try:
        _check(value, where)
    except RecursionError:
        raise ValueError(f"{where} contains itself, or is nested too deeply to be sent") from None


def check_encodable(text: str, where: str) -> None:
    """Raise ValueError for a text that is not valid Unicode: it has an unpaired surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{where} is no text: {error.reason} at position {error.start}") from None


def check_int(number: int, where: str) -> None:
    """Raise ValueError for an int with too many digits for Python to convert it to text."""
    if number.bit_length() > LONGEST_INT:
        try:
            str(number)
        except ValueError:
            most = sys.get_int_max_str_digits()
            raise ValueError(f"{where} is an int of more than {most} digits, which cannot be sent") from None


def _check(value: object, where: str) -> None:
    if is_object(value):
        for key, item in cast("Mapping[Any, Any]", value).items():
            if not isinstance(key, str | int | float | None):
                raise TypeError(f"{where} has the key {key!r}; keys must be str")
            _check_scalar(key, f"a key of {where}")
            _check(item, f"{where}[{key!r}]")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(cast("Iterable[Any]", value)):
            _check(item, f"{where}[{index}]")
    else:
        _check_scalar(value, where)


def _check_scalar(value: object, where: str) -> None:
    match value:
        case str():
            if not value.isascii():
                check_encodable(value, where)
        case int():
            check_int(value, where)
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{where} is {value}, which JSON cannot express")
        case None:
            pass
        case _:
            kind = type(value).__name__
            raise TypeError(f"{where} is {kind}, which JSON cannot express: use str, int, list, dict, …")
