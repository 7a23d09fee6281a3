"""Conversion of a prediction's JSON input to the Python types of a function's annotations."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from replicate.local.validation import is_array

Fetch = Callable[[str], Path]
_COLLECTIONS: dict[Any, Callable[[list[Any]], Any]] = {tuple: tuple, set: set, frozenset: frozenset}


def convert_all(values: Mapping[str, Any], annotations: Mapping[str, Any], fetch: Fetch) -> dict[str, Any]:
    """Convert the inputs that the function takes, and drop the others; `fetch` downloads the file of a URL."""
    return {name: convert(values[name], annotations[name], fetch) for name in annotations if name in values}


def convert(value: Any, annotation: Any, fetch: Fetch) -> Any:
    """Convert one valid JSON value to the type of an annotation."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if value is None:
        return None
    if origin is Annotated:
        return convert(value, arguments[0], fetch)
    if origin in {Union, types.UnionType}:
        some = [member for member in arguments if member is not types.NoneType]
        return convert(value, some[0], fetch) if len(some) == 1 else value
    if is_array(value) and arguments:
        items = [convert(item, arguments[0], fetch) for item in value]
        return _COLLECTIONS[origin](items) if origin in _COLLECTIONS else items
    return _scalar(value, annotation, fetch)


def _scalar(value: Any, annotation: Any, fetch: Fetch) -> Any:
    match annotation:
        case _ if annotation is Path:
            return fetch(value)
        case _ if annotation is bytes:
            return fetch(value).read_bytes()
        case _ if annotation in (int, float) or (isinstance(annotation, type) and issubclass(annotation, Enum)):
            return annotation(value)
        case _:
            return value
