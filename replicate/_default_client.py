"""Where objects without a client find the default one. `replicate/__init__.py` sets `package` when this is imported."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

package: Any = None
"""The package. Its attribute `default_client` is created on first use."""


def default_client() -> Any:
    """Return the default client. The first call creates it."""
    return package.default_client


def made() -> Any:
    """Return the default client if it has been created, else None."""
    return package.__dict__.get("default_client")
