"""The end of connections: when they are closed, or in the child of a fork, which must make its own."""

from __future__ import annotations

import os
import sys
import weakref
from typing import Any, Protocol

from replicate._http.libraries import is_client
from replicate.exceptions import ReplicateError


class Closable(Protocol):
    """A client, or connections, that can be closed."""

    @property
    def is_closed(self) -> bool: ...


class ClosedError(ReplicateError, RuntimeError):
    """A closed client or transport was used. httpx raises RuntimeError for that."""


def check_open(*used: Closable) -> None:
    """Raise ClosedError if any of the objects is closed."""
    for each in used:
        if each.is_closed:
            hint = "Make another one, or save files before leaving its `with` block."
            raise ClosedError("The client has been closed.", hint=hint)


def check_colour(client: object, *, blocking: bool) -> None:
    """Raise TypeError for an object that is not a client of httpx or httpx2, or has the other colour."""
    if client is None or is_client(client, blocking=blocking):
        return
    ours, theirs = ("Replicate", "Client") if blocking else ("AsyncReplicate", "AsyncClient")
    kind = type(client)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    wanted = f"an httpx.{theirs} (or httpx2.{theirs}) as http_client"
    raise TypeError(f"Invalid `http_client` argument: {ours} takes {wanted}, not {name}")


def check_not_given(given: bool, other: str) -> None:  # noqa: FBT001 - it is the condition
    """Raise ReplicateError for a twin that would bypass the proxies and settings of the caller's client."""
    if given:
        raise ReplicateError(
            "A client with an http_client of its own cannot be used in the other colour, blocking or async.",
            hint=f"Make {other}(http_client=...) for that.",
        )


class Inheritor(Protocol):
    """An object that must be reset in the child of a fork."""

    def forget(self) -> None: ...


inheritors: weakref.WeakSet[Inheritor] = weakref.WeakSet()
"""All of them that are in use."""
inherited: list[Any] = []
"""Clients of a parent process. Two processes that use one connection get each other's responses."""


def forget_inherited() -> None:
    """Reset everything in the child of a fork: transports make their own connections, and locks are free."""
    for each in list(inheritors):
        each.forget()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=forget_inherited)
