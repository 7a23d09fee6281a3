"""Keep our words when the API's own document comes in: what both documents have is described as ours describes it.

    python scripts/codegen/prose.py OURS THEIRS > MERGED

All facts are THEIRS; descriptions, summaries and examples are OURS, save for what only THEIRS has.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from document import Problem, load
from normal import NAMES, PROSE, VALUES


def main(arguments: list[str]) -> int:
    """Merge the documents that the command line names, and print the result as JSON."""
    if len(arguments) != 2:
        print("Usage: prose.py OURS THEIRS > MERGED", file=sys.stderr)
        return 2
    try:
        merged = keep(*map(load, arguments))
    except Problem as problem:
        print(f"prose.py: {problem}", file=sys.stderr)
        return 2
    print(json.dumps(merged, indent=2, ensure_ascii=False))
    return 0


def keep(ours: Any, theirs: Any, *, named: bool = False) -> Any:
    """Return their facts in our words and our order, where the two speak of the same thing."""
    if isinstance(ours, list) and isinstance(theirs, list):
        known = {identity(item): item for item in ours}
        return [keep(known.get(identity(item)), item) for item in theirs]
    if not isinstance(ours, Mapping) or not isinstance(theirs, Mapping):
        return theirs
    words = {} if named else {key: ours[key] for key in PROSE & ours.keys()}
    facts = {
        key: value if key in VALUES and not named else keep(ours.get(key), value, named=not named and key in NAMES)
        for key, value in theirs.items()
        if named or key not in PROSE
    }
    merged = {**facts, **words}
    return {key: merged[key] for key in dict.fromkeys([*ours, *merged]) if key in merged}


def identity(item: Any) -> str:
    """Return what tells an item of a list from the others: the reference, the name, or all of it."""
    if isinstance(item, Mapping):
        item = item.get("$ref") or [item[key] for key in ("in", "name", "url", "type") if key in item]
    return json.dumps(item, sort_keys=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
