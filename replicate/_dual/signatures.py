"""What a method takes: its own parameters, and the keywords of the TypedDict that it unpacks.

It is read from the function on first use and cached. It is used to show the signature, and to suggest the right
keyword for a wrong one.
"""

from __future__ import annotations

import functools
import inspect
import re
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from replicate._annotations import Hints, Text, evaluate, parameter_type
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

F = TypeVar("F", bound="Callable[..., Any]")

NAMES_OF_REF = ("model", "version", "name")
"""Names that callers use for `ref` by mistake."""
POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
KEYWORD = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


class ShownParameter(Parameter):
    """A parameter that is displayed as written, but whose annotation is resolved."""

    @property
    def annotation(self) -> Any:
        """Its resolved type."""
        return parameter_type(super().annotation, self.default)


class ShownSignature(Signature):
    """A signature that is displayed as written, but whose types are resolved."""

    @property
    def return_annotation(self) -> Any:
        """The resolved return type."""
        return evaluate(super().return_annotation)

    def written(self) -> Signature:
        """Return the signature as it is written."""
        return Signature([*self.parameters.values()], return_annotation=super().return_annotation)

    def __str__(self) -> str:
        return str(self.written())

    def format(self, **how: Any) -> str:
        """Return the signature as text."""
        return self.written().format(**how)  # type: ignore[attr-defined,no-any-return]  # from Python 3.13 on


class CallSignature(NamedTuple):
    """The call signature of a method."""

    signature: Signature
    """All parameters except `self`. A keyword of a TypedDict is UNSET by default."""
    words: tuple[str, ...] | None
    """Names that can be passed by keyword; None for any name."""
    required: Mapping[str, float]
    """Parameters that are required, and the number of positional arguments that includes each."""
    positional: tuple[str, ...] | None
    """Names that can be passed by position; None for any number."""
    name: str
    """The name of the method."""

    def read(self, positions: int, keywords: Mapping[str, Any]) -> dict[str, Any]:
        """Return the keywords that are not UNSET. Raises TypeError for unknown, missing or surplus arguments."""
        if self.words is not None:
            check_keywords(keywords, self.words)
        if self.positional is not None and positions > len(self.positional):
            first = ", ".join(self.positional) or "no argument"
            named = ", ".join(f"{name}=" for name in self.words or () if name not in self.positional)
            others = f": pass the others as {named}" if named else ""
            raise TypeError(f"{self.name}() takes {first} by position, not {positions} of them{others}")
        stated = {name: value for name, value in keywords.items() if value is not UNSET}
        for name, enough in self.required.items():
            if positions < enough and name not in stated:
                raise TypeError(f"{name} is missing")
        return stated


def check_keywords(given: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    """Raise TypeError for a keyword that does not exist, naming the one that was probably meant."""
    for name in given:
        if name not in allowed:
            import difflib

            close = difflib.get_close_matches(name, allowed, n=1)
            if "ref" in allowed and name in NAMES_OF_REF:
                close = ["ref"]
            hint = f"; did you mean {close[0]!r}?" if close else f"; it takes {', '.join(allowed)}"
            if "input" in allowed and close not in (["input"], ["ref"]):
                hint = f"; what is for the model goes into input={{{name!r}: ...}}{hint}"
            raise TypeError(f"unexpected keyword argument {name!r}{hint}")


def call_signature(function: Callable[..., Any]) -> CallSignature:
    """Return the call signature of a method that is written as this function."""
    return _call_signature(inspect.unwrap(function))


def unbound_signature(function: Callable[..., Any]) -> Signature:
    """Return the complete signature of a method including `self`, as on its class."""
    signature, plain = call_signature(function).signature, inspect.signature(function)
    owner = next(iter(plain.parameters.values()))
    return signature.replace(parameters=[owner, *signature.parameters.values()])


def lazy_hints(function: Callable[..., Any]) -> Hints:
    """Return the annotations of the signature that `unbound_signature` returns."""

    def resolve() -> dict[str, Any]:
        signature = unbound_signature(function)
        found = {name: each.annotation for name, each in signature.parameters.items()}
        found["return"] = signature.return_annotation
        return {name: hint for name, hint in found.items() if hint is not Parameter.empty}

    return Hints(function.__annotations__, resolve)


def show(function: F) -> F:
    """Make a plain method show its complete signature."""
    vars(function)["__signature__"], function.__annotations__ = unbound_signature(function), lazy_hints(function)
    return function


@functools.cache
def _call_signature(function: Callable[..., Any]) -> CallSignature:
    plain = inspect.signature(function)
    _, *own = plain.parameters.values()
    anything = bool(own) and own[-1].kind is Parameter.VAR_KEYWORD
    unpacked: Mapping[str, Any] = {}
    if anything and (found := re.fullmatch(r"Unpack\[(\w+)\]", str(own[-1].annotation))):
        own, anything = own[:-1], False
        unpacked = function.__globals__[found[1]].__annotations__
    words = (*(each.name for each in own if each.kind in KEYWORD), *unpacked)
    required = {
        each.name: index if each.kind is Parameter.POSITIONAL_OR_KEYWORD else float("inf")
        for index, each in enumerate(own, 1)
        if each.default is Parameter.empty and each.kind in KEYWORD
    }
    home: str = getattr(function, "__globals__", {}).get("__name__", "builtins")
    options = (
        ShownParameter(name, Parameter.KEYWORD_ONLY, default=UNSET, annotation=annotation_of(kind, home))
        for name, kind in unpacked.items()
    )
    shown = (
        ShownParameter(each.name, each.kind, default=each.default, annotation=Text.of(each.annotation, home))
        for each in own
    )
    many = any(each.kind is Parameter.VAR_POSITIONAL for each in own)
    positional = None if many else tuple(each.name for each in own if each.kind in POSITION)
    gives = Text.of(plain.return_annotation, home)
    signature = ShownSignature([*shown, *options], return_annotation=gives)
    return CallSignature(signature, None if anything else words, required, positional, function.__name__)


def annotation_of(kind: Any, home: str) -> Any:
    """Return the annotation of a TypedDict's key as it is written, with its module."""
    return Text.of(getattr(kind, "__forward_arg__", kind), getattr(kind, "__forward_module__", None) or home)
