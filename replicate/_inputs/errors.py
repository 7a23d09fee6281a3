"""Input errors of files. They are also Python's own errors: that of a missing file is a FileNotFoundError."""

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
    """A file that does not exist."""


class FolderError(FileInputError, IsADirectoryError):
    """A folder instead of a file."""


class ForbiddenFileError(FileInputError, PermissionError):
    """A file that this user is not allowed to read."""


KINDS = (MissingFileError, FolderError, ForbiddenFileError, FileInputError)
"""The first one whose last base matches the error is used."""


@contextmanager
def mistakes(where: str) -> Generator[None, None, None]:
    """Turn errors about an input that cannot be sent into InputError, which names the location."""
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
