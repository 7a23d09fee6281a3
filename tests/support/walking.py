"""Search for a secret as tools do that show local variables: in frames, and in all objects reachable from them."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 14
"""The number of steps from a local variable."""
OPAQUE = (FunctionType, BuiltinFunctionType, MethodType, ModuleType, CodeType, type)
READ = ("headers", "request", "next_request", "history", "extensions", "args", "raw")
"""Attributes that are properties of some objects, and that people print."""


def found(value: Any, secret: str, *, depth: int = DEEPEST) -> str | None:
    """Return the path to a secret inside an object, or None."""
    return _found(value, secret, depth, {})


def _found(value: Any, secret: str, depth: int, seen: dict[int, tuple[int, Any]]) -> str | None:
    if isinstance(value, OPAQUE) or value is None:
        return None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "" if secret.encode() in bytes(value) else None
    if isinstance(value, str):
        return "" if secret in value else None
    if depth == 0 or seen.get(id(value), (-1, None))[0] >= depth:
        return None
    seen[id(value)] = depth, value  # kept, so that no other object gets its id
    for name, inner in parts(value):
        if (where := _found(inner, secret, depth - 1, seen)) is not None:
            return f"{name}{where}"
    return None


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the parts of an object and its `repr`, by name."""
    if type(value).__module__.partition(".")[0] in ("_pytest", "pluggy", "xdist"):
        return
    yield ".repr", shown(value)
    if isinstance(value, Mapping):
        for key, inner in [*value.items()]:
            yield f"[{key!r}]", inner
            yield ".key", key
    if isinstance(value, (list, tuple, AbstractSet)) or type(value).__name__ in ("deque", "dict_values"):
        for index, inner in enumerate([*value]):
            yield f"[{index}]", inner
    for name, inner in [*getattr(value, "__dict__", {}).items()]:
        yield f".{name}", inner
    slots = {name for kind in type(value).__mro__ for name in tuple(getattr(kind, "__slots__", ()))}
    for name in (*sorted(slots), *READ):
        try:
            inner = getattr(value, name)
        except Exception:  # noqa: BLE001 - the attribute is missing
            continue
        yield f".{name}", inner


def shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - then nobody sees it
        return ""


def chain(error: BaseException) -> list[BaseException]:
    """Return an exception and all exceptions that led to it."""
    todo: list[BaseException | None] = [error]
    listed: list[BaseException] = []
    while todo:
        each = todo.pop()
        if each is None or any(each is other for other in listed):
            continue
        listed.append(each)
        todo += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            todo += each.exceptions
    return listed


def leaks(error: BaseException, secret: str) -> list[str]:
    """Return the places of a secret in an exception, in those that led to it, and in the frames of all these."""
    listed = list[str]()
    for each in chain(error):
        if (where := found(each, secret)) is not None:
            listed.append(f"{type(each).__name__}{where}")
        for frame, _ in traceback.walk_tb(each.__traceback__):
            for name, value in {**frame.f_locals}.items():
                if (where := found(value, secret)) is not None:
                    place = f"{os.path.relpath(frame.f_code.co_filename)}:{frame.f_lineno} {frame.f_code.co_name}"
                    listed.append(f"{place}: {name}{where}")
    return listed
