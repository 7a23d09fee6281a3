"""The structure that ARCHITECTURE.md promises, read from the source itself."""

from __future__ import annotations

import ast
import builtins
import re
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

LEAVES = ("_version", "_upward", "_annotations", "_json", "_times", "_recent", "_wording", "_errors", "_observer")
ROOMS = (
    LEAVES,
    ("exceptions",),
    ("_dual",),
    ("_http",),
    ("_models",),
    ("_objects",),
    ("_files",),
    ("_outputs",),
    ("_inputs",),
    ("_webhooks",),
    ("_jobs",),
    ("resources",),
    ("_flows",),
    ("_client",),
    ("client",),
    ("webhook",),
    ("types",),
    ("_module_client",),
    ("_compat",),
    ("",),
)
"""From the bottom to the top. `replicate_api` is below all of it, `replicate.local` beside it."""

NAMES_PUBLIC = ("replicate.exceptions", "replicate._observer", "replicate._jobs.options")
"""What users read in these names the class `replicate.Prediction`, for type checkers only and as users name it: what
errors carry and callbacks get is made of these modules, so its own cannot be below them."""

WAITS = {"anyio", "asyncio", "http", "select", "socket", "subprocess", "threading", "time", "trio", "urllib.request"}
"""What blocks or awaits. `urllib.parse` and the like do neither."""
READS = {("replicate._http.connections.proxies", "urllib.request")}
"""Imports of these for something that does neither: `getproxies` reads the environment."""
WAITS_IN = (
    "transport",
    "blocking_clients",
    "pool",
    "concurrency",
    "threads",
    "stalling",
    "deadline_backend",
    "in_time",
)
WAITING = (
    "replicate._dual.generators",
    *(f"replicate._http.connections.{name}" for name in WAITS_IN),
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
    room = module.removeprefix("replicate").lstrip(".").partition(".")[0]
    return next(height for height, names in enumerate(ROOMS) if room in names)


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """List the groups of modules that reach each other (Tarjan's strongly connected components)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        stack.append(module)
        for below in sorted(graph[module]):
            if below not in order:
                visit(below)
                lowest[module] = min(lowest[module], lowest[below])
            elif below in stack:
                lowest[module] = min(lowest[module], order[below])
        if lowest[module] == order[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1 or module in graph[module]:
                found.append(sorted(group))

    for module in graph:
        if module not in order:
            visit(module)
    return found


CLIENT = [(name, path) for name, path in modules(PACKAGE, "replicate") if not name.startswith("replicate.local")]
LOCAL = [(name, path) for name, path in modules(PACKAGE, "replicate") if name.startswith("replicate.local")]
API = list(modules(GENERATED, "replicate_api"))


@pytest.mark.parametrize(("module", "path"), CLIENT, ids=[name for name, _ in CLIENT])
def test_imports_go_down_only(module: str, path: Path) -> None:
    """A module imports from its own room and those below: when it is loaded, in a function, or for types alike."""
    upward = [
        f"{path.name}:{found.line} imports {found.name}"
        for found in imports(module, path)
        if found.name.split(".")[0] == "replicate"
        and not (found.name == "replicate" and found.typing and module in NAMES_PUBLIC)
        and (found.name.startswith("replicate.local") or is_above(found.name, module))
    ]
    assert upward == []


def is_above(module: str, other: str) -> bool:
    """Return whether a module is in a layer above another's, or in another room of the same layer."""
    rooms = [each.split(".")[:2] for each in (module, other)]
    return layer(module) > layer(other) or (layer(module) == layer(other) > 0 and rooms[0] != rooms[1])


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Imports have no circles: neither when modules are loaded, nor inside functions, nor for type checkers."""
    everything = dict(CLIENT + LOCAL + API)
    graph = {
        module: {
            found.name
            for found in imports(module, path)
            if not (found.name == "replicate" and found.typing and module in NAMES_PUBLIC)
        }
        & everything.keys()
        for module, path in everything.items()
    }
    assert circles(graph) == []


def test_the_search_for_circles_finds_them() -> None:
    """Two circles and a module that imports itself are found; a diamond is none."""
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e", "f"}, "e": {"g"}, "f": {"g"}, "g": {"g"}, "h": {"a"}}
    assert circles(graph) == [["g"], ["a", "b", "c"]]


@pytest.mark.parametrize(("module", "path"), CLIENT, ids=[name for name, _ in CLIENT])
def test_texts_name_no_module_above(module: str, path: Path) -> None:
    """A text that is the path of a module, as in a table of what is loaded late, names one of its own room or below."""
    known = {name for name, _ in CLIENT + LOCAL}
    texts = [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    upward = [
        f"{path.name}:{node.lineno} names {node.value}"
        for node in texts
        if node.value in known - {"replicate"} and is_above(node.value, module)
    ]
    assert upward == []


@pytest.mark.parametrize(("module", "path"), CLIENT, ids=[name for name, _ in CLIENT])
def test_httpx_is_imported_in_one_room(module: str, path: Path) -> None:
    """At run time, httpx is imported in `_http` only; other rooms have it from there. Types may name it anywhere."""
    found = [each.name for each in imports(module, path) if each.name.split(".")[0] == "httpx" and not each.typing]
    assert found == [] or module.startswith("replicate._http")


READERS = {
    "json.loads": "replicate_api.types",
    "json.load": "replicate_api.types",
    "json.JSONDecoder": "replicate._objects.long_pages",  # what this cannot read is left to the other
    "response.json": "replicate_api.types",
    "datetime.fromisoformat": "replicate_api.types",
    "isoparse": "replicate_api.types",
    "parsedate_to_datetime": "replicate._times",
}
"""What reads JSON and times, and the only module that calls it: there, whatever an answer holds has been thought of."""
MAKE_NUMBERS = {
    "_compat.version1": "any text: it catches ValueError",
    "_files.download": "lengths in headers, of digits whose number is limited",
    "_files.sources": "a position in a file",
    "_http.connections.deadline_backend": "seconds, given as numbers",
    "_http.error_responses": "two hexadecimal digits",
    "_http.private_hosts": "at most 50 characters",
    "_http.retry": "any text: it catches ValueError",
    "_http.settings": "the program's own",
    "_http.sse": "at most LONGEST_RETRY digits",
    "_inputs.values": "the program's own",
    "_jobs.options": "the program's own",
    "_jobs.updates": "digits whose number the pattern limits",
    "_objects.response": "this package's own",
    "_webhooks.signature": "at most 15 digits",
    "resources.files": "the caller's: it catches ValueError",
    "resources.webhooks": "the caller's",
}
"""The modules that make numbers of texts, and why no text can make that fail."""


@pytest.mark.parametrize(("module", "path"), CLIENT + API, ids=[name for name, _ in CLIENT + API])
def test_what_answers_hold_is_read_in_one_place(module: str, path: Path) -> None:
    """JSON and times are read by one function each, and texts become numbers only where any text is allowed."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        assert READERS.get(called, module) == module, f"{path.name}:{node.lineno} calls {called}"
        if called in ("int", "float") and node.args and not isinstance(node.args[0], ast.Constant):
            constant = isinstance(node.args[0], ast.BinOp)  # of numbers
            assert constant or module.removeprefix("replicate.") in MAKE_NUMBERS, (
                f"{path.name}:{node.lineno} makes a number"
            )


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
    """Files other than methods.py, async_names.py and resource.py use the session of `self` only."""
    elsewhere = [
        f"{module}: {ast.unparse(node)}"
        for module, path in CLIENT
        if module
        not in (
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


def test_the_picture_shows_the_rooms() -> None:
    """ARCHITECTURE.md draws the rooms in the order in which they may import each other."""
    path = PACKAGE.parent / "ARCHITECTURE.md"
    if not path.exists():
        pytest.skip("the document stays behind when the installed wheel is tested")
    drawn = re.findall(r"^ {4}(?:replicate/| {10})(_?\w+)/ ", path.read_text("utf-8"), re.MULTILINE)
    rooms = [name for names in reversed(ROOMS) for name in names if name and (PACKAGE / name).is_dir()]
    assert [name for name in drawn if name != "local"] == [name for name in rooms if name != "types"]  # which is a door


# ---- what people see

TREES = [(module, ast.parse(path.read_text("utf-8"))) for module, path in CLIENT]
BUILTIN_ERRORS = {
    name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, Exception)
}
OURS = {
    *(
        "name",
        "self.name",
        "word",
        "words[0]",
        "words.whole[0]",
        "kind",
        "ours",
        "wanted",
        "wanted_by",
        "colour",
        "read",
    ),
    *("first", "others", "hint", "none", "known", "amount", "where", "self._where", "place.where", "WITHOUT[name]"),
    *("', '.join(names)", "', '.join(given)", "', '.join(twice)", "'= and '.join(given)", "', '.join(METHODS)"),
    *("of", "what", "named(request)", "not_binary(where, 'str')", "not_binary(where, type(content).__name__)"),
}
"""What texts of errors are made of: words of ours, names of classes, and places, in which keys are reprs."""
NUMBERS = {"positions", "self._size", "number", "value", "most", "position", "shape", "error.start", "error.reason"}
CHECKED = {"said"}
"""Texts that are made of the above and of reprs."""


def is_safe(part: ast.expr) -> bool:
    """Return whether a part of an error's text is known to be printable."""
    if isinstance(part, ast.FormattedValue):
        return part.conversion == ord("r") or part.format_spec is not None or is_safe(part.value)
    if isinstance(part, ast.JoinedStr):
        return all(map(is_safe, part.values))
    if isinstance(part, ast.Call) and ast.unparse(part.func) in ("harmless", "one_line", "len"):
        return True
    if isinstance(part, ast.Attribute) and part.attr in ("__name__", "__qualname__"):
        return True
    if isinstance(part, ast.Constant) or (isinstance(part, ast.Name) and part.id.isupper()):
        return True
    return ast.unparse(part) in OURS | NUMBERS | CHECKED


def test_texts_from_outside_are_escaped() -> None:
    """Python's own errors are raised with texts that can be printed. Errors of this package escape theirs.

    What is not made of words of ours is a repr (`!r`), or goes through `harmless`. A KeyError shows a repr.
    """
    unsafe = [
        f"{module}:{node.lineno} shows {ast.unparse(text)}"
        for module, tree in TREES
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
        if ast.unparse(node.exc.func) in BUILTIN_ERRORS - {"KeyError"}
        for text in node.exc.args[:1]
        if not is_safe(text) and not ast.unparse(text).startswith("errno.")
    ]
    assert unsafe == []


SHOWS = {
    ("replicate._http.log", "logger.log"),
    ("replicate._http.log", "warnings.warn"),
    ("replicate._objects.progress_bar", "sys.stderr.write"),
    ("replicate._objects.progress_bar", "sys.stderr.flush"),
}
"""The only calls that show something. Each of these modules escapes what it shows."""


def test_one_module_shows_each_kind_of_text() -> None:
    """Only `log` logs and warns, only `progress_bar` writes to stderr, and nothing prints."""
    shows = re.compile(
        r"print|warnings\.warn\w*|logg(er|ing)\.(log|debug|info|warn\w*|error|exception|critical)|sys\.std(err|out)\..*"
    )
    calls = {
        (module, ast.unparse(node.func))
        for module, tree in TREES
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and shows.fullmatch(ast.unparse(node.func))
    }
    assert calls == SHOWS


def test_reprs_and_errors_are_made_in_one_way() -> None:
    """A `__repr__` that shows values is a `safe_repr`, and only `_errors` sets the text of an error."""
    wrong = [
        f"{module}:{node.lineno}"
        for module, tree in TREES
        for node in ast.walk(tree)
        if (isinstance(node, ast.FunctionDef) and node.name == "__repr__" and not is_safe_repr(node))
        or (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr == "message")
        if module != "replicate._errors"
    ]
    assert wrong == []


def is_safe_repr(function: ast.FunctionDef) -> bool:
    """Return whether a `__repr__` shows no values, or is made by the decorator."""
    shows = any(isinstance(part, ast.JoinedStr) for part in ast.walk(function))
    return not shows or [ast.unparse(each) for each in function.decorator_list] == ["safe_repr"]


TAG = re.compile(r"</?(a|b|div|pre|p|br|small|span|table|t[rdh]|img|audio|video|details|summary|progress)\b")


def test_html_is_made_in_one_module() -> None:
    """Only `html` writes tags, and escapes what is between them."""
    markup = {
        module
        for module, tree in TREES
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and TAG.search(node.value)
    }
    assert markup == {"replicate._objects.html"}
