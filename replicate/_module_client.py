"""The default client, behind the functions of the package. It follows the package's settings."""

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
"""The package's settings and their defaults."""


def known(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that are set, with the token sealed."""
    return {
        name: sealed(settings[name]) if name == "bearer_token" else settings[name]
        for name in DEFAULTS
        if name in settings
    }


def make(settings: Mapping[str, Any]) -> Client:
    """Make a client from the result of `known`. Raises ValueError for an invalid setting."""
    return Client(**settings)


def change(client: Coloured[C], name: str, settings: Mapping[str, Any]) -> None:
    """Apply a setting to a client and to all objects that share its session. Clears the memory of models."""
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
    """Return the default client's attribute of a name. A method becomes a function of the package, pickled by its name.

    The function calls the method of the default client at the time of the call.
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
    if hasattr(method, "__signature__"):  # it has `self`; any other is found through `__wrapped__`
        vars(made)["__signature__"] = inspect.signature(method)
    return made
