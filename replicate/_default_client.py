"""How what has no client finds the default one: `replicate/__init__.py` sets `package` when this is imported."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

package: Any = None
"""The package, whose attribute `default_client` is made when it is first used."""


def default_client() -> Any:
    """Give the default client; the first call makes it."""
    return package.default_client


def made() -> Any:
    """Give the default client if it has been made, or None."""
    return package.__dict__.get("default_client")
