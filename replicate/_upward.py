"""Access from lower layers to names of higher layers, through the package, which imports its names lazily.

`replicate/__init__.py` sets `package` when this module is imported.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

package: Any = None


def default_client() -> Any:
    """Return the default client. The first call creates it."""
    return package.default_client


def made() -> Any:
    """Return the default client if it has been created, or None."""
    return package.__dict__.get("default_client")


def error_of(response: Any) -> Any:
    """Return the error for a response with an error status."""
    return package._error_of(response)  # noqa: SLF001 - defined by the package


def connection_errors() -> dict[str, Any]:
    """Return the connection errors that are also subclasses of an httpx error, by name."""
    return {kind.__name__: kind for kind in package._connection_errors.values()}  # noqa: SLF001 - as above
