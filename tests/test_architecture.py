"""The structure that ARCHITECTURE.md promises, read from the source itself."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import replicate
import replicate_api
from replicate_api.types import Field

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(replicate.__file__).parent
GENERATED = Path(replicate_api.__file__).parent

LAYERS = (
    (
        "replicate._version",
        "replicate._upward",
        "replicate._wording",
        "replicate._annotations",
        "replicate._errors",
        "replicate.exceptions",
    ),
    ("replicate._json", "replicate._core", "replicate._dual", "replicate._http", "replicate._objects"),
    tuple(f"replicate.{room}" for room in ("_data", "_models", "_files", "_outputs", "_inputs", "_webhooks")),
    ("replicate.resources", "replicate._jobs"),
    ("replicate._flows", "replicate._client"),
    ("replicate.client",),
    ("replicate._module_client",),
    ("replicate",),
)
"""From the bottom to the top. `replicate_api` is below all of it, `replicate.local` beside it."""

WAITS = {"anyio", "asyncio", "http", "select", "socket", "subprocess", "threading", "time", "trio", "urllib.request"}
"""What blocks or awaits. `urllib.parse` and the like do neither."""
READS = {("replicate._http.connections.proxies", "urllib.request")}
"""Imports of these for something that does neither: `getproxies` reads the environment."""
WAITS_IN = ("transport", "blocking_clients", "pool", "shield", "concurrency")
WAITING = (
    "replicate._dual.generators",
    *(f"replicate.{room}.{name}" for room in ("_core", "_http.connections") for name in WAITS_IN),
)


class Import(NamedTuple):
    """One import: which module, from where, whether when the importing module is loaded, whether for types only."""

    name: str
    line: int
    eager: bool
    typing: bool


def modules(folder: Path, root: str) -> Iterator[tuple[str, Path]]:
    """Name every module of a package."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        yield ".".join((root, *(part for part in parts if part != "__init__"))), path


def imports(module: str, path: Path) -> Iterator[Import]:
    """Read all imports of a module, those in functions too."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    yield from _imports(ast.parse(path.read_text("utf-8")), package, eager=True, typing=False)


def _imports(node: ast.AST, package: str, *, eager: bool, typing: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, eager, typing) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            if child.level:
                above = package.split(".")[: len(package.split(".")) - child.level + 1]
                base = ".".join([*above, *filter(None, [child.module])])
            yield from (Import(full(base, alias.name), child.lineno, eager, typing) for alias in child.names)
        else:
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            guarded = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
            yield from _imports(child, package, eager=eager and not inside, typing=typing or guarded)


def full(base: str, name: str) -> str:
    """Give `base.name` where that is a module of ours, else `base`."""
    for root, folder in (("replicate", PACKAGE), ("replicate_api", GENERATED)):
        if base == root or base.startswith(f"{root}."):
            target = folder.joinpath(*base.split(".")[1:], name)
            if target.with_suffix(".py").exists() or target.is_dir():
                return f"{base}.{name}"
    return base


def layer(module: str) -> int:
    """Find the layer of a module of the client."""
    prefixes = {prefix: height for height, names in enumerate(LAYERS) for prefix in names}
    while module not in prefixes:
        module = module.rpartition(".")[0]
    return prefixes[module]


CLIENT = [(name, path) for name, path in modules(PACKAGE, "replicate") if not name.startswith("replicate.local")]
LOCAL = [(name, path) for name, path in modules(PACKAGE, "replicate") if name.startswith("replicate.local")]
API = list(modules(GENERATED, "replicate_api"))


@pytest.mark.parametrize(("module", "path"), CLIENT, ids=[name for name, _ in CLIENT])
def test_imports_go_down_only(module: str, path: Path) -> None:
    """A module imports from its own layer and those below, be it for types or in a function."""
    upward = [
        f"{path.name}:{found.line} imports {found.name}"
        for found in imports(module, path)
        if found.name.split(".")[0] == "replicate"
        and not (found.typing and layer(module) == 0)  # errors name what they carry
        and (found.name.startswith("replicate.local") or layer(found.name) > layer(module))
    ]
    assert upward == []


def test_no_module_is_loaded_by_itself() -> None:
    """What modules import when they are loaded has no cycles."""
    everything = dict(CLIENT + LOCAL + API)
    graph = {
        module: {found.name for found in imports(module, path) if found.eager and not found.typing} & everything.keys()
        for module, path in everything.items()
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join([*trail, module])
        if module not in done:
            for below in graph[module]:
                visit(below, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize(("module", "path"), CLIENT, ids=[name for name, _ in CLIENT])
def test_only_the_transport_waits(module: str, path: Path) -> None:
    """Nothing but the transport blocks or awaits the outside world; files are read and written elsewhere."""
    found = {each.name for each in imports(module, path) if not each.typing}
    waiting = {name for name in found if name in WAITS or name.split(".")[0] in WAITS}
    waiting = {name for name in waiting if (module, name) not in READS}
    assert waiting == set() or module in WAITING
    calls = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node)
        in {"httpx.Client", "httpx.AsyncClient", "httpx.get", "httpx.post", "httpx.stream", "httpx.request"}
    ]
    constructed = [call for call in calls if f"{call}(" in path.read_text("utf-8")]
    assert constructed == [] or module in WAITING


@pytest.mark.parametrize(("module", "path"), LOCAL, ids=[name for name, _ in LOCAL])
def test_the_local_server_does_not_know_the_client(module: str, path: Path) -> None:
    """The local server imports itself and libraries; only `client()` and its twin, when called, make a client."""
    of_ours = [each for each in imports(module, path) if each.name.split(".")[0] in ("replicate", "replicate_api")]
    reached = {
        each.name for each in of_ours if not each.name.startswith("replicate.local") and not each.typing and each.eager
    }
    assert reached == set()


@pytest.mark.parametrize(("module", "path"), API, ids=[name for name, _ in API])
def test_the_generated_layer_knows_nothing_above_it(module: str, path: Path) -> None:
    """The generated layer imports neither the client nor httpx."""
    assert {each.name.split(".")[0] for each in imports(module, path)} & {"replicate", "httpx", *WAITS} == set()


def test_the_session_of_an_object_is_reached_in_one_place() -> None:
    """Other files than dual.py, async_names.py and resource.py use the session of `self` only."""
    elsewhere = [
        f"{module}: {ast.unparse(node)}"
        for module, path in CLIENT
        if module
        not in (
            "replicate._dual.methods",
            "replicate._dual.async_names",
            "replicate._objects.resource",
            "replicate._dual.methods",
            "replicate._dual.async_names",
            "replicate._objects.resource",
        )
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr == "_session"
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "other"))
    ]
    assert elsewhere == []


def test_no_module_shadows_a_public_name() -> None:
    """Importing a submodule never replaces a function or namespace of that name on the package."""
    submodules = {path.stem for path in PACKAGE.glob("*.py")} | {
        path.name for path in PACKAGE.iterdir() if path.is_dir()
    }
    assert submodules & set(replicate.__all__) == set()


@pytest.mark.parametrize(("module", "path"), CLIENT + LOCAL, ids=[name for name, _ in CLIENT + LOCAL])
def test_every_idea_fits_on_a_page(module: str, path: Path) -> None:
    """A file is one idea, which it says, and at most 500 lines; functions are near 40 without docstrings."""
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module docstring says what the file knows"
    assert len(text.splitlines()) <= 500
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert length <= 45, f"{node.name} has {length} lines"


def test_public_names_have_docstrings() -> None:
    """Every public class, method and function says what it does."""
    silent = [
        f"{module}.{node.name}"
        for module, path in CLIENT
        if "._" not in module
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and not any(ast.unparse(each) == "overload" for each in node.decorator_list)
    ]
    assert silent == []


def test_type_checkers_and_python_find_the_same_names() -> None:
    """What `replicate/__init__.py` tells type checkers, it does; and `__all__` is all of it."""
    tree = ast.parse(Path(replicate.__file__).read_text("utf-8"))
    [_, block] = [node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    homes = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    others = {
        target.id
        for node in block.body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    assert {*homes, *others} == set(replicate.__all__)
    for name, (module, other) in homes.items():
        assert getattr(replicate, name) is getattr(import_module(str(module)), other)


def test_no_field_of_an_answer_hides_a_method() -> None:
    """A field is an attribute of its object: one called like a method of the object's class would replace it."""
    for name in (
        "Account",
        "Collection",
        "Deployment",
        "File",
        "Hardware",
        "Model",
        "Prediction",
        "Training",
        "Version",
    ):
        resource = getattr(replicate, name)
        fields = {field.name for field in resource.__attrs_attrs__}
        methods = {
            attribute
            for kind in resource.__mro__[:-1]
            for attribute, value in vars(kind).items()
            if not isinstance(value, property | Field)
        }
        assert fields & methods == set(), name
