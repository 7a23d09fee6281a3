"""Values in an input that are not plain data: files, images, records, dates and times, and running values."""

from __future__ import annotations

import dataclasses
import inspect
from collections import UserString
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from replicate._files import images as pictures
from replicate._files.images import of
from replicate._files.sources import check_file, is_file
from replicate._inputs.plan import Deferred
from replicate._json import is_iterable
from replicate._outputs.file_output import FileOutput
from replicate._wording import harmless
from replicate_api.types import UNSET, Payload

if TYPE_CHECKING:
    from collections.abc import Callable

    from replicate._inputs.plan import Kind


KINDS: tuple[tuple[Callable[[Any], bool], Kind], ...] = (
    (lambda value: hasattr(value, "__as_input__") or inspect.isawaitable(value), "result"),
    (is_file, "file"),
    (pictures.is_image, "image"),
    (pictures.is_array, "array"),
)
"""Values that take time, and how each kind is recognised."""

PLAINER: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    ((date, time), lambda moment: moment.isoformat()),
    (timedelta, timedelta.total_seconds),
    (Decimal, float),  # the nearest float
    ((UUID, UserString), str),
    (Enum, lambda member: member.value),
    (Payload, Payload.to_dict),
)
"""Types that become a string, a number or an object."""


def convert(value: Any, where: str, *, blocking: bool) -> Any:
    """Return what an object stands for: a placeholder, or a plainer value. Raises TypeError, ValueError.

    An object with a coroutine method `__as_input__(session)` is a running value; the method is called on sending.
    """
    if isinstance(value, FileOutput):  # no need to download it
        return value.url
    kind: Kind | None = next((kind for is_kind, kind in KINDS if is_kind(value)), None)
    if kind is not None:
        if kind == "file":
            check_file(value, where)
        if blocking and inspect.iscoroutine(value):
            raise TypeError(f"{where} is a coroutine, which a blocking client cannot await: use AsyncReplicate")
        return Deferred(kind, value, where)
    try:
        plainer = simplify(value)
    except (TypeError, ValueError) as error:
        raise ValueError(harmless(f"{where} is {type(value).__name__}, and has no plain value: {error}")) from error
    if plainer is not UNSET:
        return plainer
    if is_iterable(value):
        return [*value]
    raise TypeError(
        f"{where} is {type(value).__name__}, which cannot be sent: use str, int, float, bool, None, list, "
        "dict, or for a file a pathlib.Path, an open binary file or bytes"
    )


def simplify(value: Any) -> Any:
    """Return a plainer value for a known type, else UNSET. A data frame becomes the list of its rows."""
    for kind, plainer in PLAINER:
        if isinstance(value, kind):
            return plainer(value)
    if of("numpy", "generic", value):
        return scalar(value)
    if of("pandas", "DataFrame", value):
        return value.to_dict(orient="records")
    return UNSET if isinstance(value, type) else fields(value)


def scalar(value: Any) -> Any:
    """Return the Python value of a numpy scalar, or UNSET if Python has no type for it."""
    plainer = value.item()
    if of("numpy", "datetime64", value) and isinstance(plainer, int):  # nanoseconds, which datetime does not support
        return str(value)
    if of("numpy", "timedelta64", value) and isinstance(plainer, int):
        return value / type(value)(1, "s")
    if of("numpy", "longdouble", plainer):
        return float(plainer)  # the nearest float
    return UNSET if of("numpy", "generic", plainer) else plainer


def listed(array: Any) -> Any:
    """Return an array as lists. Dates and durations stay numpy scalars, as numbers would lose their unit."""
    if getattr(getattr(array, "dtype", None), "kind", "") not in ("m", "M"):
        return array.tolist()
    return [listed(row) for row in array] if array.ndim else array[()]


def fields(record: Any) -> Any:
    """Return the fields of a dataclass, attrs object or pydantic model by name; UNSET for anything else."""
    if dataclasses.is_dataclass(record):
        return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    kind = cast("Any", type(record))
    if declared := getattr(kind, "__attrs_attrs__", None):
        return {field.name: getattr(record, field.name) for field in declared}
    for sign, dump in (("model_fields", "model_dump"), ("__fields__", "dict")):  # pydantic 2 and 1
        if hasattr(kind, sign) and callable(getattr(record, dump, None)):
            return getattr(record, dump)()
    return UNSET
