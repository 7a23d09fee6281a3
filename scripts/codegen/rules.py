"""The rules for breaking changes: the kinds of change, and what each means for callers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

Direction = Literal["request", "answer"]
MISSING: Any = object()

# Kind of change: (whether it breaks requests, whether it breaks the reading of answers).
RULES: dict[str, tuple[bool, bool]] = {
    "added": (False, False),
    "added, required": (True, False),
    "removed": (True, True),
    "is now required": (True, False),
    "is no longer required": (False, True),
    "may now be null": (False, True),
    "may no longer be null": (True, False),
    "type changed": (True, True),
    "value added": (False, False),  # enums are open: an unknown value passes through
    "value removed": (True, False),
    "limited to values": (True, False),
    "no longer limited to values": (False, False),
    "default added": (False, False),
    "default changed": (True, False),
    "default removed": (True, False),
    "limit tightened": (True, False),
    "limit loosened": (False, False),
    "rule changed": (True, False),
    "now closed to other fields": (True, False),
    "now open to other fields": (False, False),
    "alternative added": (False, True),
    "alternative removed": (True, False),
    "part added": (True, False),
    "part removed": (False, True),
    "changed": (True, True),
    "no longer described": (False, False),  # an error answer: clients handle any status
    "component renamed": (True, True),  # the name of a generated class may follow it
    "method changed": (True, True),  # clients in use still send the old one
    "path changed": (True, True),
    "server changed": (True, True),
    "security changed": (True, True),
    "deprecated": (False, False),
    "no longer deprecated": (False, False),
    "version changed": (False, False),
}


@dataclass(frozen=True)
class Place:
    """A place in the API: an operation or component, and a part of it."""

    where: str
    what: str = ""
    direction: Direction = "request"
    field: str = ""

    def inside(self, name: str) -> Place:
        """Return the place of a field."""
        return replace(self, field=f"{self.field}.{name}" if self.field and name[0].isalnum() else self.field + name)


@dataclass(frozen=True)
class Change:
    """One difference: its place, its kind, and the value before and after if that says more."""

    place: Place
    kind: str
    before: Any = MISSING
    after: Any = MISSING

    @property
    def breaking(self) -> bool:
        """Whether a caller of the old API may fail with the new one."""
        return RULES[self.kind][self.place.direction == "answer"]
