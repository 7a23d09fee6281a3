"""Input errors of files, which are Python's own for them as well: of one that is not there, a FileNotFoundError."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from replicate.exceptions import InputError, ReplicateException

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Self


class FileInputError(InputError, OSError):
    """A file that cannot be read."""

    def __new__(cls, *args: Any, **_fields: Any) -> Self:
        return OSError.__new__(cls, *args)


class MissingFileError(FileInputError, FileNotFoundError):
    """A file that is not there."""


class FolderError(FileInputError, IsADirectoryError):
    """A folder in the place of a file."""


class ForbiddenFileError(FileInputError, PermissionError):
    """A file that this user may not read."""


KINDS = (MissingFileError, FolderError, ForbiddenFileError, FileInputError)
"""The first whose last base an error is of counts."""


@contextmanager
def mistakes(where: str) -> Generator[None, None, None]:
    """Make an InputError, which names the place, of whatever says that an input cannot be sent."""
    try:
        yield
    except ReplicateException:
        raise
    except OSError as error:
        kind = next(kind for kind in KINDS if isinstance(error, kind.__bases__[-1]))
        said = str(error) if error.errno is None else f"{where} cannot be read: {error.strerror}: {error.filename!r}"
        raise kind(said) from error.__cause__
    except (TypeError, ValueError) as error:
        raise InputError(str(error)) from error.__cause__
