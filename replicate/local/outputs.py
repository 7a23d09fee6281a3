"""Conversion of a model's output to JSON, with a URL in place of each file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


def published(value: Any, deliver: Callable[[Path | bytes], str]) -> Any:
    """Return a value as JSON; `deliver` stores a file and returns its URL."""
    match value:
        case Path() | bytes():
            return deliver(value)
        case bytearray():
            return deliver(bytes(value))
        case None | bool() | int() | float() | str() | Enum() | date():
            return _plain(value)
        case _ if _is_mapping(value):
            return {str(name): published(item, deliver) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [published(item, deliver) for item in cast("Collection[Any]", value)]
        case _:
            return published(_fields(value), deliver)


def _is_mapping(value: Any) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"the model returned {value}, which JSON cannot say")
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, date) else value


def _fields(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass, an attrs object or a pydantic model."""
    if names := getattr(value, "__dataclass_fields__", None):
        return {name: getattr(value, name) for name in names}
    if names := getattr(value, "__attrs_attrs__", None):
        return {field.name: getattr(value, field.name) for field in names}
    if dump := getattr(value, "model_dump", None):
        return dict(dump())
    raise TypeError(
        f"the model returned {type(value).__qualname__}, which is not JSON: return text, numbers, lists, "
        "dictionaries, and files as pathlib.Path or bytes"
    )
