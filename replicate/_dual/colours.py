"""The two colours of a call, and what has one: it blocks, or it is awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    import typing_extensions


class Colour:
    """How a call gives its result."""


class Sync(Colour):
    """By blocking until it is there."""


class Async(Colour):
    """By being awaited."""


if TYPE_CHECKING:  # defaults (PEP 696), so that `Prediction` alone is a type too; loading what has them costs time
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
    """What this package knows of a session: its colour, and its transport, which closes what is left half-read."""

    blocking: bool
    transport: Any

    def of_colour(self, colour: type[Other]) -> ColouredSession[Other]:
        """Give this session in another colour, or itself."""
        raise NotImplementedError


class Coloured(Protocol[C]):
    """What has a session, and with it a colour."""

    @property
    def _session(self) -> ColouredSession[C]: ...


def over(owner: Any, session: ColouredSession[Any]) -> Any:
    """Give a copy of a client, a namespace or an object that acts through another session."""
    if complete := getattr(owner.__class__, "_complete", None):
        complete(owner)
    other: Any = object.__new__(owner.__class__)
    other.__dict__.update(owner.__dict__)
    other.__dict__["_session" if "_session" in owner.__dict__ else "_bound"] = session
    return other
