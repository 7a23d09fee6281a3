"""The client behind the functions of the package: made of the package's settings, and changed with them."""

from __future__ import annotations

import functools
import inspect
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from attrs import evolve

from replicate._http.secrecy.hiding import opened as opened  # noqa: PLC0414 - for the package
from replicate._http.secrecy.hiding import sealed as sealed  # noqa: PLC0414
from replicate._http.settings import SETTINGS
from replicate._objects.resource import session_of
from replicate._upward import default_client
from replicate.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from replicate._dual.colours import C, Coloured

DEFAULTS: Mapping[str, Any] = {
    "bearer_token": None,
    "http_client": None,
    **{name: setting.default for name, setting in SETTINGS.items() if name != "poll_interval"},
}
"""The settings of the package, and what they are as long as nobody has set them."""


def known(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give those settings that are set, with the token sealed."""
    return {
        name: sealed(settings[name]) if name == "bearer_token" else settings[name]
        for name in DEFAULTS
        if name in settings
    }


def make(settings: Mapping[str, Any]) -> Client:
    """Make a client of settings that are `known`. Raises ValueError for one that cannot be."""
    return Client(**settings)


def change(client: Coloured[C], name: str, settings: Mapping[str, Any]) -> None:
    """Let a client, and everything that came by it, follow a setting. What flows remember of models is forgotten."""
    session, other = session_of(client), session_of(make(settings))
    if name == "http_client":
        session.transport = other.transport
    elif name == "bearer_token":
        session.config = evolve(session.config, credentials=other.config.credentials)
    else:
        field = SETTINGS[name].field
        value: Any = other.config.given_url if name == "base_url" else getattr(other.config, field)
        session.config = evolve(session.config, **{field: value})
    session.memory, session.paces = other.memory, other.paces


def function(name: str) -> Any:
    """Give what the default client has by a name: a method as a function of the package, which pickles by its name.

    It calls the method of whatever is the default client then.
    """
    method = getattr(default_client(), name)
    if not isinstance(method, (MethodType, FunctionType)):
        return method

    def calling(*args: Any, **kwargs: Any) -> Any:
        return getattr(default_client(), name)(*args, **kwargs)

    async def awaiting(*args: Any, **kwargs: Any) -> Any:
        return await getattr(default_client(), name)(*args, **kwargs)

    made: Callable[..., Any] = awaiting if inspect.iscoroutinefunction(method) else calling
    functools.update_wrapper(made, method)
    made.__module__, made.__name__, made.__qualname__ = "replicate", name, name
    if hasattr(method, "__signature__"):  # which has `self`; any other is found by `__wrapped__`
        vars(made)["__signature__"] = inspect.signature(method)
    return made
