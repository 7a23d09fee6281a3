"""Reading JSON, and other plain data, that may be of any shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard


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
