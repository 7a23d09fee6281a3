"""The files of an output: created in the form that a call wants, and saved as they arrive if requested.

Most outputs have no files, so the modules that handle them are imported with the first file.
"""

from __future__ import annotations

import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any, Generic

from replicate._dual.colours import C
from replicate._errors import brief
from replicate._http.settings import folder
from replicate._jobs.outputs import raw_output
from replicate._models.schema import BY_VALUE
from replicate.exceptions import SaveError

if TYPE_CHECKING:
    from pathlib import Path

    from replicate._files.filenames import Names
    from replicate._http.session import Session
    from replicate._jobs.any_job import AnyJob
    from replicate._models.schema import OutputSchema
    from replicate._outputs.file_output import FileOutput

AT_ONCE = 8
"""Maximum number of files of one output that are saved at the same time."""


class Files(Generic[C]):
    """Creates the files of one output, and saves them in a folder if there is one.

    File names start with the prediction's id, which shows their origin and keeps files from replacing each other. A
    file that cannot be saved does not end the call, which is already paid for: `check` raises at its end.
    """

    def __init__(
        self,
        session: Session[C],
        into: Path | None = None,
        *,
        use_file_output: bool | None = None,
        schema: OutputSchema = BY_VALUE,
    ) -> None:
        self.folder: Path | None = into
        self.schema: OutputSchema = schema
        """Decides which strings are files."""
        self.made: list[FileOutput[C]] = []
        self._session, self._plain = session, use_file_output is False
        self._told = 0
        self._urls = set[str]()
        """The URLs of the files that are saved."""
        self._names: Names | None = None
        """The names in the folder, listed once."""
        self._errors: dict[str, Exception] = {}

    def __call__(self, url: str) -> Any:
        """Return what the caller gets for the URL of a file."""
        from replicate._outputs.file_output import FileOutput

        output = FileOutput(url, self._session)
        self.made.append(output)
        return url if self._plain else output

    def item(self, item: Any) -> Any:
        """Return an output item with its files."""
        return self.schema.file(item, self)

    async def of(self, prediction: AnyJob) -> Any:
        """Return the whole output with its files, saved. Raises SaveError."""
        output = self.schema.files(raw_output(prediction), self)
        await self.save(prediction)
        self.check(prediction, output)
        return output

    async def save(self, prediction: AnyJob) -> None:
        """Link the files created since the last call to their prediction, and save them, each file once."""
        new, self._told = self.made[self._told :], len(self.made)
        for output in new:
            vars(output)["_made_by"] = prediction
        if self.folder is not None and new:
            names = {output.url: output.name for output in new if output.url not in self._urls}
            self._urls.update(names)
            await self._save(self.folder, names, str(prediction.id))

    async def _save(self, into: Path, named: dict[str, str], owner: str) -> None:
        """Save files in a folder. `named` maps their URLs to their names."""
        from replicate._files import fetch
        from replicate._files.atomic_write import names_in
        from replicate._files.filenames import Names, extended, file_name
        from replicate._files.progress import Tally

        tally, session, urls = Tally(), self._session, [*named]
        if self._names is None:
            self._names = Names(await session.transport.offload(partial(names_in, into)))
        names = [self._names.distinct(f"{file_name(owner)[:40]}-{name}") for name in named.values()]
        work = [
            partial(fetch.save_to, url, session, into, partial(extended, name), None, tally.of(url))
            for url, name in zip(urls, names, strict=True)
        ]
        for url, done in zip(urls, await session.transport.together(work, AT_ONCE, tally.interrupt), strict=True):
            if isinstance(done, Exception):  # any failure: the output is paid for
                self._errors[url] = done

    def check(self, prediction: AnyJob, output: Any) -> None:
        """Raise SaveError, which carries the output, if some files were not saved."""
        if not self._errors:
            return
        number, first = len(self._errors), next(iter(self._errors.values()))
        raise SaveError(
            f"{number} of the files of prediction {prediction.id} could not be saved: {brief(first).rstrip('.')}.",
            errors=self._errors,
            output=output,
            prediction=prediction,
            hint="The output is in this error's `output`: save it elsewhere, within the hour that the API keeps it.",
        ) from first


def save_folder(session: Session[Any], save_to: Any) -> Path | None:
    """Return the folder to save files in: the call's, or else its client's. Raises TypeError, ValueError."""
    return folder(save_to, "save_to") or session.config.output_dir


def make_folder(into: Path | None) -> None:
    """Create a folder, and check that files can be written there. Raises OSError."""
    if into is None:
        return

    try:
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=into):
            pass
    except OSError as error:
        why = "a file is in its place" if into.is_file() else error.strerror
        raise type(error)(
            error.errno, f"save_to, or output_dir, is no folder that can be written ({why})", str(into)
        ) from error
