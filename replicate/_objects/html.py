"""HTML for notebooks: small elements, with everything escaped, readable in light and dark themes."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from replicate._wording import harmless

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    Bundle: TypeAlias = dict[str, Any]
    """What to display, by MIME type. The notebook chooses one."""

# Colours come from the notebook's theme. Styles are inline, as notebooks drop style sheets of untrusted output.
PRE = (
    "font-family: monospace; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 24em; overflow: auto; "
    "margin: 0.3em 0"
)
FAINT = "opacity: 0.75; margin: 0.3em 0"
CELL = "text-align: left; vertical-align: top; padding: 0.2em 0.7em; overflow-wrap: break-word"
LINKED = re.compile(r"https?://[^\s/?#@\\]+(?:[/?#]\S*)?", re.IGNORECASE)
"""URLs that become links: http and https only, without a password."""
RETURN = re.compile(r"\r\n?")
LONGEST_TEXT = 10_000
"""Characters."""

VOID = ("br", "img")
"""Elements without an end tag."""

COLUMNS = (
    "id", "status", "slug", "owner", "name", "model", "description", "content_type", "size", "visibility", "run_count",
    "created_at", "completed_at",
)  # fmt: skip
"""The fields in the table of a page, if its items have them."""
LONGEST_CELL = 100
MOST_ROWS = 50


class Tabular:
    """A page of a list, which a notebook displays as a table."""

    if TYPE_CHECKING:

        @property
        def results(self) -> list[Any]: ...

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:  # noqa: ARG002 - for IPython
        try:
            rows = self.results[:MOST_ROWS]
            chosen = [name for name in COLUMNS if any(field(item, name) for item in rows)]
            cells = [[field(item, name) for name in chosen] or [cell(item)] for item in rows]
            more = len(self.results) - len(rows)
            told = f"{self!r}" + (f", without its last {more}" if more else "")
            return bundle(repr(self), table(chosen, cells), note(told))
        except Exception:  # noqa: BLE001 - a display must not end a program
            return bundle(repr(self), preformatted(repr(self)))


def field(item: Any, name: str) -> str:
    """Return a field of an item as text for a table cell."""
    return cell(getattr(item, name, None))


def cell(value: Any) -> str:
    """Return a value as text for a table cell: times to the second, and only the beginning of long texts."""
    if value is None:
        return ""
    text = value.isoformat(" ", "seconds") if isinstance(value, datetime) else str(value)
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"


# ---- elements


def bundle(plain: str, *parts: str) -> Bundle:
    """Return a MIME bundle: HTML, and plain text for front ends without HTML."""
    return {"text/plain": plain, "text/html": f"<div>{''.join(parts)}</div>"}


def escape(text: object) -> str:
    """Escape a text for HTML, including attributes. Its control characters are shown; all line ends become line feeds.

    A notebook with a NUL or an unpaired surrogate could not be saved.
    """
    from html import escape

    return escape(harmless(RETURN.sub("\n", str(text))))


def is_harmless(url: str) -> bool:
    """Return whether a URL is the same when it is escaped, so that it can be an attribute."""
    return harmless(url) == url


def element(name: str, content: str = "", **attributes: object) -> str:
    """Make an element. Its content is HTML; its attributes are plain text."""
    written = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items() if value is not None)
    return f"<{name}{written}>" if name in VOID else f"<{name}{written}>{content}</{name}>"


def link(url: str, text: str) -> str:
    """Make a link that sends no referrer if the URL is http or https, and harmless; otherwise return the text."""
    if not (LINKED.fullmatch(url) and is_harmless(url)):
        return escape(text)
    return element("a", escape(text), href=url, target="_blank", rel="noopener noreferrer")


def preformatted(text: str, style: str = PRE) -> str:
    """Display a text unchanged, or only the beginning of a long one."""
    rest = len(text) - LONGEST_TEXT
    more = note(f"… and {rest:,} more characters") if rest > 0 else ""
    return element("pre", escape(text[:LONGEST_TEXT]), style=style) + more


def note(text: str) -> str:
    """Display a text in small letters."""
    return element("div", element("small", escape(text)), style=FAINT)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a table from plain texts."""

    def row(name: str, cells: Sequence[str]) -> str:
        return element("tr", "".join(element(name, escape(cell), style=CELL) for cell in cells))

    return element("table", row("th", heads) + "".join(row("td", cells) for cells in rows))
