"""The changes of `overlay.yaml` to a reduced document: names of components, names of inline shapes, corrections."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from document import Problem
from reduction import REFERENCE, Interface, Schema, schema, stripped

if TYPE_CHECKING:
    from collections.abc import Mapping


def apply(overlay: Mapping[str, Any], interface: Interface) -> None:
    """Apply the overlay to the interface. Raises Problem for an entry that no longer changes anything."""
    unknown = overlay.keys() - {"names", "shapes", "changes"}
    if unknown:
        raise Problem(f"overlay.yaml has no sections {', '.join(sorted(unknown))}. Correct their names.")
    rename(overlay.get("names", {}), interface)
    share(overlay.get("shapes", {}), interface)
    for entry in overlay.get("changes", ()):
        change(entry, interface)


# ---- names


def rename(names: Mapping[str, str], interface: Interface) -> None:
    """Give components the names of their classes: as listed, or by rule."""
    for name in names.keys() - interface.schemas.keys():
        raise Problem(f"overlay.yaml names {name}, which the document no longer has. Delete the entry.")
    renamed = {name: names.get(name) or class_name(name) for name in interface.schemas}
    for name, chosen in renamed.items():
        if list(renamed.values()).count(chosen) > 1:
            raise Problem(f"Two components are called {chosen}, one is {name}. Name it under `names` in overlay.yaml.")
    refer(interface, {REFERENCE + name: REFERENCE + chosen for name, chosen in renamed.items()})
    interface.schemas = {renamed[name]: value for name, value in interface.schemas.items()}


def class_name(component: str) -> str:
    """Turn a component's name into a class name: `schemas_paginated_version_response` becomes VersionPage."""
    noun = re.sub(r"^schemas_|_response$", "", re.sub(r"\W+", "_", component))
    noun = re.sub(r"^paginated_(.+)", r"\1_page", noun)
    return "".join(word[:1].upper() + word[1:] for word in noun.split("_"))


def refer(interface: Interface, moved: Mapping[str, str]) -> None:
    """Update references to renamed components."""

    def visit(value: Any) -> None:
        if isinstance(value, dict):
            if value.get("$ref") in moved:
                value["$ref"] = moved[value["$ref"]]
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                visit(item)

    visit(interface.schemas)
    for operation in interface.operations.values():
        visit([operation.parameters, operation.body, operation.answer])


# ---- shapes


def share(shapes: Mapping[str, list[str]], interface: Interface) -> None:
    """Make each shape a component, and refer to it from all of its addresses. Inner shapes come first."""
    for name, addresses in sorted(shapes.items(), key=lambda shape: -max(address.count("/") for address in shape[1])):
        places = [slot(address, interface) for address in addresses]
        found = [holder[key] for holder, key in places]
        for address, value in zip(addresses, found, strict=True):
            if "$ref" in value:
                raise Problem(
                    f"{address} is {value['$ref']} by now, not a shape {name} in place. Delete it in overlay.yaml."
                )
            if stripped(value) != stripped(found[0]):
                raise Problem(f"{address} is no longer like {addresses[0]}. Give them two names in overlay.yaml.")
        if name in interface.schemas and interface.schemas[name] not in found:
            raise Problem(f"There is a component {name} already. Choose another name for the shape in overlay.yaml.")
        for holder, key in places:
            holder[key] = {"$ref": REFERENCE + name}
        interface.schemas[name] = next((value for value in found if "description" in value), found[0])


def slot(address: str, interface: Interface) -> tuple[dict[str, Any], str]:
    """Return the target of an address, as the dict that holds it and its key there."""
    first, *steps = address.split("/")
    gone = Problem(f"overlay.yaml changes {address}, which the document no longer has. Delete or correct the entry.")
    holder: Any = interface.schemas
    key = first
    if first in interface.operations:
        operation = interface.operations[first]
        match steps:
            case ["body", *steps] if operation.body:
                holder, key = operation.body, "schema"
            case ["response", *steps] if operation.answer:
                holder, key = operation.answer, "schema"
            case [("path" | "query" | "header") as location, name, *steps] if name in operation.parameters[location]:
                holder, key = operation.parameters[location][name], "schema"
            case _:
                raise gone
    if key not in holder:
        raise gone
    for step in steps:
        holder = holder[key]
        holder, key = (holder, "items") if step == "[]" else (holder.get("properties", {}), step)
        if key not in holder:
            raise gone
    return holder, key


# ---- corrections


def change(entry: Mapping[str, Any], interface: Interface) -> None:
    """Apply one correction."""
    address = entry.get("at", "")
    if not entry.get("why") or len(entry.keys() & {"optional", "add", "set"}) != 1 or len(entry) != 3:
        raise Problem(
            f"overlay.yaml: the entry at {address!r} must have `at`, `why` and one of `optional`, `add`, `set`."
        )
    holder, key = slot(address, interface)
    before = stripped(holder[key])
    match entry:
        case {"set": wanted}:
            description = {"description": holder[key]["description"]} if "description" in holder[key] else {}
            holder[key] = {**description, **schema(wanted)}
        case {"add": properties}:
            add(properties, holder[key], address)
        case {"optional": names}:
            loosen(names, holder[key], address)
    if stripped(holder[key]) == before:
        raise Problem(f"overlay.yaml: the entry at {address} changes nothing any more. Delete it.")


def add(properties: Mapping[str, Any], target: Schema, address: str) -> None:
    """Add properties that the document must not have yet."""
    for name, wanted in properties.items():
        if name in target.get("properties", {}):
            raise Problem(f"overlay.yaml: the document has {address}/{name} by now. Delete it from the entry.")
        target.setdefault("properties", {})[name] = schema(wanted)
    target["properties"] = dict(sorted(target["properties"].items()))


def loosen(names: list[str], target: Schema, address: str) -> None:
    """Make properties optional that the document must still require."""
    for name in names:
        if name not in target.get("required", ()):
            raise Problem(f"overlay.yaml: {address}/{name} is optional by now, or gone. Delete it from the entry.")
        target["required"].remove(name)
