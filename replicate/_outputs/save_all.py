"""Saving of all files of an output, several at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from replicate._errors import brief
from replicate._files import fetch
from replicate._files.atomic_write import is_path, names_in
from replicate._files.download import address
from replicate._files.filenames import distinct, extended
from replicate._files.progress import Tally
from replicate._http.options import check_count
from replicate._json import is_array, is_iterable, is_mapping
from replicate._outputs.file_output import FileMethods
from replicate._wording import harmless
from replicate.exceptions import ReplicateException, SaveError

if TYPE_CHECKING:
    from replicate._files.fetch import Progress
    from replicate._http.session import Session

WHOLE: Any = (str, bytes, bytearray, memoryview, FileMethods)
"""Iterable types that count as a single value."""


async def save_all(
    outputs: Any,
    folder: str | os.PathLike[str],
    session: Session[Any],
    *,
    concurrency: int = 8,
    max_bytes: int | None = None,
    progress: Progress = None,
) -> Any:
    """Save every file of the outputs into a folder, several at once, and return paths in place of the files.

    Creates the folder if needed. Raises SaveError if some files cannot be saved, after saving all others. If an
    iterator raises, the items it yielded before are saved first; then its error is raised, and has `paths` too.
    """
    check_count("max_bytes", max_bytes)
    check_count("concurrency", concurrency)
    target = made_folder(folder)
    check_outputs(outputs)
    outputs, broken = collected(outputs)
    files = [*files_in(outputs)]
    if not files and any(is_url(text) for text in texts_in(outputs)):
        raise ValueError("outputs are URLs, and no files: make files of them by FileOutput(url)")
    names = distinct((file.name for file in files), await session.transport.offload(partial(names_in, target)))
    with Tally(progress, len(files)) as tally:
        jobs = [
            partial(fetch.save_to, file.url, session, target, partial(extended, name), max_bytes, tally.of(index))
            for index, (file, name) in enumerate(zip(files, names, strict=True))
        ]
        done = await session.transport.together(jobs, concurrency, tally.interrupt)
    paths = replaced(outputs, iter([None if isinstance(each, Exception) else each for each in done]))
    errors = {file.url: each for file, each in zip(files, done, strict=True) if isinstance(each, Exception)}
    if broken is not None:
        vars(broken).update(paths=paths, errors=errors)
        raise broken
    if errors:
        raise failed(errors, sum(isinstance(each, Exception) for each in done), len(files), paths)
    return paths


def failed(errors: dict[str, Exception], failures: int, files: int, paths: Any) -> SaveError:
    """Make the error that names the files that could not be saved."""
    [(url, first), *_] = errors.items()
    others = f", and {failures - 1} more" if failures > 1 else ""
    message = f"{failures} of {files} files could not be saved: {address(url)} ({brief(first).rstrip('.')}){others}."
    error = SaveError(message, errors=errors, paths=paths)
    error.__cause__ = first
    return error


def made_folder(folder: Any) -> Path:
    """Return a folder as a path, and create it if needed. Raises TypeError, ValueError, OSError."""
    if not is_path(folder):
        raise TypeError(f"folder must be a str or a path, not {type(folder).__name__}")
    text = os.fspath(folder)
    if not text or "\0" in text:
        raise ValueError("folder must be the path of a folder, not empty or with a null character")
    target = Path(text).absolute()  # the working directory may change later
    try:
        target.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(harmless(f"folder is {text}, which is no folder")) from error
    return target


def check_outputs(outputs: Any) -> None:
    """Raise TypeError for an object that has an output instead of being one, such as a prediction."""
    if not isinstance(outputs, FileMethods) and hasattr(outputs, "output"):
        raise TypeError(f"outputs must be an output, not a {type(outputs).__name__}: pass what its output is")


def is_url(text: str) -> bool:
    return text.startswith(("https://", "http://", "data:"))


def texts_in(outputs: Any) -> Iterator[str]:
    """Yield the texts in order."""
    if isinstance(outputs, str):
        yield outputs
    elif is_mapping(outputs) or is_array(outputs):
        for value in outputs.values() if is_mapping(outputs) else outputs:
            yield from texts_in(value)


def collected(outputs: Any) -> tuple[Any, ReplicateException | None]:
    """Read an iterator, and return its items and the error that ended it, if any: the items have been paid for."""
    if not isinstance(outputs, Iterator):
        return listed(outputs), None
    items: list[Any] = []
    given = cast("Iterator[Any]", outputs)  # type: ignore[redundant-cast]  # pyright needs it
    try:
        items.extend(listed(each) for each in given)
    except ReplicateException as error:
        return items, error
    return items, None


def listed(outputs: Any) -> Any:
    """Turn iterables, which may be readable only once, into lists, at all levels."""
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
    """Yield the files in order."""
    if isinstance(outputs, FileMethods):
        yield outputs
    elif is_mapping(outputs):
        for value in outputs.values():
            yield from files_in(value)
    elif is_array(outputs):
        for value in outputs:
            yield from files_in(value)


def replaced(outputs: Any, paths: Iterator[Any]) -> Any:
    """Return the outputs with a path in place of each file."""
    if isinstance(outputs, FileMethods):
        return next(paths)
    if is_mapping(outputs):
        return {key: replaced(value, paths) for key, value in outputs.items()}
    return [replaced(value, paths) for value in outputs] if is_array(outputs) else outputs
