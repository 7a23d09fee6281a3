"""The differences between two OpenAPI documents, each classified by the rules. This module does no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from normal import (
    EMPTY,
    Json,
    bare,
    exact,
    form,
    identify,
    is_words,
    normalise,
    reference,
    resolve,
    security,
    servers,
    strip,
    wrapped,
)
from prose import keep
from rules import MISSING, Change, Direction, Place

LOWER_LIMITS = {"exclusiveMinimum", "minimum", "minLength", "minItems", "minProperties"}
UPPER_LIMITS = {"exclusiveMaximum", "maximum", "maxLength", "maxItems", "maxProperties"}
RESTRICTIONS = {  # removing any of these allows more
    "contains", "dependentRequired", "multipleOf", "not", "pattern", "propertyNames", "readOnly", "uniqueItems",
    "writeOnly",
}  # fmt: skip
OPERATION = {
    "callbacks", "method", "operationId", "parameters", "path", "requestBody", "responses", "security", "servers",
}  # fmt: skip
COMPARED = LOWER_LIMITS | UPPER_LIMITS | {
    "$ref", "additionalProperties", "allOf", "anyOf", "content", "default", "deprecated", "enum", "format", "items",
    "nullable", "oneOf", "properties", "required", "schema", "type",
}  # fmt: skip


def compare(old: Json, new: Json) -> Comparison:
    """Compare two documents."""
    comparison = Comparison(normalise(old), normalise(new))
    comparison.run()
    return comparison


def ordered(*names: Iterable[Any]) -> list[Any]:
    """Return all names, each once, in the order of their first appearance."""
    return list(dict.fromkeys(name for group in names for name in group))


@dataclass
class Comparison:
    """The comparison of two documents: the changes found, and whether words changed too."""

    old: Json
    new: Json
    changes: list[Change] = field(default_factory=list)
    prose: bool = False
    seen: set[tuple[int, int, Direction, str]] = field(default_factory=set)

    def run(self) -> None:
        """Compare the operations and everything that they refer to, then the properties of the API as a whole."""
        operations = identify(self.old), identify(self.new)
        for name in ordered(*operations):
            self.operation(operations[0].get(name), operations[1].get(name), Place(name))
        root, old, new = Place("API"), self.old, self.new
        self.value("version changed", old["info"].get("version"), new["info"].get("version"), root)
        self.value("version changed", old["openapi"], new["openapi"], Place("OpenAPI"))
        self.value("server changed", servers(old), servers(new), root)
        self.value("security changed", security(old), security(new), root)
        self.rest(old["info"], new["info"], root, {"version"})
        self.apart("webhook", old, new, root)
        self.rest(old, new, root, {"openapi", "info", "paths", "components", "servers", "security", "webhooks"})
        self.prose = keep(old, new) != new

    def note(self, kind: str, place: Place, before: Any = MISSING, after: Any = MISSING) -> None:
        """Record a change."""
        self.changes.append(Change(place, kind, before, after))

    def value(self, kind: str, before: Any, after: Any, place: Place) -> None:
        """Record a change if two values differ."""
        if before != after:
            self.note(kind, place, before, after)

    def operation(self, old: Json | None, new: Json | None, place: Place) -> None:
        """Compare an operation: its request, then its answers."""
        if old is None or new is None:
            return self.note("removed" if new is None else "added", place)
        self.value("method changed", old["method"], new["method"], place)
        self.value("path changed", old["path"], new["path"], place)
        self.value("server changed", servers(old), servers(new), place)
        if "security" in old or "security" in new:
            before, after = old.get("security", self.old.get("security")), new.get("security", self.new.get("security"))
            self.value("security changed", before or [], after or [], place)
        self.apart("callback", old, new, place)
        self.rest(old, new, place, OPERATION)
        for where, name in ordered(old["parameters"], new["parameters"]):
            before, after = (operation["parameters"].get((where, name)) for operation in (old, new))
            self.member(before, after, replace(place, what=f"{where} parameter", field=name))
        self.member(old.get("requestBody"), new.get("requestBody"), replace(place, what="request body"))
        for status in ordered(old["responses"], new["responses"]):
            before, after = (operation["responses"].get(status) for operation in (old, new))
            here = replace(place, what=f"answer {status}", direction="answer")
            if after is None and not status.startswith("2"):
                self.note("no longer described", here)
            else:
                self.member(before, after, here)
        return None

    def apart(self, noun: str, old: Json, new: Json, place: Place) -> None:
        """Compare the requests that the API sends, webhooks or callbacks, each as a whole."""
        groups = old.get(f"{noun}s", EMPTY), new.get(f"{noun}s", EMPTY)
        for name in ordered(*groups):
            before, after = (group.get(name) for group in groups)
            if strip(before) != strip(after):
                kind = "added" if before is None else "removed" if after is None else "changed"
                self.note(kind, replace(place, what=noun, field=name))

    def member(self, old: Json | None, new: Json | None, place: Place) -> None:
        """Compare an optional item that has a schema, or content by media type: a parameter, a body, an answer."""
        if old is None or new is None:
            if old is not new:
                required = bool(new and resolve(self.new, new).get("required"))
                self.note("removed" if new is None else "added, required" if required else "added", place)
            return
        old, new = resolve(self.old, old), resolve(self.new, new)
        if bool(old.get("required")) != bool(new.get("required")):
            self.note("is now required" if new.get("required") else "is no longer required", place)
        self.rest(old, new, place, {"name", "in", "required", "headers"})
        headers = old.get("headers", EMPTY), new.get("headers", EMPTY)
        for name in ordered(*headers):
            before, after = (group.get(name) for group in headers)
            self.member(before, after, replace(place, what=f"{place.what} header", field=name))
        contents = old.get("content", EMPTY), new.get("content", EMPTY)
        for media in ordered(*contents):
            before, after = (content.get(media) for content in contents)
            if before is None or after is None:
                self.note("removed" if after is None else "added", replace(place, what=f"{place.what} ({media})"))
            else:
                self.rest(before, after, place)
                self.schema(before.get("schema", EMPTY), after.get("schema", EMPTY), place)
        self.schema(old.get("schema", EMPTY), new.get("schema", EMPTY), place)

    def schema(self, old: Json, new: Json, place: Place) -> None:
        """Compare two schemas. A component is reported once, under its own name; this also ends cycles."""
        before, after = wrapped(old), wrapped(new)
        if before is not None and after is not None:
            self.beside(old, new, place)
            old, new = before, after
        names = reference(old), reference(new)
        if names[0] and names[1]:
            place = Place(names[1], place.direction, place.direction)
        old, new = resolve(self.old, old), resolve(self.new, new)
        key = (id(old), id(new), place.direction, place.where)
        if key in self.seen:
            return
        self.seen.add(key)
        if names[0] and names[1]:
            self.value("component renamed", *names, place)
        self.value("type changed", form(old), form(new), place)
        self.values(old.get("enum"), new.get("enum"), place)
        for keyword in sorted(LOWER_LIMITS | UPPER_LIMITS):
            self.limit(keyword, old.get(keyword), new.get(keyword), place)
        self.properties(old, new, place)
        if "items" in old or "items" in new:
            self.schema(old.get("items", EMPTY), new.get("items", EMPTY), place.inside("[]"))
        for keyword in ("oneOf", "anyOf", "allOf"):
            self.variants(keyword, old.get(keyword, []), new.get(keyword, []), place)
        self.beside(old, new, place)

    def beside(self, old: Json, new: Json, place: Place) -> None:
        """Compare the keywords that a schema may have beside a reference."""
        if bool(old.get("nullable")) != bool(new.get("nullable")):
            self.note("may now be null" if new.get("nullable") else "may no longer be null", place)
        self.default(old.get("default", MISSING), new.get("default", MISSING), place)
        self.rest(old, new, place)

    def values(self, old: list[Any] | None, new: list[Any] | None, place: Place) -> None:
        """Compare the allowed values."""
        if old is None or new is None:
            if old != new:
                self.note(
                    "limited to values" if old is None else "no longer limited to values", place, after=old or new
                )
            return
        for value in [value for value in old if value not in new]:
            self.note("value removed", place, before=value)
        for value in [value for value in new if value not in old]:
            self.note("value added", place, after=value)

    def default(self, old: Any, new: Any, place: Place) -> None:
        """Compare the defaults for a value that was not sent."""
        if old is MISSING or new is MISSING:
            if old is not new:
                self.note("default added" if old is MISSING else "default removed", place, old, new)
        elif exact(old) != exact(new):
            self.note("default changed", place, old, new)

    def limit(self, keyword: str, old: Any, new: Any, place: Place) -> None:
        """Compare a limit: a higher minimum is tighter, a higher maximum looser, and any limit tighter than none."""
        if old == new:
            return
        raised = old is not None and new is not None and new > old
        tightened = old is None or (new is not None and raised == (keyword in LOWER_LIMITS))
        values = ({keyword: value} if value is not None else MISSING for value in (old, new))
        self.note("limit tightened" if tightened else "limit loosened", place, *values)

    def properties(self, old: Json, new: Json, place: Place) -> None:
        """Compare the fields of an object, and whether it accepts others."""
        fields = old.get("properties", EMPTY), new.get("properties", EMPTY)
        required = set(old.get("required", ())), set(new.get("required", ()))
        for name in ordered(*fields, required[0] | required[1]):
            here = place.inside(name)
            if name not in fields[0] and name in fields[1]:
                self.note("added, required" if name in required[1] else "added", here)
            elif name in fields[0] and name not in fields[1]:
                self.note("removed", here)
            else:
                if (name in required[0]) != (name in required[1]):
                    self.note("is now required" if name in required[1] else "is no longer required", here)
                self.schema(fields[0].get(name, EMPTY), fields[1].get(name, EMPTY), here)
        others = old.get("additionalProperties", EMPTY), new.get("additionalProperties", EMPTY)
        if isinstance(others[0], Mapping) and isinstance(others[1], Mapping):
            self.schema(others[0], others[1], place.inside("{}"))
        elif others[0] != others[1]:
            self.note("now open to other fields" if others[0] is False else "now closed to other fields", place)

    def variants(self, keyword: str, old: list[Any], new: list[Any], place: Place) -> None:
        """Compare oneOf, anyOf or allOf: pair equal ones, then others in order, then the rest."""
        pairs = [(before, after) for before in old for after in new if strip(before) == strip(after)]
        old = [one for one in old if all(one is not before for before, _ in pairs)]
        new = [one for one in new if all(one is not after for _, after in pairs)]
        if len(old) == len(new):
            pairs, old, new = [*pairs, *zip(old, new, strict=True)], [], []
        for before, after in pairs:
            self.schema(before, after, place)
        noun = "part" if keyword == "allOf" else "alternative"
        for one in old:
            self.note(f"{noun} removed", place, before=strip(one))
        for one in new:
            self.note(f"{noun} added", place, after=strip(one))

    def rest(self, old: Json, new: Json, place: Place, known: Iterable[str] = ()) -> None:
        """Compare the keywords that have no rule of their own. Words do not count as a change."""
        for key in ordered(old, new):
            before, after = old.get(key, MISSING), new.get(key, MISSING)
            if key == "deprecated":
                if bool(old.get(key)) != bool(new.get(key)):
                    self.note("deprecated" if new.get(key) else "no longer deprecated", place)
            elif is_words(key) or key in COMPARED or key in known:
                continue
            elif bare(key, before) != bare(key, after):
                kind = "limit loosened" if key in RESTRICTIONS and after is MISSING else "rule changed"
                self.note(kind, place, *(MISSING if value is MISSING else {key: value} for value in (before, after)))
