"""Checks that the pinned generator and our templates understand all of a reduced document, and runs the generator."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openapi_python_client
import yaml
from document import Problem
from openapi_python_client.config import ConfigFile
from openapi_python_client.strings import snake_case
from reduction import Interface, Operation, Schema, prose

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
CONFIG = HERE / "generator.yaml"
UNWANTED = ("client.py", "errors.py")  # the generator's HTTP client; sessions replace it
LINT = ("check", "--isolated", "--no-cache", "--quiet", "--fix", "--select", "F401,I", "--target-version", "py311")
FORMAT = ("format", "--isolated", "--no-cache", "--quiet", "--target-version", "py311")
LINE_LENGTH = ("--line-length", "120")
IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
package = importlib.import_module(sys.argv[2])
for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
    importlib.import_module(module.name)
"""
PLAIN = {"string", "integer", "number", "boolean"}
BODIES = {"application/json", "multipart/form-data"}


def generate(interface: Interface, output: Path) -> None:
    """Write the package to `output`, which must not exist yet. Raises Problem, which says what to do."""
    check_options()
    check_interface(interface)
    source = output.with_name("openapi.reduced.json")
    source.write_text(json.dumps(openapi(interface)), encoding="utf-8")
    arguments = ["generate", "--path", str(source), "--output-path", str(output), "--meta", "none", "--fail-on-warning"]
    arguments += ["--config", str(CONFIG), "--custom-template-path", str(TEMPLATES)]
    said = run([sys.executable, "-I", "-m", "openapi_python_client", *arguments], "the generator")
    if said.strip() != f"Generating {output}":
        raise Problem(f"The generator did not only say that it is generating:\n{said}\nCorrect what it warns about.")
    for name in UNWANTED:
        (output / name).unlink()
    (output / "py.typed").touch()
    check_output(interface, output)
    ruff = Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        raise Problem(f"There is no formatter at {ruff}. Delete .regen-venv and run scripts/regen.sh again.")
    run([str(ruff), *LINT, *LINE_LENGTH, str(output)], "ruff")
    run([str(ruff), *FORMAT, *LINE_LENGTH, str(output)], "ruff")
    run([sys.executable, "-I", "-B", "-c", IMPORT_ALL, str(output.parent), output.name], "importing the new package")


def run(command: list[str], who: str) -> str:
    """Run a program and return its output, or raise Problem with the output."""
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise Problem(f"{who} failed, so nothing was changed. It said:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


# ---- what goes in


def openapi(interface: Interface) -> dict[str, Any]:
    """Return the interface as an OpenAPI document again, with one tag for each operation."""
    schemas = {name: written(interface.schemas[name]) for name in sorted(interface.schemas)}
    paths: dict[str, dict[str, Any]] = {}
    for _, operation in sorted(interface.operations.items()):
        paths.setdefault(operation.path, {})[operation.method] = {
            "operationId": operation.id,
            "tags": [operation.id.split(".")[0]],
            "summary": operation.summary,
            "description": operation.description,
            "parameters": [
                {"name": name, "in": location, **operation.parameters[location][name]}
                for location in operation.parameters
                for name in sorted(operation.parameters[location])
            ],
            **({"requestBody": body(operation.body, interface)} if operation.body else {}),
            "responses": {"200": {"description": "", **(media(operation.answer) if operation.answer else {})}},
        }
    return {
        "openapi": "3.0.3",
        "info": {"title": "Replicate API", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def written(schema: Schema) -> Schema:
    """Write a free-form object as a value of any type with the example `{}`, which helpers.jinja reads as a dict.

    Otherwise the generator would write an empty class for it.
    """
    made = dict(schema)
    if "properties" in schema:
        made["properties"] = {name: written(inner) for name, inner in schema["properties"].items()}
    elif schema.get("type") == "object":
        made = {**prose(schema), "example": {}}
    if "items" in schema:
        made["items"] = written(schema["items"])
    return made


def media(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a body or answer."""
    return {"content": {content["type"]: {"schema": written(content["schema"])}}}


def body(content: dict[str, Any], interface: Interface) -> dict[str, Any]:
    """Return a body. A body with required properties is itself required, whether or not the document says so."""
    return {"required": bool(interface.target(content["schema"]).get("required")), **media(content)}


# ---- checks


def check_options() -> None:
    """Refuse unknown options and templates, which the generator would silently ignore."""
    options = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    for name in options.keys() - ConfigFile.model_fields.keys():
        raise Problem(f"The generator knows no option {name!r}. Correct or delete it in {CONFIG.name}.")
    known = Path(openapi_python_client.__file__).parent / "templates"
    for template in sorted(TEMPLATES.rglob("*")):
        name = template.relative_to(TEMPLATES)
        if template.is_file() and not (known / name).is_file():
            raise Problem(f"The generator knows no template {name}, and would ignore it. Rename or delete it.")


def check_interface(interface: Interface) -> None:
    """Refuse an interface that the templates would get wrong."""
    modules = Counter(snake_case(name) for name in interface.operations)
    modules += Counter(f"models/{snake_case(name)}" for name in interface.schemas)
    for name, times in modules.items():
        if times > 1:
            raise Problem(
                f"{times} things would be written to {name}.py. Rename one in the document or in overlay.yaml."
            )
    for operation in interface.operations.values():
        check_operation(operation, interface)
    payload = runpy.run_path(str(TEMPLATES / "types.py.jinja"))["Payload"]
    taken = {*dir(payload), "additional_properties"}
    for place, schema in schemas_in(interface):
        check_schema(place, schema)
        for name in taken & schema.get("properties", {}).keys():
            raise Problem(f"{place}/{name} would hide a method of every model. Rename that in types.py.jinja.")


def check_operation(operation: Operation, interface: Interface) -> None:
    """Refuse parameters, bodies and answers that `endpoint_module` would get wrong."""
    names = [snake_case(name) for location in operation.parameters.values() for name in location]
    names += ["body"] if operation.body else []
    for name, times in Counter(names).items():
        if times > 1 or name == "types":
            raise Problem(f"{operation.id}: a parameter cannot be called {name!r} in Python. Extend `endpoint_module`.")
    for location in operation.parameters.values():
        for name, parameter in location.items():
            if interface.target(parameter["schema"]).get("type") not in PLAIN:
                raise Problem(f"{operation.id}: the templates write no parameter like {name!r}. Extend types.py.jinja.")
    if operation.body and operation.body["type"] not in BODIES:
        raise Problem(
            f"{operation.id}: the templates write no {operation.body['type']} body. Extend `endpoint_module`."
        )
    if operation.answer and operation.answer["type"] == "application/json":
        schema = operation.answer["schema"]
        schema = schema.get("items", {}) if schema.get("type") == "array" else schema
        if "$ref" not in schema and "properties" not in schema:
            raise Problem(
                f"{operation.id}: the templates read objects and arrays of them only. Extend `endpoint_module`."
            )


def schemas_in(interface: Interface) -> Iterator[tuple[str, Schema]]:
    """Yield each schema and its place: the schemas of components and operations, and the schemas inside them."""
    todo = [*interface.schemas.items()]
    for operation in interface.operations.values():
        contents = [operation.body, operation.answer, *operation.parameters["query"].values()]
        todo += [(operation.id, content["schema"]) for content in contents if content]
    while todo:
        place, schema = todo.pop()
        yield place, schema
        todo += [(f"{place}/{name}", inner) for name, inner in schema.get("properties", {}).items()]
        todo += [(f"{place}/[]", schema["items"])] if "items" in schema else []


def check_schema(place: str, schema: Schema) -> None:
    """Refuse a schema that has no single type in Python."""
    if "oneOf" in schema:
        raise Problem(f"{place} may be of several types. Say in overlay.yaml which one to generate (`set`).")
    if "enum" in schema and not all(isinstance(value, str) for value in schema["enum"]):
        raise Problem(f"{place} is an enumeration of other than strings. `set` it to a plain type in overlay.yaml.")


def check_output(interface: Interface, output: Path) -> None:
    """Check that no module is missing or has two classes: the generator silently overwrites one module with another."""
    written = {path.stem for path in output.glob("api/*/*.py") if path.name != "__init__.py"}
    odd = written ^ {snake_case(name) for name in interface.operations}
    if odd:
        raise Problem(f"The generator wrote other operations than the document has: {', '.join(sorted(odd))}.")
    modules = runpy.run_path(str(output / "models" / "__init__.py"))["MODULES"]
    for module, times in Counter(modules.values()).items():
        if times > 1:
            raise Problem(f"{times} classes would be in models/{module}.py. Rename one in overlay.yaml.")
