"""Keeps the API token out of whatever shows local variables, walks through objects, or pickles them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from replicate._http.libraries import library_of
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self, TypeGuard

S = TypeVar("S")

AUTHORIZATION = b"authorization"
HIDDEN = "[hidden]"
BEARER = f"Bearer {HIDDEN}"
SCHEMES = (b"basic", b"bearer", b"digest", b"token")


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


def authorization_of(request: Any) -> bytes | None:
    """Give the true value of the header of a request, masked or not. The headers to look at need not be made for it."""
    if request is None:
        return None
    held: Sealed[Any] | None = state_of(request).get("sealed")
    return authorization(request.headers if held is None else held.open())


def request_of(response: Any) -> Any:
    """Give the masked request of an answer, if it was made of one."""
    request = state_of(response).get("_request")
    return None if request is None else masked(request)


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
