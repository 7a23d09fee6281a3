"""Downloads the files in a prediction's input to the disk, where the model can open them."""

from __future__ import annotations

import mimetypes
import shutil
from base64 import b64decode
from itertools import count
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import httpx

if TYPE_CHECKING:
    from typing import Self

    from replicate.local.files import Files


class Downloads:
    """The files of one prediction, in a folder that is created for the first and removed at the end of the block."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._folder: TemporaryDirectory[str] | None = None
        self._number = count()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._folder:
            self._folder.cleanup()

    def fetch(self, url: str) -> Path:
        """Return a local copy of the file at a `data:` URL, a URL of this server, or any other URL."""
        if url.startswith("data:"):
            return self._decode(url)
        if own := self._files.behind(url):
            path, name = own
            return Path(shutil.copyfile(path, self._place(name)))
        return self._download(url)

    def _decode(self, url: str) -> Path:
        head, comma, content = url.partition(",")
        if not comma:
            raise ValueError(f"a data URL has a comma before its content: {url[:40]!r}")
        media_type, *parameters = head.removeprefix("data:").split(";")
        encoded = unquote_to_bytes(content)
        path = self._place(f"file{mimetypes.guess_extension(media_type or 'text/plain') or ''}")
        path.write_bytes(b64decode(encoded) if "base64" in parameters else encoded)
        return path

    def _download(self, url: str) -> Path:
        path = self._place(unquote(PurePosixPath(urlsplit(url).path).name))
        try:
            with httpx.stream("GET", url, follow_redirects=True, timeout=60) as answer, path.open("wb") as file:
                answer.raise_for_status()
                for chunk in answer.iter_bytes():
                    file.write(chunk)
        except httpx.HTTPError as error:
            raise ValueError(f"the file {url} could not be downloaded: {error}") from error
        return path

    def _place(self, name: str) -> Path:
        self._folder = self._folder or TemporaryDirectory(prefix="replicate-local-")
        folder = Path(self._folder.name, str(next(self._number)))
        folder.mkdir()
        return folder / (Path(name).name or "file")
