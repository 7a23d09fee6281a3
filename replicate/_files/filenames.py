"""Names of files that somebody else chose, made harmless: one file's, in the folder, on every system."""

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
"""Bytes, which every file system takes, with a number and an extension more."""
LONGEST_PATH = 64 * 1024
"""Characters of a path that are looked at: its end."""
EXTENSION = re.compile(r"(?<=.)\.(?!\d+$)\w{1,10}$")
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin|conout) *(\.|$)", re.IGNORECASE)
"""What is a device on Windows, whatever its extension."""
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
"""Of what models make; for other types the system's tables are asked, which differ from one to the next."""


def name_of(url: str, kind: str | None) -> str:
    """Give a file name for a URL: its last part, with the extension of the media type, if that is known, for none."""
    if is_data_uri(url):
        return f"output{extension(media_type(url))}"
    return extended(file_name(unquote(path_of(url)[-LONGEST_PATH:])), kind)


def path_of(url: str) -> str:
    """Give the path of a URL, or what is no URL as a whole."""
    _, mark, rest = url.partition("://")
    return "".join(re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")[1:]) if mark else url


def extended(name: str, kind: str | None) -> str:
    """Give a name without an extension that of the media type, if that is known."""
    return name if EXTENSION.search(name) else name + extension(kind)


def file_name(path: str) -> str:
    """Take a harmless file name from a path that somebody else chose.

    What looks like a separator or a dot is taken for one, what cannot be seen or reverses text is replaced.
    """
    plain = unicodedata.normalize("NFKC", path[-4096:])
    name = re.sub(r"[^\w.\- ]", "_", re.split(r"[/\\]", plain)[-1])
    name = name.encode("utf-8", "replace")[-LONGEST:].decode(errors="ignore").strip(". ").lstrip("-. ") or "output"
    return f"_{name}" if RESERVED.match(name) else name


def extension(kind: str | None) -> str:
    """Give the usual extension of a media type, or nothing."""
    kind = (kind or "").partition(";")[0].strip().lower()
    known = EXTENSIONS.get(kind)
    return (mimetypes.guess_extension(kind, strict=False) or "") if known is None else known


def distinct(names: Iterable[str], taken: Iterable[str] = ()) -> Iterator[str]:
    """Put a number to those names that another file has already, also where upper case does not count.

    One that still waits for its extension must differ from the others without theirs. `taken` are names that are there.
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
