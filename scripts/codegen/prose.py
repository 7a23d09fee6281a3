"""Keep our words in a new version of the API's document: items of both documents get the descriptions of ours.

    python scripts/codegen/prose.py OURS THEIRS > MERGED

All facts come from THEIRS. Words (`is_words` in normal.py) come from OURS, except for items that only THEIRS has.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from document import Problem, load
from normal import NAMES, SCOPES, VALUES, is_words, strip


def main(arguments: list[str]) -> int:
    """Merge the two documents from the command line, and print the result as JSON."""
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
    """Return their facts, with our words and our order for items that both have."""
    if isinstance(ours, list) and isinstance(theirs, list):
        left = list(ours)
        return [keep(counterpart(item, left), item) for item in theirs]
    if not isinstance(ours, Mapping) or not isinstance(theirs, Mapping):
        return theirs
    words = {} if named else {key: ours[key] for key in ours if is_words(key)}
    facts = {
        key: value if key in VALUES and not named else kept(key, ours.get(key), value, named=named)
        for key, value in theirs.items()
        if named or not is_words(key)
    }
    merged = {**facts, **words}
    return {key: merged[key] for key in dict.fromkeys([*ours, *merged]) if key in merged}


def kept(key: str, ours: Any, theirs: Any, *, named: bool) -> Any:
    """Return the value of a key: their facts in our words."""
    if key == SCOPES and not named and isinstance(ours, Mapping):
        return {name: ours.get(name, text) for name, text in theirs.items()}
    return keep(ours, theirs, named=not named and key in NAMES)


def counterpart(item: Any, left: list[Any]) -> Any:
    """Take from what is left of our items the one that states the same, or else is called the same; None if none is."""
    alike = [one for one in left if identity(one) == identity(item)]
    found = next((one for one in alike if strip(one) == strip(item)), alike[0] if alike else None)
    left[:] = [one for one in left if one is not found]
    return found


def identity(item: Any) -> str:
    """Return what identifies an item of a list: the reference, the name, or all of it."""
    if isinstance(item, Mapping):
        item = item.get("$ref") or [item[key] for key in ("in", "name", "url", "type") if key in item]
    return json.dumps(item, sort_keys=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
