"""URLs of files that models make, where they are plain text to most programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._dual.colours import C
from replicate._outputs.file_output import FileOutput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from replicate._http.session import Session


class FileString(str, FileOutput[C]):  # type: ignore[misc]  # noqa: SLOT000 - `str` wins; as all that has a session
    """The URL of a file that a model made: a `str` wherever one is wanted, and a FileOutput to `read()` and `save()`.

    Where both can do something, it is done as a `str` does: compared, hashed, iterated, written as JSON and as a path
    it is the URL. What is opened by a path is not this file, but `io.BytesIO(url.read())` is.
    """

    def __new__(cls, url: str, session: Session[C] | None = None, made_by: Any = None) -> Self:
        """Name a file by its URL; a session, the default client's if there is none here, downloads it."""
        self = super().__new__(cls, url)
        vars(self).update(_bound=session, _made_by=made_by)
        return self

    def __init__(self, *_args: Any, **_options: Any) -> None:
        """Leave it as `__new__` has made it."""

    @property
    def url(self) -> str:  # type: ignore[override]  # it is what it is
        """The same as a plain `str`."""
        return str.__str__(self)

    def __fspath__(self) -> str:
        """Give the URL: a `str` is no file here."""
        return self.url

    @property
    def keys(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Deny it: a `str` has none."""
        raise AttributeError(f"{type(self).__name__!r} object has no attribute 'keys'", name="keys", obj=self)

    __aiter__ = None  # type: ignore[assignment]  # `for` gives characters, as of any `str`

    def _like(self, state: Mapping[str, Any]) -> Self:
        other = type(self)(self.url, self._bound)
        vars(other).update(state)
        return other
