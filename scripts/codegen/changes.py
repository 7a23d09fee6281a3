"""Report the changes between two OpenAPI documents, and which of them break callers.

    python scripts/codegen/changes.py OLD NEW [--format markdown|json|outputs]

OLD and NEW are JSON or YAML files or https URLs. `outputs` prints `changed=…` and `breaking=…` for a workflow.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from itertools import groupby
from typing import TYPE_CHECKING, Any

from differences import Comparison, compare
from document import Problem, load
from normal import exact
from rules import MISSING, Change

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 120


def main(arguments: list[str] | None = None) -> int:
    """Compare the two documents from the command line, and print the report."""
    parser = argparse.ArgumentParser(description="Tell what changed between two OpenAPI documents.")
    parser.add_argument("old", help="file or https URL, JSON or YAML")
    parser.add_argument("new", help="file or https URL, JSON or YAML")
    parser.add_argument("--format", choices=FORMATS, default="markdown")
    options = parser.parse_args(arguments)
    try:
        comparison = compare(load(options.old), load(options.new))
    except (Problem, ValueError) as error:
        print(f"changes.py: {error}", file=sys.stderr)
        return 2
    print(FORMATS[options.format](comparison))
    return 0


def as_markdown(comparison: Comparison) -> str:
    """Return the report for people: by operation or component, breaking changes first in each."""
    return "\n".join(lines(comparison))


def lines(comparison: Comparison) -> Iterator[str]:
    """Yield the lines of the report."""
    changes = comparison.changes
    if changes:
        breaking = sum(change.breaking for change in changes)
        yield f"{breaking} breaking, {len(changes) - breaking} additive."
    elif not comparison.prose:
        yield "No changes."
    for where, group in groupby(sorted(changes, key=rank), key=lambda change: change.place.where):
        yield from ("", f"### {code(where)}", "")
        yield from map(line, group)
    if comparison.prose:
        yield from ([""] if changes else [])
        yield "Descriptions or examples changed too." if changes else "Only descriptions or examples changed."


def rank(change: Change) -> tuple[bool, str, bool]:
    """Return a sort key: by operation or component, breaking changes first in each."""
    return (change.place.where == "API", change.place.where, not change.breaking)


def line(change: Change) -> str:
    """Return one change as a list item."""
    place, mark = change.place, "**breaking**" if change.breaking else "additive"
    subject = " ".join(filter(None, [place.what, code(place.field) if place.field else ""]))
    values = " → ".join(code(value) for value in (change.before, change.after) if value is not MISSING)
    return f"- {mark}: {f'{subject} ' if subject else ''}{change.kind}{f': {values}' if values else ''}"


def code(value: Any) -> str:
    """Return a value as a code span: the content of a document is text, never markup."""
    text = value if isinstance(value, str) else exact(value)
    text = re.sub(r"[\s`]+", " ", text).strip() or '""'
    return f"`{text if len(text) <= LONGEST else text[:LONGEST] + '…'}`"


def as_json(comparison: Comparison) -> str:
    """Return the report for programs."""
    changes = [
        {"where": change.place.where, "what": change.place.what, "field": change.place.field, "kind": change.kind}
        | {key: value for key, value in (("before", change.before), ("after", change.after)) if value is not MISSING}
        | {"breaking": change.breaking}
        for change in sorted(comparison.changes, key=rank)
    ]
    return json.dumps({**outputs(comparison), "prose": comparison.prose, "changes": changes}, indent=2, default=str)


def as_outputs(comparison: Comparison) -> str:
    """Return the verdict as the lines that a workflow step writes to its outputs."""
    return "\n".join(f"{name}={str(value).lower()}" for name, value in outputs(comparison).items())


def outputs(comparison: Comparison) -> dict[str, bool]:
    """Return the verdict: whether anything but words changed, and whether any change breaks callers."""
    return {"changed": bool(comparison.changes), "breaking": any(change.breaking for change in comparison.changes)}


FORMATS = {"markdown": as_markdown, "json": as_json, "outputs": as_outputs}

if __name__ == "__main__":
    sys.exit(main())
