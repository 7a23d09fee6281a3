"""How a notebook displays an output file: inline if it is safe and small, otherwise as a link."""

from __future__ import annotations

import mimetypes
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from replicate._dual.colours import Coloured
from replicate._dual.drive import drive
from replicate._files import cache, fetch
from replicate._files.data_uri import data_of, is_data_uri
from replicate._files.download import address
from replicate._http.guard import is_allowed
from replicate._objects.html import bundle, element, is_harmless, link, note, preformatted
from replicate._objects.resource import session_of
from replicate.exceptions import FileTooLargeError, NotFoundError

if TYPE_CHECKING:
    from replicate._http.session import Session
    from replicate._objects.html import Bundle

LARGEST = 8 * 1024 * 1024
"""Maximum bytes embedded into a notebook for one display. In base64, they take a third more."""
SIGNATURES = (
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"RIFF....WEBP", "image/webp"),
    (rb"....ftypavi[fs]", "image/avif"),
    (rb"RIFF....WAVE", "audio/wav"),
    (rb"ID3[\x02-\x04]|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", "audio/mpeg"),
    (rb"fLaC", "audio/flac"),
    (rb"OggS", "audio/ogg"),
    (rb"....ftypM4A", "audio/mp4"),
    (rb"....ftyp(?:iso|mp4|avc1|M4V|dash|qt)", "video/mp4"),
    (rb"\x1a\x45\xdf\xa3", "video/webm"),
)
"""First bytes of the types that can be displayed. The host's content type is not trusted."""
NATIVE = ("image/png", "image/jpeg", "image/gif")
"""Types that every notebook displays by itself."""
SHOWN = re.compile(r"image/(?!svg)|audio/|video/|text/(?!html)|application/json")
"""Media types worth a download. SVG and HTML are not: they can hold scripts, and are never put into a page."""
TAGS = {"image": "img", "audio": "audio", "video": "video"}
WIDE = "max-width: 100%; max-height: 36em"


class ShownFile(Coloured[Any], Protocol):
    """A file to display, with the session that can download it."""

    @property
    def url(self) -> str: ...
    @property
    def name(self) -> str: ...


class Seen(NamedTuple):
    """What is known of a file for display: its content, or why there is none."""

    content: bytes | None = None
    trouble: str = ""


def shown(output: ShownFile) -> Bundle:
    """Return a notebook's MIME bundle for a file. Never raises: a file that cannot be loaded becomes a link."""
    seen = look(output)
    kind = kind_of(seen.content)
    plain = f"{type(output).__name__}({address(output.url)!r})"
    if kind in NATIVE and seen.content:
        return {"text/plain": plain, kind: b64encode(seen.content).decode()}
    return bundle(plain, drawn(output, seen))


def inline(output: ShownFile, most: int) -> str:
    """Return a file as HTML, with at most `most` bytes of content, to be displayed among others."""
    return drawn(output, look(output, most))


def look(output: ShownFile, most: int | None = None) -> Seen:
    """Return the content of a file if it is local, or can be loaded without blocking an event loop."""
    try:
        return Seen(here(output, LARGEST if most is None else max(0, most)))
    except FileTooLargeError:
        return Seen(trouble="It is too large to be shown here.")
    except NotFoundError:
        return Seen(trouble="It is not there any more: the API removes the output of a prediction after an hour.")
    except Exception as error:  # noqa: BLE001 - a display must not end a program
        return Seen(trouble=f"It cannot be shown here: {type(error).__name__}.")


def here(output: ShownFile, most: int) -> bytes | None:
    """Return a file's content from its data URI, a copy or a download; None if it should not be downloaded."""
    url, session = output.url, session_of(output)
    if is_data_uri(url):
        if len(url) > 1.5 * most:
            raise FileTooLargeError
        return data_of(url)
    if copy := cache.cache.copy(fetch.key_of(url, session)):
        if copy.size > most:
            raise FileTooLargeError
        return copy.used(lambda file: file.read())
    if session.blocking and SHOWN.match(guessed(output.name) or "text/plain"):
        return drive(fetch.read(url, session, 0, -1, most))
    return None


def drawn(output: ShownFile, seen: Seen) -> str:
    """Return a file as HTML."""
    url, name = output.url, output.name
    if seen.content is None:
        kind = guessed(name) or ""
        public = is_public(url, session_of(output))
        if public and not seen.trouble and kind.partition("/")[0] in TAGS and SHOWN.match(kind):
            return tag(kind, url, name) + link(url, name)
        return link(url, address(url)) + note(seen.trouble)
    if known := kind_of(seen.content):
        body = tag(known, f"data:{known};base64,{b64encode(seen.content).decode()}", name)
    else:
        text = text_of(seen.content)
        body = preformatted(text) if text else ""
    # The content is embedded, so the link needs no query, which may be a signature.
    return body + element("div", element("small", f"{link(address(url), name)} ({length(len(seen.content))})"))


def is_public(url: str, session: Session[Any]) -> bool:
    """Return whether a page may load a URL: not if it needs the token, or names a private host.

    Browsers take a backslash for a slash, so that a URL with one may name another host there.
    """
    plain = url.startswith("https://") and "\\" not in url and is_harmless(url)
    return plain and not session.is_api(url) and is_allowed(url, session.config)


def tag(kind: str, source: str, name: str) -> str:
    """Make the HTML element for an image, audio or video. The host of an image gets no referrer."""
    which = TAGS[kind.partition("/")[0]]
    told = {"alt": name, "referrerpolicy": "no-referrer"} if which == "img" else {"controls": "", "preload": "none"}
    return element(which, src=source, title=name, style=WIDE, **told)


def kind_of(content: bytes | None) -> str | None:
    """Return the media type of content that an HTML element can display, or None."""
    if content is None:
        return None
    return next((kind for pattern, kind in SIGNATURES if re.match(pattern, content, re.DOTALL)), None)


def text_of(content: bytes) -> str | None:
    """Return content as text; None if it is not text, or could be HTML or SVG, which can hold scripts."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text or text.lstrip().startswith("<") else text


def guessed(name: str) -> str | None:
    """Guess a media type from a file name."""
    return mimetypes.guess_type(name, strict=False)[0]


def length(size: int) -> str:
    """Format a number of bytes for people."""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1e3:.1f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"
