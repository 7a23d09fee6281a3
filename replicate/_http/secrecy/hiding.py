"""Keeping the token out of everything that displays local variables, traverses objects, or pickles them."""

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
    """A secret that only `open()` returns. It is in no attribute, text or pickle."""

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
    """Seal a token from the caller. None, UNSET and sealed values are returned unchanged."""
    return value if value is None or value is UNSET or is_sealed(value) else Sealed(value)


def opened(value: Any) -> Any:
    """Open a sealed value; return anything else unchanged."""
    return value.open() if is_sealed(value) else value


# ---- requests and responses


def state_of(thing: Any) -> dict[str, Any]:
    return thing.__dict__  # type: ignore[no-any-return]  # always a dict


def authorization(headers: Any) -> bytes | None:
    """Return the true value of the Authorization header."""
    if headers is None:
        return None
    found: Sealed[bytes] | None = state_of(headers).get("sealed")
    if found is not None:
        return found.open()
    return next((value for name, value in headers.raw if name.lower() == AUTHORIZATION), None)


def authorization_of(request: Any) -> bytes | None:
    """Return the true Authorization of a request, masked or not. Does not create the headers for display."""
    if request is None:
        return None
    held: Sealed[Any] | None = state_of(request).get("sealed")
    return authorization(request.headers if held is None else held.open())


def request_of(response: Any) -> Any:
    """Return the masked request of a response, if it has one."""
    request = state_of(response).get("_request")
    return None if request is None else mask_exchange(request)


def hide(headers: Any, value: Sealed[bytes] | None = None) -> None:
    """Mask the Authorization header, if there is one. `value` is the true value if it is masked already."""
    state = state_of(headers)
    if value is not None:
        state["sealed"] = value
    elif "sealed" not in state and "authorization" in headers:
        name, secret = next((name, Sealed(value)) for name, value in headers.raw if name.lower() == AUTHORIZATION)
        headers[name.decode()] = mask(secret.open()).decode("latin-1")
        state["sealed"] = secret


def true_headers(headers: Any) -> list[tuple[bytes, bytes]]:
    """Return headers as they must be sent."""
    if headers is None:
        return []
    found: Sealed[bytes] | None = state_of(headers).get("sealed")
    if found is None:
        return cast("list[tuple[bytes, bytes]]", headers.raw)
    return [(name, found.open() if name.lower() == AUTHORIZATION else value) for name, value in headers.raw]


class Headers:
    """Headers of a request that was sent. Every reader sees a masked Authorization."""

    def __reduce__(self) -> tuple[Any, ...]:
        plain: Any = self
        return library_of(self).Headers, (plain.raw,)


class Request:
    """A request that was sent, for inspection: its Authorization is masked. It pickles as one of its library."""

    @property
    def headers(self) -> Any:
        state = state_of(self)
        if (shown := state.get("shown")) is None:
            sealed: Sealed[Any] = state["sealed"]
            shown = state["shown"] = shown_headers(sealed.open())
        return shown

    @headers.setter
    def headers(self, headers: Any) -> None:
        state_of(self)["shown"] = headers

    def __reduce__(self) -> tuple[Any, ...]:
        kind: type[Any] = library_of(self).Request
        without = ("sealed", "shown", "extensions", "stream")  # the library leaves out the last two as well
        state = {name: value for name, value in vars(self).items() if name not in without}
        return object.__new__, (kind,), {**state, "headers": library_of(self).Headers(self.headers.raw)}


@functools.cache
def kind_of(masked: Any, plain: Any) -> Any:
    """Return a subclass of a class in this module that a library accepts as its own."""
    return type(masked.__name__, (masked, plain), {"__module__": plain.__module__})


def mask(value: bytes) -> bytes:
    """Return the header's value for display: only its scheme."""
    scheme, space, _ = value.partition(b" ")
    shown = HIDDEN.encode()
    return scheme + space + shown if space and scheme.lower() in SCHEMES else shown


def shown_headers(headers: Any) -> Any:
    """Return headers with a masked Authorization."""
    raw = headers.raw
    shown = [(name, mask(value) if name.lower() == AUTHORIZATION else value) for name, value in raw]
    made = kind_of(Headers, headers.__class__)(shown)
    if (secret := authorization(headers)) is not None:
        hide(made, Sealed(secret))
    return made


def mask_exchange(request: Any) -> Any:
    """Return a request for inspection. The one that was sent is unchanged, as a hook or a mock may hold it."""
    if isinstance(request, Request):
        return request
    copy: Any = object.__new__(kind_of(Request, request.__class__))
    state = state_of(copy)
    state.update(state_of(request))
    state["sealed"] = Sealed(state.pop("headers"))
    return copy


def mask_response(response: Any) -> Any:
    """Mask the requests of a response, and of the responses in its history, in place."""
    state = state_of(response)
    if (request := state.get("_request")) is not None:
        state["_request"] = mask_exchange(request)
    if (request := state.get("next_request")) is not None:
        state["next_request"] = mask_exchange(request)
    if earlier := state.get("history"):
        state["history"] = [mask_response(each) for each in earlier]
    return response
