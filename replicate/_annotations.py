"""Annotations that are resolved when they are read.

Modules import most names in their annotations for type checkers only. `typing.get_type_hints`, `inspect.signature` and
tools based on them still find these names: they are taken from the imports under `if TYPE_CHECKING:` in the source. If
a name cannot be found, the annotation stays a string.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, TypeVar

    Kind = TypeVar("Kind")

FUNCTION = type(lambda: None)
DONE = "_annotations_are_deferred"
"""Attribute of a class whose annotations, and its methods', are deferred."""


class Text(str):
    """An annotation as it is written, with the module in which it is written."""

    __slots__ = ("home",)
    home: str

    @classmethod
    def of(cls, annotation: Any, home: str) -> Any:
        """Add the module to an annotation if it is a string."""
        if not isinstance(annotation, str) or isinstance(annotation, Text):
            return annotation
        self = cls(annotation)
        self.home = home
        return self


class Hints(dict[str, "Any"]):
    """The annotations of a function or a class, resolved on first use."""

    __slots__ = ("_resolve",)
    _resolve: Callable[[], Mapping[str, Any]] | None

    def __init__(self, texts: Mapping[str, Any], resolve: Callable[[], Mapping[str, Any]]) -> None:
        super().__init__(texts)
        self._resolve = resolve

    def _resolved(self) -> Hints:
        if (resolve := self._resolve) is not None:
            found = resolve()
            super().update(found)
            for name in {*super().keys()} - {*found}:  # `options`, if its keywords are listed instead
                super().pop(name, None)
            self._resolve = None  # set last, as other threads check it
        return self

    # Without these, dict's own methods would read the strings. As `__iter__` is overridden, `dict(hints)` calls `keys`.

    def __iter__(self) -> Iterator[str]:
        return super(Hints, self._resolved()).__iter__()

    def __len__(self) -> int:
        return super(Hints, self._resolved()).__len__()

    def __contains__(self, name: object) -> bool:
        return super(Hints, self._resolved()).__contains__(name)

    def __getitem__(self, name: str) -> Any:
        return super(Hints, self._resolved()).__getitem__(name)

    def __eq__(self, other: object) -> bool:
        return super(Hints, self._resolved()).__eq__(other)

    __hash__ = None  # as for any dict

    def __repr__(self) -> str:
        return super(Hints, self._resolved()).__repr__()

    def get(self, name: str, default: Any = None) -> Any:
        return super(Hints, self._resolved()).get(name, default)

    def keys(self) -> Any:
        return super(Hints, self._resolved()).keys()

    def values(self) -> Any:
        return super(Hints, self._resolved()).values()

    def items(self) -> Any:
        return super(Hints, self._resolved()).items()

    def copy(self) -> dict[str, Any]:
        return {**self}


def resolve_lazily(target: Kind) -> Kind:
    """Make the annotations of a function, or of a class with its bases and methods, resolve when they are read."""
    if not isinstance(target, type):
        _defer(target)
        return target
    for kind in target.__mro__:
        members = vars(kind)
        if kind.__module__.partition(".")[0] not in ("replicate", "replicate_api") or DONE in members:
            continue
        if texts := members.get("__annotations__"):
            kind.__annotations__ = Hints(texts, _resolver(texts, kind.__module__))
        for member in [*members.values()]:
            _defer(member)
        setattr(kind, DONE, True)
    return target


def _defer(member: Any) -> None:
    """Defer the annotations of a function, or of the functions in a property and the like."""
    if type(member) is FUNCTION:
        texts = member.__annotations__
        if not isinstance(texts, Hints) and texts:
            home = member.__globals__.get("__name__") or member.__module__  # some functions of attrs have no module
            member.__annotations__ = Hints(texts, _resolver(texts, home, member))
        return
    for name in ("fget", "fset", "func", "__func__"):
        if type(inner := getattr(member, name, None)) is FUNCTION:
            _defer(inner)


def _resolver(texts: Mapping[str, Any], home: str, function: Any = None) -> Callable[[], Mapping[str, Any]]:
    texts = {**texts}
    if function is None:
        return lambda: {name: evaluate(Text.of(text, home)) for name, text in texts.items()}

    def resolve() -> Mapping[str, Any]:
        code = function.__code__
        positional = code.co_varnames[: code.co_argcount]
        defaults = dict(zip(reversed(positional), reversed(function.__defaults__ or ()), strict=False))
        defaults |= function.__kwdefaults__ or {}
        written = {name: Text.of(text, home) for name, text in texts.items()}
        return {
            name: evaluate(text) if name == "return" else parameter_type(text, defaults.get(name))
            for name, text in written.items()
        }

    return resolve


# ---- resolving strings


def evaluate(annotation: Any) -> Any:
    """Return the value of an annotation; its text if a name in it cannot be found."""
    if not isinstance(annotation, Text):
        return annotation
    try:
        return eval(annotation, vars(sys.modules[annotation.home]), names_of(annotation.home))  # noqa: S307 - our own
    except Exception:  # noqa: BLE001 - for example a module that cannot be imported, or has no source
        return str(annotation)


def parameter_type(annotation: Any, default: Any = None) -> Any:
    """Return the type of a parameter, in a form for tools that make schemas from types.

    In a union, an httpx object that stands for a plain value, such as a timeout in seconds, is left out. A parameter
    whose default is UNSET allows UNSET, which is null in JSON, unless None has a meaning of its own.
    """
    from replicate_api.types import UNSET, Unset

    hint = evaluate(annotation)
    if isinstance(hint, str):
        return hint
    import typing
    from collections.abc import Callable
    from types import EllipsisType, UnionType

    union = typing.get_origin(hint) in (typing.Union, UnionType)
    every: list[Any] = [*typing.get_args(hint)] if union else [hint]
    kept = [each for each in every if each is not EllipsisType and getattr(each, "__module__", "") != "httpx"] or every
    kept = [typing.Any if is_vague(each) else each for each in kept]
    if bytes in kept:
        kept = [each for each in kept if each not in (bytearray, memoryview)]
    others = [each for each in kept if each is not type(None)]
    # JSON schemas leave out the functions in a union. If it has nothing else, null must be allowed.
    only_called = union and all(typing.get_origin(each) is Callable for each in others)
    if only_called or (default is UNSET and typing.Any not in kept and len(others) == len(kept)):
        kept.append(Unset)
    return hint if kept == every else typing.Union[tuple(kept)]  # noqa: UP007 - built from a tuple


def is_vague(hint: Any) -> bool:
    """Return whether a type only describes what objects can do: a file type, or a protocol."""
    import typing

    kind = typing.get_origin(hint) or hint
    return kind in (typing.BinaryIO, typing.IO) or getattr(kind, "_is_protocol", False) is True


class Names(dict[str, "Any"]):
    """The names that a module has for type checkers only. Each is imported or created on first use."""

    def __init__(self, home: str) -> None:
        import ast
        from inspect import getsource

        super().__init__()
        self._module = sys.modules[home]
        try:
            source = getsource(self._module)
        except OSError:  # programs can be shipped without source
            source = ""
        self._makers: dict[str, ast.stmt | tuple[str, str | None]] = {}
        for block in ast.parse(source).body:
            if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
                for statement in block.body:
                    self._makers.update(self._found(statement))

    def _found(self, statement: ast.stmt) -> Iterator[tuple[str, ast.stmt | tuple[str, str | None]]]:
        import ast
        from importlib.util import resolve_name

        match statement:
            case ast.Import(names):
                for alias in names:
                    top = alias.name.partition(".")[0]
                    yield alias.asname or top, (alias.name if alias.asname else top, None)
            case ast.ImportFrom(module, names, level):
                full = resolve_name("." * (level or 0) + (module or ""), self._module.__package__)
                for alias in names:
                    yield alias.asname or alias.name, (full, alias.name)
            case ast.ClassDef(name):
                yield name, statement
            case ast.Assign([ast.Name(name)]) | ast.AnnAssign(ast.Name(name)):
                yield name, statement
            case _:
                pass

    def __missing__(self, name: str) -> Any:
        from importlib import import_module

        made = self._makers.get(name)
        if made is None or (name in vars(self._module) and not isinstance(made, tuple)):
            raise KeyError(name)
        if isinstance(made, tuple):
            module, attribute = made
            value = import_module(module)
            if attribute is not None:
                value = getattr(value, attribute, None) or names_of(module)[attribute]
        else:
            import ast

            exec(compile(ast.Module([made], []), self._module.__file__ or "", "exec"), {**vars(self._module)}, self)  # noqa: S102 - our own
            value = evaluate(Text.of(self[name], self._module.__name__))
        self[name] = value
        return value


KNOWN: dict[str, Names] = {}


def names_of(home: str) -> Names:
    """Return the names that a module has for type checkers only."""
    if home not in KNOWN:
        KNOWN[home] = Names(home)
    return KNOWN[home]
