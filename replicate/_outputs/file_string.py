"""URLs of output files as strings, which most programs can use as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._dual.colours import C
from replicate._outputs.file_output import FileOutput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from replicate._http.session import Session


class FileString(str, FileOutput[C]):  # type: ignore[misc]  # noqa: SLOT000 - `str` wins; the session needs a __dict__
    """The URL of a file that a model made. It is a `str`, and also a FileOutput with `read()` and `save()`.

    Where both can do something, it does what a `str` does: it compares, hashes and iterates as the URL, and is the URL
    in JSON and as a path. So `open(url)` does not open the file; `io.BytesIO(url.read())` does.
    """

    def __new__(cls, url: str, session: Session[C] | None = None, made_by: Any = None) -> Self:
        """Make it from its URL. The session downloads the file; without one, the default client does."""
        self = super().__new__(cls, url)
        vars(self).update(_bound=session, _made_by=made_by)
        return self

    def __init__(self, *_args: Any, **_options: Any) -> None:
        """Do nothing, as `__new__` has set everything."""

    @property
    def url(self) -> str:  # type: ignore[override]  # a property here
        """The URL as a plain `str`."""
        return str.__str__(self)

    def __fspath__(self) -> str:
        """Return the URL, as it is a `str` and not a local file."""
        return self.url

    @property
    def keys(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Raise AttributeError, as a `str` has no `keys`; otherwise `dict(url)` would use it."""
        raise AttributeError(f"{type(self).__name__!r} object has no attribute 'keys'", name="keys", obj=self)

    __aiter__ = None  # type: ignore[assignment]  # not iterable by chunks: `for` yields characters, as with any `str`

    def _like(self, state: Mapping[str, Any]) -> Self:
        other = type(self)(self.url, self._bound)
        vars(other).update(state)
        return other
