"""Removes the token from exceptions: their frames, their texts, and the requests in them."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import ItemsView, KeysView, Mapping, ValuesView
from contextlib import suppress
from types import FunctionType, GetSetDescriptorType, MappingProxyType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from replicate._http.libraries import library_of
from replicate._http.secrecy.frames import is_inner, note_for, surroundings
from replicate._http.secrecy.hiding import AUTHORIZATION, HIDDEN, mask_exchange, mask_response, shown_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

S = TypeVar("S")

SHORTEST = 8
"""Minimum characters of a token; a shorter one may be a common word."""
DEEPEST = 24
MOST = 100_000
"""Maximum number of values that are inspected in an exception and those that led to it."""
ARGS: Any = vars(BaseException)["args"]
SUPPRESS: Any = vars(BaseException)["__suppress_context__"]
VIEWS = (KeysView, ValuesView, ItemsView)
ATOMS = (int, float, complex, bool, type(None), type, FunctionType, ModuleType)


def cut(error: BaseException, outer: BaseException | None, secret: bytes | None = None, *, told: bool = True) -> None:
    """Remove the tracebacks, with their frames, of an exception that was just caught and of those that led to it.

    `outer` is the exception that was being handled before the call, `sys.exception()`. It stays as it is, and so do
    other exceptions from before the call. Requests in the exceptions are masked, and the secret is removed from their
    texts. If `told`, a note on an unexpected exception says where it was raised. A group whose message contains the
    secret cannot be changed: this function raises a copy of it.
    """
    scrub = Scrub(secret)
    made = scrub.chain(error, outer, told=told)
    if made is error:
        return
    context = made.__context__
    del error, outer, secret, scrub  # this frame is in the traceback
    try:
        raise made
    finally:
        made.__context__ = context


def unseen(work: Callable[..., S], *arguments: Any, told: bool = False, secret: Callable[[], Any] | None = None) -> S:
    """Call a function that handles a secret. Its exceptions lose their frames."""
    outer = sys.exception()
    try:
        return work(*arguments)
    except BaseException as error:
        cut(error, outer, secret and secret(), told=told)
        raise


class Scrub:
    """Removes one secret from exceptions and from the values in them."""

    def __init__(self, secret: bytes | None) -> None:
        text = None if secret is None else secret.rpartition(b" ")[2].decode("latin-1")
        self._secret = text if text and len(text) >= SHORTEST else None
        self._bytes = (self._secret or "").encode("latin-1")
        self._known: dict[int, tuple[Any, Any]] = {}
        """The results for containers by `id`, with the containers themselves, which keeps the ids valid."""
        self._left = MOST
        self._found: list[BaseException] = []

    # ---- exceptions

    def chain(self, error: BaseException, outer: BaseException | None, *, told: bool) -> BaseException:
        """Clean an exception that was just caught, and those that led to it. Returns it or its replacement."""
        own, around = surroundings(error.__traceback__)
        listed: list[BaseException] = []
        seen = set[int]() if outer is None else {id(outer)} - {id(error)}
        self._found = [error]
        while self._found:
            each = self._found.pop()
            trace = each.__traceback__
            if id(each) in seen or (each is not error and trace is not None and not is_inner(trace, own, around)):
                continue
            seen.add(id(each))
            listed.append(each)
            self._found += [led for led in (each.__cause__, each.__context__) if led is not None]
            self._found += members(each)
            if told and trace is not None and (note := note_for(each, trace)) is not None:
                with suppress(Exception):  # an exception can be frozen
                    each.add_note(note)
            with suppress(Exception):
                each.with_traceback(None)
            self._clean(each)
        return self._replaced(error, listed)

    def _clean(self, error: BaseException) -> None:
        """Remove the secret from all attributes of an exception."""
        self._clean_state(error)
        for field in fields(error):
            with suppress(Exception):  # some are unset, others read-only
                held = field.__get__(error)
                if (made := self.value(held)) is not held:
                    field.__set__(error, made)
        with suppress(Exception):
            arguments = tuple(self.value(value, printed=True) for value in error.args)
            if any(made is not value for made, value in zip(arguments, error.args, strict=True)):
                ARGS.__set__(error, arguments)  # even if its class forbids setting attributes
        with suppress(Exception):
            if self._secret and self._secret in f"{error} {error!r}":  # its text shows an attribute
                self._clean_state(error, printed=True)

    def _clean_state(self, error: BaseException, *, printed: bool = False) -> None:
        state = vars(error)
        for name, value in [*state.items()]:
            with suppress(Exception):
                if (made := self.value(value, printed=printed)) is not value:
                    state[name] = made

    def _replaced(self, error: BaseException, listed: list[BaseException]) -> BaseException:
        """Copy the groups whose messages contain the secret, and replace the groups by their copies."""
        if not any(self._secret and self._secret in message_of(each) for each in listed):
            return error
        made: dict[int, BaseException] = {}

        def copy(each: BaseException) -> BaseException:
            if not members(each):
                return each
            if id(each) not in made:
                made[id(each)] = each  # it may be a cause of its own members
                inner = [copy(child) for child in members(each)]
                if (message := self.text(message_of(each))) != message_of(each) or inner != [*members(each)]:
                    made[id(each)] = remade(each, message, inner)
            return made[id(each)]

        for each in [*listed, *map(copy, listed)]:
            kept = each.__suppress_context__
            for name in ("__cause__", "__context__"):
                led = getattr(each, name)
                if led is not None and copy(led) is not led:
                    getattr(BaseException, name).__set__(each, copy(led))
            SUPPRESS.__set__(each, kept)
        return copy(error)

    # ---- values

    def text(self, value: str) -> str:
        return value.replace(self._secret, HIDDEN) if self._secret and self._secret in value else value

    def value(self, value: Any, depth: int = DEEPEST, *, printed: bool = False) -> Any:  # noqa: PLR0911 - one per kind
        """Return a value without the secret: the same object if it does not contain it.

        A value that is `printed` with the exception becomes a text if its `repr` contains the secret.
        """
        self._left -= 1
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, ATOMS):
            return value
        if self._left < 0 or depth == 0:
            return self._opaque(value)
        if isinstance(value, (bytes, bytearray)):
            return value.replace(self._bytes, HIDDEN.encode()) if self._bytes and self._bytes in value else value
        if isinstance(value, BaseException):
            self._found.append(value)
            return value
        if id(value) in self._known:
            return self._known[id(value)][1]
        if isinstance(value, (dict, MappingProxyType)):
            return self._mapping(value, depth, printed=printed)
        if isinstance(value, (list, deque)):
            return self._list(value, depth, printed=printed)
        if isinstance(value, (tuple, set, frozenset, *VIEWS)):
            return self._others(value, depth, printed=printed)
        return self._object(value, depth, printed=printed)

    def _mapping(self, value: Any, depth: int, *, printed: bool) -> Any:
        made: dict[Any, Any] = {}
        self._known[id(value)] = value, made
        changed = False
        for name, inner in [*value.items()]:
            shown, held = self.value(name, depth - 1), self.value(inner, depth - 1, printed=printed)
            changed |= shown is not name or held is not inner
            made[shown] = held
        self._known[id(value)] = value, made if changed else value
        return self._known[id(value)][1]

    def _list(self, value: Any, depth: int, *, printed: bool) -> Any:
        made: list[Any] = []
        self._known[id(value)] = value, made
        before = [*value]
        made += (self.value(inner, depth - 1, printed=printed) for inner in before)
        changed = any(held is not inner for held, inner in zip(made, before, strict=True))
        self._known[id(value)] = value, made if changed else value
        return self._known[id(value)][1]

    def _others(self, value: Any, depth: int, *, printed: bool) -> Any:
        before = [*value]
        made = [self.value(inner, depth - 1, printed=printed) for inner in before]
        if all(held is inner for held, inner in zip(made, before, strict=True)):
            return value
        if hasattr(value, "_make"):
            return value._make(made)
        kinds: tuple[Any, ...] = (tuple, set, frozenset)
        return next((kind for kind in kinds if isinstance(value, kind)), list)(made)

    def _object(self, value: Any, depth: int, *, printed: bool) -> Any:
        kind: Any = Mapping
        library = library_of(value)
        if isinstance(value, library.Request):
            return mask_exchange(value)
        if isinstance(value, library.Response):
            return mask_response(value)
        if isinstance(value, library.Headers):
            return self._headers(value, library)
        if isinstance(value, kind):
            with suppress(Exception):  # a custom class
                return self._mapping(value, depth, printed=printed)
        return self._opaque(value) if printed else value

    def _opaque(self, value: Any) -> Any:
        return self.text(shown) if self._secret and self._secret in (shown := repr(value)) else value

    def _headers(self, value: Any, library: Any) -> Any:
        if "sealed" in vars(value):
            return value
        raw = [(name, self.value(text)) for name, text in value.raw]
        if raw == value.raw and AUTHORIZATION not in {name.lower() for name, _ in raw}:
            return value
        return shown_headers(library.Headers(raw))


def members(error: Any) -> tuple[BaseException, ...]:
    """Return the exceptions of a group."""
    return error.exceptions if isinstance(error, BaseExceptionGroup) else ()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def message_of(error: Any) -> str:
    """Return the message of a group. It is not an attribute that can be set."""
    return str(error.message) if members(error) else ""


def fields(error: BaseException) -> Iterator[Any]:
    """Yield the descriptors for an exception's data outside its `__dict__`: slots, and fields of builtin classes."""
    for kind in type(error).__mro__:
        for name, field in [*vars(kind).items()]:
            known = name == "args" or (name.startswith("__") and name.endswith("__"))
            if isinstance(field, (MemberDescriptorType, GetSetDescriptorType)) and not known:
                yield field


def remade(group: Any, message: str, inner: list[BaseException]) -> BaseException:
    """Copy a group with another message and other exceptions."""
    try:
        made: BaseException = type(group)(message, inner)
    except Exception:  # noqa: BLE001 - a subclass with other arguments
        made = BaseExceptionGroup(message, inner)
    made.__cause__, made.__context__ = group.__cause__, group.__context__
    made.__suppress_context__ = group.__suppress_context__
    made.__dict__.update(group.__dict__)
    return made
