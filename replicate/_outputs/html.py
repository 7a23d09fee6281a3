"""How a notebook displays an output: its texts, values and files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from replicate._files.download import address
from replicate._json import is_array
from replicate._objects.html import bundle, element, note, preformatted
from replicate._outputs.file_html import LARGEST, inline
from replicate._outputs.file_output import FileMethods
from replicate._outputs.save_all import files_in, replaced
from replicate_api.types import Payload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replicate._objects.html import Bundle

MOST_FILES = 12
"""Maximum number of files that are displayed; the others are counted."""


def shown(output: list[Any], text: str | None) -> Bundle:
    """Return a notebook's MIME bundle for a list of files or of text pieces; other lists get no special display."""
    try:
        worth = bool(output) and (text is not None or any(True for _ in files_in(output)))
        return bundle(repr(output), *drawn(output)) if worth else {}
    except Exception:  # noqa: BLE001 - a display must not end a program
        return {}


def drawn(output: Any) -> Iterator[str]:
    """Yield an output as HTML: text as text, files as files, anything else as JSON followed by its files."""
    if isinstance(output, Payload):
        output = {name: getattr(output, name) for name in (*output.set_fields, *output.additional_properties)}
    files = [*files_in(output)]
    if output is None or output == []:
        return
    if not files and (isinstance(output, str) or (is_array(output) and all(isinstance(item, str) for item in output))):
        yield preformatted(output if isinstance(output, str) else "".join(output))
    elif not all(isinstance(each, FileMethods) for each in (output if is_array(output) else [output])):
        plain = replaced(output, iter([address(file.url) for file in files]))
        yield preformatted(json.dumps(plain, indent=2, ensure_ascii=False, default=str))
    left = LARGEST
    for file in files[:MOST_FILES]:
        piece = inline(file, left)
        left -= len(piece) * 3 // 4
        yield element("div", piece)
    if len(files) > MOST_FILES:
        yield note(f"… and {len(files) - MOST_FILES} more files")
