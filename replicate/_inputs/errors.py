"""Input errors of files. They are also Python's own errors: that of a missing file is a FileNotFoundError."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate.exceptions import InputError, ReplicateException

if TYPE_CHECKING:
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


class mistakes:  # noqa: N801 - used like a function
    """Turn errors about an input that cannot be sent into InputError, which names the location."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ReplicateException):
            return
        if isinstance(error, OSError):
            kind = next(kind for kind in KINDS if isinstance(error, kind.__bases__[-1]))
            unread = f"{self._where} cannot be read: {error.strerror}: {error.filename!r}"
            raise kind(str(error) if error.errno is None else unread) from error.__cause__
        if isinstance(error, (TypeError, ValueError)):
            raise InputError(str(error)) from error.__cause__
