"""Keeps the API token out of whatever shows local variables, walks through objects, or pickles them."""

from __future__ import annotations

import functools
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import httpx

from replicate._core.libraries import library_of
from replicate._errors import ReplicateException
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self, TypeGuard

S = TypeVar("S")

AUTHORIZATION = b"authorization"
HIDDEN = "[hidden]"
BEARER = f"Bearer {HIDDEN}"
SCHEMES = (b"basic", b"bearer", b"digest", b"token")
SHORTEST = 8
"""Characters of a token; a shorter one may be a common word."""
SHOWN_FRAMES = 3
EXPECTED = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ReplicateException)
"""Errors whose class and text say enough: nobody asks which line of httpx raised them."""


class Sealed(Generic[S]):
    """A secret that `open()` gives. It is in no attribute, text or pickle."""

    __slots__ = ("open",)

    def __init__(self, secret: S) -> None:
        self.open: Callable[[], S] = lambda: secret

    def __repr__(self) -> str:
        return HIDDEN

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> str:
        raise TypeError("a secret cannot be pickled")


def is_sealed(value: object) -> TypeGuard[Sealed[Any]]:
    return isinstance(value, Sealed)


def sealed(value: Any) -> Any:
    """Seal what a caller gives as a token. None, UNSET and what is sealed stay what they are."""
    return value if value is None or value is UNSET or is_sealed(value) else Sealed(value)


def opened(value: Any) -> Any:
    """Give what was sealed, or anything else as it is."""
    return value.open() if is_sealed(value) else value


# ---- exceptions


def cut(error: BaseException, outer: BaseException | None, secret: bytes | None = None, *, told: bool = True) -> None:
    """Take the tracebacks from an exception and those that led to it, with the local variables of their frames.

    `outer` is what was being handled before, `sys.exception()`: it is the caller's. What the exceptions hold of
    requests is masked, and the secret is struck out of their texts. If `told`, a note tells where an unexpected one was
    raised.
    """
    found: list[BaseException | None] = [error]
    seen = set[int]() if outer is None else {id(outer)} - {id(error)}
    while found:
        each = found.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        found += [each.__cause__, each.__context__]
        found += exceptions_in(each)
        if told and each.__traceback__ is not None and isinstance(each, Exception) and not isinstance(each, EXPECTED):
            with suppress(Exception):  # an exception can be frozen
                each.add_note(f"Raised at {place(each.__traceback__)}. The frames are left out: they hold the token.")
        each.with_traceback(None)
        clean(each, secret)


def exceptions_in(error: Any) -> Sequence[BaseException]:
    """Give the exceptions of a group."""
    return error.exceptions if isinstance(error, BaseExceptionGroup) else ()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def place(trace: TracebackType) -> str:
    """Tell where an exception was raised: the last frames, the innermost last."""
    frames = [*traceback.walk_tb(trace)][-SHOWN_FRAMES:]
    return " > ".join(f"{frame.f_code.co_filename}:{line} ({frame.f_code.co_name})" for frame, line in frames)


def clean(error: BaseException, secret: bytes | None) -> None:
    """Mask the requests that an exception holds, and strike the secret out of its texts."""
    text = None if secret is None else secret.rpartition(b" ")[2].decode("latin-1")
    struck = text if text and len(text) >= SHORTEST else None
    state = vars(error)
    for name, value in [*state.items()]:
        state[name] = without(value, struck)
    if (changed := tuple(without(value, struck) for value in error.args)) != error.args:
        with suppress(Exception):
            error.args = changed


def without(value: Any, secret: str | None) -> Any:
    """Give a value that an exception holds without the secret."""
    if isinstance(value, str):
        return value.replace(secret, HIDDEN) if secret and secret in value else value
    if isinstance(value, bytes):
        known = secret.encode("latin-1") if secret else b""
        return value.replace(known, HIDDEN.encode()) if known and known in value else value
    library = library_of(value)
    if isinstance(value, library.Request):
        return masked(value)
    return covered(value) if isinstance(value, library.Response) else value


def unseen(work: Callable[..., S], *arguments: Any, told: bool = False) -> S:
    """Call something that handles a secret. What it raises leaves without its frames."""
    outer = sys.exception()
    try:
        return work(*arguments)
    except BaseException as error:
        cut(error, outer, told=told)
        raise


# ---- requests and answers


def state_of(thing: Any) -> dict[str, Any]:
    return thing.__dict__  # type: ignore[no-any-return]  # it is one


def authorization(headers: Any) -> bytes | None:
    """Give the true value of the header."""
    if headers is None:
        return None
    found: Sealed[bytes] | None = state_of(headers).get("sealed")
    if found is not None:
        return found.open()
    return next((value for name, value in headers.raw if name.lower() == AUTHORIZATION), None)


def hide(headers: Any, value: Sealed[bytes] | None = None) -> None:
    """Mask the header, if there is one. `value` is what is to be sent in the place of a mask that is there already."""
    state = state_of(headers)
    if value is not None:
        state["sealed"] = value
    elif "sealed" not in state and "authorization" in headers:
        name, secret = next((name, Sealed(value)) for name, value in headers.raw if name.lower() == AUTHORIZATION)
        headers[name.decode()] = mask(secret.open()).decode("latin-1")
        state["sealed"] = secret


def true_headers(headers: Any) -> list[tuple[bytes, bytes]]:
    """Give headers as they are to be sent."""
    if headers is None:
        return []
    found: Sealed[bytes] | None = state_of(headers).get("sealed")
    if found is None:
        return cast("list[tuple[bytes, bytes]]", headers.raw)
    return [(name, found.open() if name.lower() == AUTHORIZATION else value) for name, value in headers.raw]


class Headers:
    """Headers of a request that was sent, whose Authorization is masked for every reader."""

    def __reduce__(self) -> tuple[Any, ...]:
        plain: Any = self
        return library_of(self).Headers, (plain.raw,)


class Request:
    """A request that was sent, to look at: its Authorization is masked. It pickles as one of its library."""

    @property
    def headers(self) -> Any:
        state = state_of(self)
        if (shown := state.get("shown")) is None:
            sealed: Sealed[Any] = state["sealed"]
            shown = state["shown"] = shown_of(sealed.open())
        return shown

    @headers.setter
    def headers(self, headers: Any) -> None:
        state_of(self)["shown"] = headers

    def __reduce__(self) -> tuple[Any, ...]:
        kind: type[Any] = library_of(self).Request
        without = ("sealed", "shown", "extensions", "stream")  # the last two, as its library has it
        state = {name: value for name, value in vars(self).items() if name not in without}
        return object.__new__, (kind,), {**state, "headers": library_of(self).Headers(self.headers.raw)}


@functools.cache
def kind_of(masked: Any, plain: Any) -> Any:
    """Give a class of this module as one that a library takes for its own."""
    return type(masked.__name__, (masked, plain), {"__module__": plain.__module__})


def mask(value: bytes) -> bytes:
    """Give what is shown of the header: its scheme."""
    scheme, space, _ = value.partition(b" ")
    shown = HIDDEN.encode()
    return scheme + space + shown if space and scheme.lower() in SCHEMES else shown


def shown_of(headers: Any) -> Any:
    """Give headers with the Authorization masked."""
    raw = headers.raw
    shown = [(name, mask(value) if name.lower() == AUTHORIZATION else value) for name, value in raw]
    made = kind_of(Headers, headers.__class__)(shown)
    if (secret := authorization(headers)) is not None:
        hide(made, Sealed(secret))
    return made


def masked(request: Any) -> Any:
    """Give a request to look at. The one that was sent stays as it is, for whoever has it from a hook or a mock."""
    if isinstance(request, Request):
        return request
    copy: Any = object.__new__(kind_of(Request, request.__class__))
    state = state_of(copy)
    state.update(state_of(request))
    state["sealed"] = Sealed(state.pop("headers"))
    return copy


def covered(response: Any) -> Any:
    """Mask the requests of an answer, and those of the answers before it, in place."""
    state = state_of(response)
    if (request := state.get("_request")) is not None:
        state["_request"] = masked(request)
    if (request := state.get("next_request")) is not None:
        state["next_request"] = masked(request)
    if earlier := state.get("history"):
        state["history"] = [covered(each) for each in earlier]
    return response
