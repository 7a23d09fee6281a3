"""Safe file names from untrusted URLs: always a single name inside the folder, valid on every system."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import unquote

from replicate._files.data_uri import is_data_uri, media_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONGEST = 150
"""Bytes. Every file system accepts this much, plus a number and an extension."""
LONGEST_PATH = 64 * 1024
"""Characters at the end of a path that are looked at."""
EXTENSION = re.compile(r"(?<=.)\.(?!\d+$)\w{1,10}$")
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin|conout) *(\.|$)", re.IGNORECASE)
"""Device names on Windows, with any extension."""
EXTENSIONS = {
    "application/json": ".json",
    "application/octet-stream": "",
    "application/pdf": ".pdf",
    "application/x-tar": ".tar",
    "application/zip": ".zip",
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "image/avif": ".avif",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/svg+xml": ".svg",
    "image/webp": ".webp",
    "model/gltf-binary": ".glb",
    "text/csv": ".csv",
    "text/plain": ".txt",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
}
"""Extensions of the types that models make. For others, the system's tables decide, which differ between systems."""


def name_of(url: str, kind: str | None) -> str:
    """Return a file name for a URL: its last part. If that has no extension, the media type's is added, if known."""
    if is_data_uri(url):
        return f"output{extension(media_type(url))}"
    return extended(file_name(unquote(path_of(url)[-LONGEST_PATH:])), kind)


def path_of(url: str) -> str:
    """Return the path of a URL; text that is not a URL is returned whole."""
    _, mark, rest = url.partition("://")
    return "".join(re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")[1:]) if mark else url


def extended(name: str, kind: str | None) -> str:
    """Return a name with an extension: its own, or that of the media type, if known."""
    return name if EXTENSION.search(name) else name + extension(kind)


def file_name(path: str) -> str:
    """Return a safe file name for the last part of an untrusted path.

    Characters that look like a separator or a dot count as one. Invisible characters and those that reverse text are
    replaced.
    """
    plain = unicodedata.normalize("NFKC", path[-4096:])
    name = re.sub(r"[^\w.\- ]", "_", re.split(r"[/\\]", plain)[-1])
    name = name.encode("utf-8", "replace")[-LONGEST:].decode(errors="ignore").strip(". ").lstrip("-. ") or "output"
    return f"_{name}" if RESERVED.match(name) else name


def extension(kind: str | None) -> str:
    """Return the usual extension of a media type, or an empty string."""
    kind = (kind or "").partition(";")[0].strip().lower()
    known = EXTENSIONS.get(kind)
    return (mimetypes.guess_extension(kind, strict=False) or "") if known is None else known


def distinct(names: Iterable[str], taken: Iterable[str] = ()) -> Iterator[str]:
    """Yield the names, each made distinct from the others as by `Names`. `taken` are existing names."""
    return map(Names(taken).distinct, names)


class Names:
    """The names of a folder's files. New ones differ from them and from each other, whatever their case.

    The time for a name does not depend on how many have the same stem.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._whole = {name.casefold() for name in taken}
        self._stems = {EXTENSION.sub("", name) for name in self._whole}
        self._waiting = set[str]()
        """Names that get their extension later."""
        self._last: dict[tuple[str, str], int] = {}
        """The last number of each stem and extension. All below it are taken."""
        self._free: dict[str, int] = {}
        """A number of each stem. All below it, but for 1, are in `_waiting`."""

    def distinct(self, name: str) -> str:
        """Return the name, with a number added if another file has it already.

        Names that get their extension later must differ from the others without theirs.
        """
        ending = match[0] if (match := EXTENSION.search(name)) else ""
        stem = name.removesuffix(ending)
        key = stem.casefold(), ending.casefold()
        number = self._last.get(key, 1)
        while self._is_taken(*key, number):
            number = self._after(key[0], number)
        self._last[key] = number
        bare = numbered(key[0], number)
        self._whole.add(bare + key[1])
        self._stems.add(bare)
        if not ending:
            self._waiting.add(bare)
        return numbered(stem, number) + ending

    def _is_taken(self, stem: str, ending: str, number: int) -> bool:
        bare = numbered(stem, number)
        return bare + ending in self._whole or bare in self._waiting or (not ending and bare in self._stems)

    def _after(self, stem: str, number: int) -> int:
        """Return the next number that may be free."""
        free = self._free.get(stem, 2)
        while numbered(stem, free) in self._waiting:
            free += 1
        self._free[stem] = free
        return max(number + 1, free)


def numbered(stem: str, number: int) -> str:
    """Return a stem with a number; the first one has none."""
    return stem if number == 1 else f"{stem}-{number}"
