"""URLs of files that models make, where they are plain text to most programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._core.dual import C
from replicate._data.outputs import FileMethods

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from replicate._core.session import Session


class FileString(str, FileMethods[C]):  # noqa: SLOT000 - as all that has a session
    """The URL of a file that a model made: a `str` wherever one is wanted, and a file to `read()` and `save()`.

    Compared, hashed, iterated and written as JSON it is the URL. It is no path: what is opened by a `str` is not this
    file, but `io.BytesIO(url.read())` is.
    """

    def __new__(cls, url: str, session: Session[C] | None = None, made_by: Any = None) -> Self:
        """Name a file by its URL; a session, the default client's if there is none here, downloads it."""
        self = super().__new__(cls, url)
        self.__dict__.update(_bound=session, _made_by=made_by)
        return self

    @property
    def url(self) -> str:  # type: ignore[override]  # it is what it is
        """The same as a plain `str`."""
        return str.__str__(self)

    def _like(self, state: Mapping[str, Any]) -> Self:
        other = type(self)(self.url, self._bound)
        other.__dict__.update(state)
        return other
