"""The two colours of a call: it blocks, or it is awaited. An object with a session has the session's colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    import typing_extensions


class Colour:
    """How a call returns its result."""


class Sync(Colour):
    """It blocks until the result is there."""


class Async(Colour):
    """It is awaited."""


if TYPE_CHECKING:  # with defaults (PEP 696), so that `Prediction` alone is a type; they cost an import
    P = typing_extensions.ParamSpec("P", default=...)
    T = typing_extensions.TypeVar("T", default=Any)
    C = typing_extensions.TypeVar("C", bound=Colour, default=Any)
else:
    P = ParamSpec("P")
    T = TypeVar("T")
    C = TypeVar("C", bound=Colour)
Other = TypeVar("Other", bound=Colour)
Owner = TypeVar("Owner")
F = TypeVar("F", bound="Callable[..., Any]")


class ColouredSession(Generic[C]):
    """What this folder needs of a session: its colour, and its transport, which closes unfinished iterators."""

    blocking: bool
    transport: Any

    def of_colour(self, colour: type[Other]) -> ColouredSession[Other]:
        """Return this session in another colour, or itself."""
        raise NotImplementedError


class Coloured(Protocol[C]):
    """An object that has a session, and so a colour."""

    @property
    def _session(self) -> ColouredSession[C]: ...


def acting_through(owner: Any, session: ColouredSession[Any]) -> Any:
    """Return a copy of a client, namespace or object that uses another session."""
    if complete := getattr(owner.__class__, "_complete", None):
        complete(owner)
    other: Any = object.__new__(owner.__class__)
    other.__dict__.update(owner.__dict__)
    other.__dict__["_session" if "_session" in owner.__dict__ else "_bound"] = session
    return other
