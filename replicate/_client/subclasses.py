"""Properties that a subclass of a client overrides, as in version 2. They are evaluated for each request."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from attrs import evolve

from replicate._http.config import Overridden, configured_values
from replicate._http.options import merged
from replicate._objects.resource import session_of
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Mapping


def follow_class(client: Any) -> None:
    """Make the requests of a client use the properties that its class overrides, if any."""
    own = {name: is_own(client, name) for name in ("auth_headers", "default_headers", "default_query")}
    if all(own.values()):
        return
    session = session_of(client)
    changes: dict[str, Any] = {}
    if not (own["auth_headers"] and own["default_headers"]):
        ask = headers_of if not own["auth_headers"] else headers_said_by
        changes["headers"] = Overridden(client, configured_values(session.config.headers), ask)
    if not own["default_query"]:
        changes["query"] = Overridden(client, configured_values(session.config.query), query_said_by)
    vars(session)["config"] = evolve(session.config, **changes)


def is_own(client: Any, name: str) -> bool:
    """Return whether a client's property is the one of this package."""
    found: Any = inspect.getattr_static(client.__class__, name, None)
    return str(getattr(getattr(found, "fget", None), "__module__", None)).startswith("replicate.")


def headers_of(client: Any) -> Mapping[str, Any]:
    """Return a client's authentication headers, which replace the token, and its other headers."""
    return merged({"Authorization": UNSET, **client.auth_headers}, client.default_headers)


def headers_said_by(client: Any) -> Mapping[str, Any]:
    """Return the headers of a client."""
    return {**client.default_headers}


def query_said_by(client: Any) -> Mapping[str, Any]:
    """Return the query parameters of a client."""
    return {**client.default_query}
