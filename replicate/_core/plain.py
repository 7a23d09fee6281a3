"""Reading JSON, and other plain data, that may be of any shape, and telling what cannot be JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard, cast


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def is_iterable(value: object) -> TypeGuard[Iterable[Any]]:
    return isinstance(value, Iterable)


def members(value: object) -> Mapping[str, Any]:
    """Give the members of a JSON object, and none of anything else."""
    return value if is_object(value) else {}


def elements(value: object) -> list[Any]:
    """Give the elements of a JSON array, and none of anything else."""
    return value if is_array(value) else []


def check_json(value: object, where: str) -> None:
    """Raise TypeError or ValueError for what JSON cannot express, and say where in a value it is."""
    try:
        _check(value, where)
    except RecursionError:
        raise ValueError(f"{where} contains itself, or is nested too deeply to be sent") from None


def _check(value: object, where: str) -> None:
    if is_object(value):
        for key, item in cast("Mapping[Any, Any]", value).items():
            if not isinstance(key, str | int | float | None):
                raise TypeError(f"{where} has the key {key!r}; keys must be str")
            _check(item, f"{where}[{key!r}]")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(cast("Iterable[Any]", value)):
            _check(item, f"{where}[{index}]")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}, which JSON cannot express")
    elif not isinstance(value, str | int | None):
        raise TypeError(f"{where} is {type(value).__name__}, which JSON cannot express: use str, int, list, dict, …")
