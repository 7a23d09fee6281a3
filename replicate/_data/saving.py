"""Saving all files of an output at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from replicate._core.options import check_count
from replicate._core.plain import is_array, is_iterable, is_mapping
from replicate._data import fetching
from replicate._data.disk import destination, is_path
from replicate._data.names import distinct, extended
from replicate._data.outputs import FileMethods
from replicate._data.tally import Tally
from replicate.exceptions import SaveError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

    from replicate._core.session import Session
    from replicate._data.fetching import Progress

WHOLE: Any = (str, bytes, bytearray, memoryview, FileMethods)
"""What is iterable, and one thing all the same."""


async def save_all(
    outputs: Any,
    folder: str | os.PathLike[str],
    session: Session[Any],
    *,
    concurrency: int = 8,
    max_bytes: int | None = None,
    progress: Progress = None,
) -> Any:
    """Save every file among outputs into a folder, several at once. Give their paths, in the same places.

    Raises SaveError if some cannot be saved, when all others are.
    """
    check_count("max_bytes", max_bytes)
    check_count("concurrency", concurrency)
    target = check_folder(folder)
    outputs = listed(outputs)
    files = [*files_in(outputs)]
    with Tally(progress, len(files)) as tally:
        jobs = [
            partial(fetching.save_to, file.url, session, target, partial(extended, name), max_bytes, tally.of(index))
            for index, (file, name) in enumerate(zip(files, distinct(file.name for file in files), strict=True))
        ]
        done = await session.transport.together(jobs, concurrency, tally.interrupt)
    paths = replaced(outputs, iter([None if isinstance(each, Exception) else each for each in done]))
    errors = {file.url: each for file, each in zip(files, done, strict=True) if isinstance(each, Exception)}
    if errors:
        raise failed(errors, len(files), paths)
    return paths


def failed(errors: dict[str, Exception], files: int, paths: Any) -> SaveError:
    """Make the error that names what could not be saved."""
    [(url, first), *_] = errors.items()
    others = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
    told = f"{len(errors)} of {files} files could not be saved: {url[:120]} ({first}){others}."
    error = SaveError(told, errors=errors, paths=paths)
    error.__cause__ = first
    return error


def check_folder(folder: Any) -> Path:
    """Give a folder as a path. Raises TypeError, ValueError, NotADirectoryError for what is none."""
    if not is_path(folder):
        raise TypeError(f"folder must be a str or a path, not {type(folder).__name__}")
    target, name = destination(folder)
    if name is not None:
        raise NotADirectoryError(f"folder is {target / name}, which is no folder")
    return target


def listed(outputs: Any) -> Any:
    """Read what can be read only once."""
    if is_mapping(outputs):
        return {key: listed(value) for key, value in outputs.items()}
    if isinstance(outputs, WHOLE):
        return outputs
    if is_iterable(outputs):
        return [listed(each) for each in outputs]
    if hasattr(outputs, "__aiter__"):
        raise TypeError("outputs come one by one: collect them first, as in [each async for each in outputs]")
    return outputs


def files_in(outputs: Any) -> Iterator[FileMethods[Any]]:
    """Find the files, in their order."""
    if isinstance(outputs, FileMethods):
        yield outputs
    elif is_mapping(outputs):
        for value in outputs.values():
            yield from files_in(value)
    elif is_array(outputs):
        for value in outputs:
            yield from files_in(value)


def replaced(outputs: Any, paths: Iterator[Any]) -> Any:
    """Put a path in the place of each file."""
    if isinstance(outputs, FileMethods):
        return next(paths)
    if is_mapping(outputs):
        return {key: replaced(value, paths) for key, value in outputs.items()}
    return [replaced(value, paths) for value in outputs] if is_array(outputs) else outputs
