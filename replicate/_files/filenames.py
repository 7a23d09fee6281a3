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
    """Yield the names, with a number added to each one that another file has already, ignoring case.

    Names that get their extension later must differ from the others without theirs. `taken` are existing names.
    """
    whole = {name.casefold() for name in taken}
    stems, waiting = {EXTENSION.sub("", name) for name in whole}, set[str]()
    for name in names:
        ending = match[0] if (match := EXTENSION.search(name)) else ""
        stem, number, candidate = name.removesuffix(ending), 1, name.casefold()
        while (
            candidate in whole
            or (bare := candidate.removesuffix(ending.casefold())) in waiting
            or (not ending and bare in stems)
        ):
            number += 1
            candidate = f"{stem}-{number}{ending}".casefold()
        whole.add(candidate)
        stems.add(bare)
        if not ending:
            waiting.add(bare)
        yield name if number == 1 else f"{stem}-{number}{ending}"
